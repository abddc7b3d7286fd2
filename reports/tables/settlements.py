"""Settlements of a period; of one operator, its own part of each that is settled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce

from predictu.fields import MoneyField
from predictu.money import ZERO
from reports.formats.tables import Kind
from reports.tables.base import QueryTable, Source, column
from reports.tables.filters import Wanted, choice, operator
from trading.models import Settlement

# Where an operator's own part of a settlement keeps each figure.
_OWN: dict[str, Source] = {
    "positions_total": "parts__positions",
    "positions_settled": "parts__positions",
    "winners": "parts__winners",
    "losers": "parts__losers",
    "total_payout_usd": "parts__payout_usd",
    "total_loss_usd": "parts__loss_usd",
    "net_pnl_usd": F("parts__loss_usd") - F("parts__payout_usd"),
    # A void gives everyone's money back: the house neither won nor lost.
    "house_pnl_usd": Case(
        When(parts__refund_usd=0, then=F("parts__basis_usd") - F("parts__payout_usd")),
        default=Value(ZERO),
        output_field=MoneyField(),
    ),
    "refund_usd": "parts__refund_usd",
}


@dataclass(frozen=True, kw_only=True)
class SettlementsTable(QueryTable):
    def matching(self, wanted: Wanted) -> QuerySet[Any]:
        found = Settlement.objects.annotate(dated_at=Coalesce("settled_at", "resolved_at")).filter(
            dated_at__gte=wanted.start, dated_at__lt=wanted.end, **wanted.conditions(status="status")
        )
        if wanted.operator:
            found = found.filter(parts__operator=wanted.operator)
        return found.order_by("-dated_at", "-id")

    def sources_for(self, wanted: Wanted) -> Mapping[str, Source]:
        """With an operator its own figures: nobody is sent what other operators' users won."""
        return self.sources if wanted.operator is None else {**self.sources, **_OWN}


TABLE = SettlementsTable(
    type="settlements",
    title="Settlements",
    columns=(
        column("id", Kind.ID),
        column("market_id", Kind.ID),
        column("market_title", Kind.TEXT, "Market"),
        column("resolution", Kind.TEXT),
        column("status", Kind.TEXT),
        column("positions_total", Kind.INTEGER, "Positions"),
        column("positions_settled", Kind.INTEGER, "Settled"),
        column("winners", Kind.INTEGER),
        column("losers", Kind.INTEGER),
        column("total_payout_usd", Kind.MONEY, "Payout USD"),
        column("total_loss_usd", Kind.MONEY, "Loss USD"),
        column("net_pnl_usd", Kind.MONEY),
        column("house_pnl_usd", Kind.MONEY),
        column("refund_usd", Kind.MONEY),
        column("processing_time_ms", Kind.INTEGER),
        column("resolved_at", Kind.INSTANT),
        column("settled_at", Kind.INSTANT),
    ),
    filters={"operator": operator, "status": choice(*Settlement.Status.values)},
    sources={
        "market_title": "market__title",
        **{
            name: name
            for name in (
                "id market_id resolution status positions_total positions_settled winners losers total_payout_usd "
                "total_loss_usd net_pnl_usd house_pnl_usd refund_usd processing_time_ms resolved_at settled_at"
            ).split()
        },
    },
)
