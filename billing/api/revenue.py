"""Revenue of the platform and of one operator, in buckets that add up to the totals."""

from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from operators import queries as operators
from operators.models import Operator
from predictu import clock, money
from predictu.api.params import Query
from predictu.api.views import DataView
from predictu.errors import BadRequest
from predictu.money import ZERO
from trading.queries import revenue
from trading.queries.revenue import Revenue, Sums

MOST_BUCKETS = 50_000
"""Empty buckets are answered too: more of them than this (five years of hours) are nobody's chart."""

_HOURS = {"hour": 1, "day": 24, "week": 168, "month": 672}


def _read(query: Query, operator: Operator | None) -> tuple[Revenue, datetime, datetime, str]:
    start, end = query.period(clock.now())
    unit = query.choice("granularity", revenue.UNITS, "day")
    assert unit is not None
    if (end - start).total_seconds() / 3600 / _HOURS[unit] > MOST_BUCKETS:
        raise BadRequest(
            "granularity is too fine for this period", details={"granularity": ["is too fine for this period"]}
        )
    ids = [operator.id] if operator else None
    return revenue.revenue(start=start, end=end, unit=unit, operator_ids=ids), start, end, unit


def _period(start: datetime, end: datetime) -> dict[str, str | None]:
    return {"from": clock.seconds(start), "to": clock.shown_to(end)}


def _date(bucket: datetime, unit: str) -> str | None:
    """The start of a bucket: a date, of an hour an instant."""
    return clock.seconds(bucket) if unit == "hour" else bucket.date().isoformat()


class RevenueView(DataView):
    """Revenue of the platform, by operator and by bucket; everything adds up to the totals."""

    def get(self, request: Request) -> Response:
        operator = operators.of_query(self.query)
        found, start, end, unit = _read(self.query, operator)
        traders = revenue.traders(start=start, end=end, operator_ids=[operator.id] if operator else None)
        return self.answer(
            {
                "period": _period(start, end),
                "totals": _totals(found.total, sum(traders.values())),
                "by_operator": _by_operator(found.by_operator),
                "series": [
                    {
                        "date": _date(bucket, unit),
                        "gross_usd": sums.gross_usd,
                        "spread_usd": sums.spread_usd,
                        "fees_usd": sums.fees_usd,
                        "predictu_usd": sums.predictu_usd,
                        "trades": sums.trade_count,
                        "volume_usd": sums.volume_usd,
                    }
                    for bucket, sums in found.series.items()
                ],
            }
        )


def _totals(sums: Sums, unique_traders: int) -> dict[str, Any]:
    return {
        "gross_revenue_usd": sums.gross_usd,
        "spread_revenue_usd": sums.spread_usd,
        "fee_revenue_usd": sums.fees_usd,
        "settlement_fee_revenue_usd": sums.settlement_fees_usd,
        "predictu_share_usd": sums.predictu_usd,
        "operator_share_usd": sums.operator_usd,
        "trade_volume_usd": sums.volume_usd,
        "trade_count": sums.trade_count,
        "unique_traders": unique_traders,
        "revenue_per_trade_usd": money.half_up(sums.gross_usd / sums.trade_count) if sums.trade_count > 0 else ZERO,
    }


def _by_operator(found: dict[str, Sums]) -> list[dict[str, Any]]:
    slugs = dict(Operator.objects.filter(pk__in=found).values_list("pk", "slug"))
    rows = [
        {
            "operator_slug": slugs[operator_id],
            "gross_usd": sums.gross_usd,
            "predictu_share_usd": sums.predictu_usd,
            "trade_count": sums.trade_count,
        }
        for operator_id, sums in found.items()
    ]
    return sorted(rows, key=lambda row: (-row["gross_usd"], row["operator_slug"]))


class OperatorRevenueView(DataView):
    """Revenue of one operator by bucket, and how it is shared."""

    def get(self, request: Request, slug: str) -> Response:
        operator = operators.by_slug(slug)
        found, start, end, unit = _read(self.query, operator)
        total = found.total
        return self.answer(
            {
                "operator_slug": operator.slug,
                "period": _period(start, end),
                "totals": {
                    "revenue_usd": total.gross_usd,
                    "spread_revenue_usd": total.spread_usd,
                    "fee_revenue_usd": total.fees_usd,
                    "settlement_fee_revenue_usd": total.settlement_fees_usd,
                    "predictu_share_usd": total.predictu_usd,
                    "operator_share_usd": total.operator_usd,
                },
                "series": [
                    {
                        "date": _date(bucket, unit),
                        "revenue_usd": sums.gross_usd,
                        "spread_usd": sums.spread_usd,
                        "fees_usd": sums.fees_usd,
                        "trade_count": sums.trade_count,
                        "volume_usd": sums.volume_usd,
                    }
                    for bucket, sums in found.series.items()
                ],
            }
        )
