"""What an operator's users did, as its pages show it: set-wise for a whole page, from counters and sums.

Test users are in none of it. Revenue is gross.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection

from accounts import signups
from predictu import clock, money
from predictu.money import ZERO
from trading.queries import revenue

_BUCKETS = """
SELECT scope_id, trade_count, volume_usd, yes_usd + no_usd FROM risk_exposurebucket
WHERE scope = 'operator' AND scope_id = ANY(%(names)s)
"""

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Counts and dollars of one operator; revenue is gross."""

    user_count: int = 0
    active_users_24h: int = 0
    trade_count: int = 0
    volume_usd: Decimal = ZERO
    exposure_usd: Decimal = ZERO
    revenue_total_usd: Decimal = ZERO
    revenue_30d_usd: Decimal = ZERO
    mtd_revenue_usd: Decimal = ZERO

    @property
    def avg_trade_usd(self) -> Decimal:
        return money.half_up(self.volume_usd / self.trade_count) if self.trade_count else ZERO


def of(operator_ids: Sequence[str], now: datetime) -> dict[str, Metrics]:
    """The metrics of every operator named."""
    users = signups.registered(operator_ids)
    active = revenue.traders(start=now - timedelta(hours=24), end=now, operator_ids=operator_ids)
    buckets = _buckets(operator_ids)
    total = _gross(operator_ids, _BEGINNING, now)
    month = _gross(operator_ids, now - timedelta(days=30), now)
    to_date = _gross(operator_ids, clock.month_start(now), now)
    found = {}
    for operator_id in operator_ids:
        trades, volume, exposure = buckets.get(operator_id, (0, ZERO, ZERO))
        found[operator_id] = Metrics(
            user_count=users.get(operator_id, 0),
            active_users_24h=active.get(operator_id, 0),
            trade_count=trades,
            volume_usd=volume,
            exposure_usd=money.half_up(exposure),
            revenue_total_usd=total[operator_id],
            revenue_30d_usd=month[operator_id],
            mtd_revenue_usd=to_date[operator_id],
        )
    return found


def _gross(operator_ids: Sequence[str], start: datetime, now: datetime) -> dict[str, Decimal]:
    """Gross revenue from ``start`` to the end of the hour that runs."""
    sums = dict.fromkeys(operator_ids, ZERO)
    end = clock.hour_start(now) + timedelta(hours=1)
    for cell in revenue.cells(start=start, end=end, unit="month", operator_ids=operator_ids):
        sums[cell.operator_id] += cell.sums.gross_usd
    return sums


def _buckets(operator_ids: Sequence[str]) -> dict[str, tuple[int, Decimal, Decimal]]:
    with connection.cursor() as cursor:
        cursor.execute(_BUCKETS, {"names": list(operator_ids)})
        return {row[0]: row[1:] for row in cursor.fetchall()}
