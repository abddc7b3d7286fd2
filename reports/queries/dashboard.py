"""The God Mode home screen: every figure exact as of now, from counters, rollups and what is not rolled up yet."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts import signups
from operators.models import Operator
from predictu import clock, ids, money
from predictu.platform import config
from risk import limits
from risk.models import Scope
from trading.queries import revenue
from trading.queries.revenue import Sums

PERIODS = {"1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}
# Share of the per-market limit from which a market counts as highly exposed.
_HIGH_EXPOSURE = Decimal("0.8")
# ``all`` is charted by months once its days are more than these.
_MOST_DAYS = 400
_ONBOARDING = (Operator.Stage.PENDING, Operator.Stage.CONFIGURING, Operator.Stage.TESTING)


# Unsettled settlements are few: no position of another market is read.
_STANDING = """
SELECT house.total, house.live, house.onboarding, coalesce(bucket.trade_count, 0), coalesce(bucket.volume_usd, 0),
  coalesce(bucket.yes_usd + bucket.no_usd, 0),
  (SELECT count(*) FROM risk_circuitbreaker WHERE status = 'tripped' AND is_enabled
     AND (%(operator)s::uuid IS NULL OR scope = 'operator' AND scope_id = %(scope_id)s)),
  (SELECT count(*) FROM risk_exposurebucket high WHERE scope = 'market' AND exposure_usd >= %(high)s
     AND (%(operator)s::uuid IS NULL OR EXISTS (
       SELECT FROM trading_position held WHERE held.operator_id = %(operator)s AND held.market_id = high.subject
         AND NOT held.is_test AND held.status = 'open'))),
  (SELECT count(*) FROM accounts_player WHERE NOT is_test AND tier <> 'normal'
     AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s)),
  due.positions, due.usd,
  (SELECT max(settled_at) FROM trading_settlement settlement WHERE status = 'completed'
     AND (%(operator)s::uuid IS NULL OR EXISTS (
       SELECT FROM trading_settlementpart part WHERE part.settlement_id = settlement.id
         AND part.operator_id = %(operator)s)))
FROM (
  SELECT count(*) AS total, count(*) FILTER (WHERE suspended_at IS NULL AND stage = %(live)s) AS live,
         count(*) FILTER (WHERE suspended_at IS NULL AND stage = ANY(%(onboarding)s)) AS onboarding
  FROM operators_operator WHERE %(operator)s::uuid IS NULL OR id = %(operator)s) AS house
LEFT JOIN risk_exposurebucket bucket ON bucket.scope = %(scope)s AND bucket.scope_id = %(scope_id)s
CROSS JOIN (
  SELECT count(*) AS positions, coalesce(sum(CASE market.resolution
    WHEN position.outcome THEN trunc(quantity, 2) WHEN 'split' THEN trunc(quantity * 0.5, 2)
    WHEN 'cancelled' THEN cost_basis_usd ELSE 0 END), 0) AS usd
  FROM trading_settlement settlement JOIN trading_market market ON market.id = settlement.market_id
  JOIN trading_position position ON position.market_id = market.id
  WHERE settlement.status IN ('pending', 'processing', 'failed') AND NOT position.is_test
    AND position.status = 'open' AND position.quantity > 0
    AND (%(operator)s::uuid IS NULL OR position.operator_id = %(operator)s)) AS due
"""


def dashboard(*, period: str, operator: Operator | None, now: datetime) -> dict[str, Any]:
    """The documented answer. ``period`` is a key of PERIODS or ``all``; windows end now."""
    scope = None if operator is None else [operator.id]
    begin = now - PERIODS[period] if period in PERIODS else _beginning(now)
    windows = [(begin, now), (now - PERIODS["1d"], now)]
    if period in PERIODS:
        windows.append((begin - PERIODS[period], begin))
    current, day, *before = revenue.spans(windows, scope)
    standing = _standing(operator)
    return {
        "operators": {"total": standing.operators, "active": standing.live, "pending_onboarding": standing.onboarding},
        "users": _users(period, begin, now, scope),
        "trades": {
            "total": standing.trade_count,
            "volume_usd": standing.volume_usd,
            "count_24h": day.trade_count,
            "volume_24h_usd": day.volume_usd,
            "delta_pct": delta_pct(current.volume_usd, before[0].volume_usd if before else None),
        },
        "revenue": {
            "total_usd": revenue.all_time(scope),
            "period_usd": current.gross_usd,
            "delta_pct": delta_pct(current.gross_usd, before[0].gross_usd if before else None),
            "breakdown": {"spread": current.spread_usd, "fees": current.fees_usd},
        },
        "exposure": _exposure(operator, standing.exposure_usd),
        "risk": {
            "circuit_breakers_active": standing.breakers,
            "high_exposure_markets": standing.high_markets,
            "sharp_bettors_flagged": standing.flagged,
        },
        "settlements": {
            "pending_count": standing.pending,
            "pending_usd": money.half_up(standing.pending_usd),
            "last_settled_at": clock.seconds(standing.last_settled_at),
        },
        "chart_data": chart(begin=begin, now=now, scope=scope, months=period == "all"),
    }


def delta_pct(current: Decimal | int, before: Decimal | int | None) -> Decimal | None:
    """Change against the period before in percent with one place; None without one or when it was zero."""
    if not before:
        return None
    return money.rounded((Decimal(current) - Decimal(before)) * 100 / Decimal(before), 1)


def _beginning(now: datetime) -> datetime:
    first = Operator.objects.order_by("created_at").values_list("created_at", flat=True).first()
    return clock.day_start(first or now)


def _users(period: str, begin: datetime, now: datetime, scope: list[str] | None) -> dict[str, Any]:
    day, week = now - PERIODS["1d"], now - PERIODS["7d"]
    windows = [(begin, now), (week, now)]
    if period in PERIODS:
        windows.append((begin - PERIODS[period], begin))
    joined, new, *before = signups.joined_in(windows, scope)
    active_24h, active_7d = revenue.active([day, week], now=now, operator_ids=scope)
    return {
        "total": sum(signups.registered(scope).values()),
        "active_24h": active_24h,
        "active_7d": active_7d,
        "new_7d": new,
        "delta_pct": delta_pct(joined, before[0] if before else None),
    }


def _exposure(operator: Operator | None, current: Decimal) -> dict[str, Any]:
    if operator is None:
        most = config.current()["risk.global_exposure_limit_usd"]
    else:
        most = limits.operator_limit(
            limits.OperatorLimits(operator.risk_tier, operator.exposure_limit_usd, operator.category_limits)
        )
    return {
        "current_usd": money.half_up(current),
        "max_usd": most,
        "utilization_pct": money.percent(current, most),
    }


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is so now, whatever the period."""

    operators: int
    live: int
    onboarding: int
    trade_count: int
    volume_usd: Decimal
    exposure_usd: Decimal
    breakers: int
    high_markets: int
    flagged: int
    pending: int
    pending_usd: Decimal
    last_settled_at: datetime | None


def _standing(operator: Operator | None) -> _Standing:
    wanted = {
        "operator": None if operator is None else ids.decode("op", operator.id),
        "scope": Scope.GLOBAL if operator is None else Scope.OPERATOR,
        "scope_id": "" if operator is None else operator.id,
        "live": Operator.Stage.LIVE,
        "onboarding": list(_ONBOARDING),
        "high": config.current()["risk.per_market_max_usd"] * _HIGH_EXPOSURE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, wanted)
        return _Standing(*cursor.fetchone())


def chart(*, begin: datetime, now: datetime, scope: list[str] | None, months: bool) -> list[dict[str, Any]]:
    """A row per UTC day from ``begin``'s to today; with ``months`` a row per month once the days are too many."""
    unit = "month" if months and (now - begin).days > _MOST_DAYS else "day"
    start = clock.month_start(begin) if unit == "month" else clock.day_start(begin)
    end = clock.day_start(now) + clock.DAY
    found = {bucket: Sums() for bucket in revenue.buckets(start, end, unit)}
    for cell in revenue.cells(start=start, end=end, unit=unit, operator_ids=scope):
        found[cell.bucket].add(cell.sums)
    traders = revenue.traders_by_bucket(start=start, end=end, unit=unit, operator_ids=scope)
    return [
        {
            "date": f"{bucket:%Y-%m}" if unit == "month" else f"{bucket:%Y-%m-%d}",
            "revenue_usd": sums.gross_usd,
            "trades": sums.trade_count,
            "users": traders.get(bucket, 0),
        }
        for bucket, sums in found.items()
    ]
