"""Settlements of a period; of one operator, its own part of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from predictu.fields import MoneyField
from reports.formats.tables import Kind
from reports.tables.base import QueryTable, Source, column
from reports.tables.filters import Wanted, choice, operator
from trading.models import Position, Settlement

_HELD, _WON, _LOST = Q(quantity__gt=0), Q(quantity__gt=0, payout_price__gt=0), Q(quantity__gt=0, payout_price=0)
_OWN_COUNTS = {
    "positions_total": Count("pk", filter=_HELD),
    "positions_settled": Count("pk", filter=_HELD & Q(status=Position.Status.SETTLED)),
    "winners": Count("pk", filter=_WON),
    "losers": Count("pk", filter=_LOST),
}
_OWN_SUMS = {
    "total_payout_usd": Sum("payout_usd", filter=_WON),
    "total_loss_usd": Sum("cost_basis_usd", filter=_LOST),
    "refund_usd": Sum("payout_usd", filter=_HELD & Q(payout_price=None)),
}


@dataclass(frozen=True, kw_only=True)
class SettlementsTable(QueryTable):
    def matching(self, wanted: Wanted) -> QuerySet[Any]:
        found = Settlement.objects.annotate(dated_at=Coalesce("settled_at", "resolved_at")).filter(
            dated_at__gte=wanted.start, dated_at__lt=wanted.end, **wanted.conditions(status="status")
        )
        if wanted.operator:
            found = found.filter(Exists(_positions(wanted)))
        return found.order_by("-dated_at", "-id")

    def sources_for(self, wanted: Wanted) -> Mapping[str, Source]:
        """With an operator its own figures: nobody is sent what other operators' users won."""
        if wanted.operator is None:
            return self.sources
        own: dict[str, Source] = {name: _own(wanted, each, IntegerField()) for name, each in _OWN_COUNTS.items()}
        own |= {name: _own(wanted, each, MoneyField()) for name, each in _OWN_SUMS.items()}
        own["net_pnl_usd"] = own["total_loss_usd"] - own["total_payout_usd"]  # type: ignore[operator]
        own["house_pnl_usd"] = _own(
            wanted, Sum(F("cost_basis_usd") - F("payout_usd"), filter=_HELD & ~Q(payout_price=None)), MoneyField()
        )
        return {**self.sources, **own}


def _positions(wanted: Wanted) -> QuerySet[Position]:
    return Position.objects.filter(market=OuterRef("market"), operator=wanted.operator, quantity__gt=0, is_test=False)


def _own(wanted: Wanted, aggregate: Any, kind: Any) -> Coalesce:
    grouped = _positions(wanted).order_by().values("market").annotate(figure=aggregate).values("figure")
    return Coalesce(Subquery(grouped, output_field=kind), Value(0, output_field=kind), output_field=kind)


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
