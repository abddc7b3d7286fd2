"""Revenue by operator and bucket of time; rows add up to the totals of the revenue page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from operators.models import Operator
from predictu.errors import ValidationFailed
from reports.formats.tables import Column, Kind
from reports.tables.base import Table, column
from reports.tables.filters import Wanted, choice, operator
from trading.queries import revenue

# Hours of more than two years are nobody's report: an export of trades serves that.
MOST_BUCKETS = 20_000


@dataclass(frozen=True, kw_only=True)
class RevenueTable(Table):
    def typed(self, names: Sequence[str], wanted: Wanted) -> list[Column]:
        found = super().typed(names, wanted)
        kind = Kind.INSTANT if _unit(wanted) == "hour" else Kind.DATE
        return [replace(each, kind=kind) if each.name == "date" else each for each in found]

    def count(self, wanted: Wanted) -> int:
        return len(self._revenue(wanted).cells)

    def rows(self, wanted: Wanted, names: Sequence[str]) -> Iterator[Sequence[Any]]:
        found = self._revenue(wanted).cells
        operators = {each.pk: each for each in Operator.objects.filter(pk__in={key[0] for key in found})}
        ordered = sorted(found, key=lambda key: operators[key[0]].slug)
        for operator_id, bucket in sorted(ordered, key=lambda key: key[1], reverse=True):
            sums, owner = found[operator_id, bucket], operators[operator_id]
            values = {
                "date": bucket,
                "operator_slug": owner.slug,
                "operator_name": owner.name,
                "gross_usd": sums.gross_usd,
                "spread_usd": sums.spread_usd,
                "fees_usd": sums.fees_usd,
                "settlement_fees_usd": sums.settlement_fees_usd,
                "predictu_usd": sums.predictu_usd,
                "operator_usd": sums.operator_usd,
                "trades": sums.trade_count,
                "volume_usd": sums.volume_usd,
            }
            yield [values[name] for name in names]

    def _revenue(self, wanted: Wanted) -> revenue.Revenue:
        unit = _unit(wanted)
        if (wanted.end - wanted.start).total_seconds() / 3600 / _HOURS[unit] > MOST_BUCKETS:
            raise ValidationFailed(details={"filters.granularity": ["is too fine for this period"]})
        ids = [wanted.operator.id] if wanted.operator else None
        return revenue.revenue(start=wanted.start, end=wanted.end, unit=unit, operator_ids=ids)


_HOURS = {"hour": 1, "day": 24, "week": 168, "month": 672}


def _unit(wanted: Wanted) -> str:
    return wanted["granularity"] or "day"


TABLE = RevenueTable(
    type="revenue",
    title="Revenue",
    columns=(
        column("date", Kind.DATE),
        column("operator_slug", Kind.TEXT, "Operator"),
        column("operator_name", Kind.TEXT),
        column("gross_usd", Kind.MONEY),
        column("spread_usd", Kind.MONEY),
        column("fees_usd", Kind.MONEY),
        column("settlement_fees_usd", Kind.MONEY),
        column("predictu_usd", Kind.MONEY, "Predictu's share USD"),
        column("operator_usd", Kind.MONEY, "Operator's share USD"),
        column("trades", Kind.INTEGER),
        column("volume_usd", Kind.MONEY),
    ),
    filters={"operator": operator, "granularity": choice(*revenue.UNITS)},
)
