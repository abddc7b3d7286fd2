"""Settlements of God Mode: lists, and resolving, previewing and correcting by staff."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from operators import queries as operators
from predictu import clock
from predictu.api import pages
from predictu.api.fields import TextField
from predictu.api.views import DataView
from predictu.errors import BadRequest
from predictu.platform import approvals
from trading.api.markets import market_id_of
from trading.models import Market, Settlement
from trading.queries import settlements as queries
from trading.services import corrections, settlements
from trading.services.settlements import Resolved


class OutcomeBody(serializers.Serializer):
    outcome = serializers.ChoiceField(Market.Resolution.values)
    reason = TextField(max_length=500)


class SettlementsView(DataView):
    """Settlements, newest first; of an operator, those its users had positions in, with its figures."""

    def get(self, request: Request) -> Response:
        page = pages.page(self.query)
        rows, total = queries.page(
            status=self.query.choice("status", Settlement.Status.values),
            market_id=self.query.type_id("market_id", "mkt"),
            operator=operators.of_query(self.query),
            window=self.query.window(),
            page=page,
        )
        return Response(page.envelope(rows, total))


class PendingView(DataView):
    """Markets resolved whose positions are not all settled, or whose callbacks are failing."""

    def get(self, request: Request) -> Response:
        rows = queries.pending()
        wanted = pages.optional_page(self.query)
        shown = rows[wanted.offset : wanted.offset + wanted.limit] if wanted else rows
        return Response({"data": shown, "total": len(rows)})


class PreviewView(DataView):
    """Who would get what if the market were resolved this way; moves nothing."""

    def get(self, request: Request, market_id: str) -> Response:
        outcome = self.query.choice("outcome", Market.Resolution.values)
        if outcome is None:
            raise BadRequest("outcome is required", details={"outcome": ["is required"]})
        return self.answer(settlements.preview(market_id_of(market_id), outcome))


class ResolveView(DataView):
    """Close trading for good and have the market settled: 202, or 200 when it was resolved this way before."""

    permissions: ClassVar = {"POST": settlements.PERMISSION}

    @extend_schema(request=OutcomeBody)
    def post(self, request: Request, market_id: str) -> Response:
        body = self.body(OutcomeBody)
        done = settlements.resolve(
            market_id=market_id_of(market_id),
            outcome=body["outcome"],
            reason=body["reason"],
            actor=self.admin,
            now=clock.now(),
        )
        return self.answer(_answer(done), status=202 if done.created or done.approval else 200)


class CorrectView(DataView):
    """Correct a wrong resolution, once; the first result stays in ``versions``."""

    permissions: ClassVar = {"POST": settlements.PERMISSION}

    @extend_schema(request=OutcomeBody)
    def post(self, request: Request, market_id: str) -> Response:
        body = self.body(OutcomeBody)
        done = corrections.correct(
            market_id=market_id_of(market_id),
            outcome=body["outcome"],
            reason=body["reason"],
            actor=self.admin,
            now=clock.now(),
        )
        return self.answer(_answer(done), status=202 if done.approval else 200)


def _answer(done: Resolved) -> dict[str, Any]:
    if done.approval is not None:
        return approvals.waiting(done.approval)
    assert done.settlement is not None
    [row] = queries.shown([Settlement.objects.select_related("market").get(pk=done.settlement.id)])
    return row
