"""Markets of God Mode: the list, one in full, and what staff may do with it."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from operators.models import CATEGORIES
from predictu import clock, ids
from predictu.api import pages
from predictu.api.fields import IdField, TextField
from predictu.api.views import DataView
from predictu.errors import NotFound
from predictu.platform import config
from trading.models import Market
from trading.queries import market_detail
from trading.queries import markets as queries
from trading.queries.markets import MarketFilter
from trading.services import markets


class ReasonBody(serializers.Serializer):
    reason = TextField(max_length=500)


class ImageBody(serializers.Serializer):
    file_id = IdField("file", allow_null=True)


class OverrideBody(ReasonBody):
    override = serializers.ChoiceField(Market.Override.values, allow_null=True)


def market_id_of(text: str) -> str:
    """The id in a path. Raises NotFound for anything that is none."""
    try:
        ids.decode("mkt", text)
    except ValueError:
        raise NotFound("No such market") from None
    return text


def shown(market_id: str) -> dict[str, Any]:
    """One market in full. Raises NotFound."""
    values = queries.one(market_id_of(market_id))
    if values is None:
        raise NotFound("No such market")
    return market_detail.detail(values, now=clock.now())


class MarketsView(DataView):
    """Markets, largest volume first, with our counts and why each may or may not be traded."""

    def get(self, request: Request) -> Response:
        wanted = MarketFilter(
            search=self.query.text("search"),
            category=self.query.choice("category", CATEGORIES),
            status=self.query.choice("status", Market.Status.values),
            tradeable=self.query.boolean("tradeable"),
        )
        sort, descending = self.query.order(queries.SORTS, "volume")
        page = pages.page(self.query)
        rows, total = queries.page(wanted, sort=sort, descending=descending, page=page)
        configuration = config.current()
        return Response(page.envelope([queries.row(values, configuration) for values in rows], total))


class MarketView(DataView):
    """One market in full: prices, volumes, exposure, operators and a week of hours."""

    def get(self, request: Request, market_id: str) -> Response:
        return self.answer(shown(market_id))


class PauseView(DataView):
    """Stop trading in a market until staff resume it."""

    permissions: ClassVar = {"POST": "trading.manage_markets"}

    @extend_schema(request=ReasonBody)
    def post(self, request: Request, market_id: str) -> Response:
        reason = self.body(ReasonBody)["reason"]
        markets.pause(market_id=market_id_of(market_id), reason=reason, actor=self.admin, now=clock.now())
        return self.answer(shown(market_id))


class ResumeView(DataView):
    """Take staff's pause of a market back."""

    permissions: ClassVar = {"POST": "trading.manage_markets"}

    @extend_schema(request=ReasonBody)
    def post(self, request: Request, market_id: str) -> Response:
        reason = self.body(ReasonBody)["reason"]
        markets.resume(market_id=market_id_of(market_id), reason=reason, actor=self.admin, now=clock.now())
        return self.answer(shown(market_id))


class OverrideView(DataView):
    """Let a market trade or block it, whatever the selection filter says; null goes back to the filter."""

    permissions: ClassVar = {"POST": "trading.manage_markets"}

    @extend_schema(request=OverrideBody)
    def post(self, request: Request, market_id: str) -> Response:
        body = self.body(OverrideBody)
        markets.override(
            market_id=market_id_of(market_id),
            value=body["override"] or "",
            reason=body["reason"],
            actor=self.admin,
            now=clock.now(),
        )
        return self.answer(shown(market_id))


class ImageView(DataView):
    """Show an uploaded image of the market instead of the source's; null goes back to that."""

    permissions: ClassVar = {"POST": "trading.manage_markets"}

    @extend_schema(request=ImageBody)
    def post(self, request: Request, market_id: str) -> Response:
        file_id = self.body(ImageBody)["file_id"]
        markets.set_image(market_id=market_id_of(market_id), file_id=file_id, actor=self.admin, now=clock.now())
        return self.answer(shown(market_id))
