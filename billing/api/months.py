"""What finance looks at: who owes how long, and whether a month can be closed."""

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import months, queries
from billing.api.invoices import ReasonBody
from billing.models import MonthClose
from billing.services import month_close
from operators.models import Operator
from predictu import clock
from predictu.api.views import DataView
from predictu.errors import NotFound


class ReceivablesView(DataView):
    """Open invoices by operator and by how long they are past due."""

    def get(self, request: Request) -> Response:
        now = clock.now()
        found = queries.receivables(now=now)
        slugs = dict(Operator.objects.filter(pk__in=[row.operator_id for row in found]).values_list("pk", "slug"))
        summed = queries.totals(found)
        return self.answer(
            {
                "as_of": clock.seconds(now),
                "totals": {**_usd(summed), "total_usd": sum(summed.values())},
                "by_operator": [
                    {
                        "operator_slug": slugs[row.operator_id],
                        "operator_name": row.operator_name,
                        "invoices": row.invoices,
                        **_usd(row.buckets),
                        "total_usd": row.total_usd,
                    }
                    for row in found
                ],
            }
        )


def _usd(buckets: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}_usd": amount for name, amount in buckets.items()}


def month_of(text: str) -> date:
    """The month of a path. Raises NotFound."""
    try:
        return months.parse(text)
    except ValueError:
        raise NotFound("No such month") from None


class MonthView(DataView):
    """Whether a month can be closed; the ledger as of the last night's verification."""

    def get(self, request: Request, month: str) -> Response:
        wanted = month_of(month)
        checks = month_close.check(month=wanted, now=clock.now())
        return self.answer(
            {
                "month": f"{wanted:%Y-%m}",
                "closed": _closed(wanted),
                "checks": [
                    {
                        "name": one.name,
                        "title": one.title,
                        "ok": one.ok,
                        "findings": one.findings,
                        "explanation": one.explanation or None,
                    }
                    for one in checks
                ],
            }
        )


def _closed(month: date) -> dict[str, Any] | None:
    row = MonthClose.objects.filter(month=month).first()
    if row is None:
        return None
    return {
        "closed_at": clock.seconds(row.closed_at),
        "closed_by": row.closed_by_id,
        "reason": row.reason,
        "gross_usd": row.gross_usd,
        "predictu_share_usd": row.share_usd,
    }


class CloseView(DataView):
    """Close a month: every check has to be in order, and what it came to is written down for good."""

    permissions = {"POST": "billing.manage"}

    @extend_schema(request=ReasonBody)
    def post(self, request: Request, month: str) -> Response:
        wanted, body = month_of(month), self.body(ReasonBody)
        month_close.close(month=wanted, reason=body["reason"], actor=self.admin, now=clock.now())
        return self.answer({"month": f"{wanted:%Y-%m}", "closed": _closed(wanted)}, 201)


class ExplanationBody(ReasonBody):
    check = serializers.ChoiceField(month_close.EXPLAINABLE)


class ExplanationsView(DataView):
    """Say why callbacks or mails that did not get through do not keep a month open."""

    permissions = {"POST": "billing.manage"}

    @extend_schema(request=ExplanationBody)
    def post(self, request: Request, month: str) -> Response:
        wanted, body, now = month_of(month), self.body(ExplanationBody), clock.now()
        note = month_close.explain(month=wanted, name=body["check"], reason=body["reason"], actor=self.admin, now=now)
        answer = {"check": note.check_name, "reason": note.reason, "created_at": clock.seconds(note.created_at)}
        return self.answer(answer, 201)
