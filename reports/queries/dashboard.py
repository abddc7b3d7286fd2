"""The God Mode home screen: every figure exact as of now, from counters, rollups and what is not rolled up yet."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, DecimalField, F, Max, Q, Sum, Value, When
from django.db.models.functions import Floor

from accounts import signups
from accounts.models import Player
from operators.models import Operator
from predictu import clock, money
from predictu.money import ZERO
from predictu.platform import config
from risk import limits
from risk.models import CircuitBreaker, ExposureBucket, Scope
from trading.models import Position, Settlement
from trading.queries import revenue
from trading.queries.revenue import Sums

PERIODS = {"1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}
# Share of the per-market limit from which a market counts as highly exposed.
_HIGH_EXPOSURE = Decimal("0.8")
# ``all`` is charted by months once its days are more than these.
_MOST_DAYS = 400
_UNSETTLED = (Settlement.Status.PENDING, Settlement.Status.PROCESSING, Settlement.Status.FAILED)
_ONBOARDING = (Operator.Stage.PENDING, Operator.Stage.CONFIGURING, Operator.Stage.TESTING)


def dashboard(*, period: str, operator: Operator | None, now: datetime) -> dict[str, Any]:
    """The documented answer. ``period`` is a key of PERIODS or ``all``; windows end now."""
    scope = None if operator is None else [operator.id]
    begin = now - PERIODS[period] if period in PERIODS else _beginning(now)
    current = _sum(begin, now, scope)
    before = _sum(begin - PERIODS[period], begin, scope) if period in PERIODS else None
    bucket = _bucket(operator)
    return {
        "operators": _operators(operator),
        "users": _users(period, begin, now, scope),
        "trades": _trades(bucket, current, before, now, scope),
        "revenue": _revenue(current, before, scope),
        "exposure": _exposure(operator, bucket),
        "risk": _risk(operator),
        "settlements": _settlements(operator),
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


def _sum(start: datetime, end: datetime, scope: list[str] | None) -> Sums:
    total = Sums()
    for sums in revenue.gross(start=start, end=end, operator_ids=scope).values():
        total.add(sums)
    return total


def _operators(operator: Operator | None) -> dict[str, Any]:
    found = Operator.objects.all() if operator is None else Operator.objects.filter(pk=operator.pk)
    running = Q(suspended_at__isnull=True)
    return found.aggregate(
        total=Count("pk"),
        active=Count("pk", filter=running & Q(stage=Operator.Stage.LIVE)),
        pending_onboarding=Count("pk", filter=running & Q(stage__in=_ONBOARDING)),
    )


def _users(period: str, begin: datetime, now: datetime, scope: list[str] | None) -> dict[str, Any]:
    def joined(start: datetime, end: datetime) -> int:
        return signups.joined(start=start, end=end, operator_ids=scope)

    def active(span: timedelta) -> int:
        return sum(revenue.traders(start=now - span, end=now, operator_ids=scope).values())

    before = joined(begin - PERIODS[period], begin) if period in PERIODS else None
    return {
        "total": sum(signups.registered(scope).values()),
        "active_24h": active(PERIODS["1d"]),
        "active_7d": active(PERIODS["7d"]),
        "new_7d": joined(now - PERIODS["7d"], now),
        "delta_pct": delta_pct(joined(begin, now), before),
    }


def _trades(
    bucket: ExposureBucket | None, current: Sums, before: Sums | None, now: datetime, scope: list[str] | None
) -> dict[str, Any]:
    day = _sum(now - PERIODS["1d"], now, scope)
    return {
        "total": bucket.trade_count if bucket else 0,
        "volume_usd": bucket.volume_usd if bucket else ZERO,
        "count_24h": day.trade_count,
        "volume_24h_usd": day.volume_usd,
        "delta_pct": delta_pct(current.volume_usd, before.volume_usd if before else None),
    }


def _revenue(current: Sums, before: Sums | None, scope: list[str] | None) -> dict[str, Any]:
    return {
        "total_usd": revenue.all_time(scope),
        "period_usd": current.gross_usd,
        "delta_pct": delta_pct(current.gross_usd, before.gross_usd if before else None),
        "breakdown": {"spread": current.spread_usd, "fees": current.fees_usd},
    }


def _bucket(operator: Operator | None) -> ExposureBucket | None:
    scope, scope_id = (Scope.GLOBAL, "") if operator is None else (Scope.OPERATOR, operator.id)
    return ExposureBucket.objects.filter(scope=scope, scope_id=scope_id).first()


def _exposure(operator: Operator | None, bucket: ExposureBucket | None) -> dict[str, Any]:
    current = bucket.yes_usd + bucket.no_usd if bucket else ZERO
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


def _risk(operator: Operator | None) -> dict[str, Any]:
    tripped = CircuitBreaker.objects.filter(status=CircuitBreaker.Status.TRIPPED, is_enabled=True)
    high = ExposureBucket.objects.filter(
        scope=Scope.MARKET, exposure_usd__gte=config.current()["risk.per_market_max_usd"] * _HIGH_EXPOSURE
    )
    flagged = Player.objects.real().exclude(tier=Player.Tier.NORMAL)
    if operator is not None:
        tripped = tripped.filter(scope=Scope.OPERATOR, scope_id=operator.id)
        held = Position.objects.filter(operator=operator, is_test=False, status=Position.Status.OPEN)
        high = high.filter(subject__in=held.values("market_id"))
        flagged = flagged.for_operator(operator)
    return {
        "circuit_breakers_active": tripped.count(),
        "high_exposure_markets": high.count(),
        "sharp_bettors_flagged": flagged.count(),
    }


def _settlements(operator: Operator | None) -> dict[str, Any]:
    unsettled = Settlement.objects.filter(status__in=_UNSETTLED)  # few, so that no position of another market is read
    waiting = Position.objects.filter(
        is_test=False, status=Position.Status.OPEN, quantity__gt=0, market__in=unsettled.values("market")
    )
    settled = Settlement.objects.filter(status=Settlement.Status.COMPLETED)
    if operator is not None:
        waiting = waiting.filter(operator=operator)
        settled = settled.filter(parts__operator=operator)
    price = Case(
        When(market__resolution=F("outcome"), then=Value(Decimal(1))),
        When(market__resolution="split", then=Value(Decimal("0.5"))),
        When(market__resolution="cancelled", then=None),
        default=Value(ZERO),
        output_field=DecimalField(max_digits=8, decimal_places=4),
    )
    due = waiting.annotate(price=price).aggregate(
        count=Count("pk"),
        payout=Sum(Floor(F("quantity") * F("price") * 100) / 100),
        refund=Sum("cost_basis_usd", filter=Q(market__resolution="cancelled")),
    )
    last = settled.aggregate(at=Max("settled_at"))["at"]
    return {
        "pending_count": due["count"],
        "pending_usd": money.half_up((due["payout"] or ZERO) + (due["refund"] or ZERO)),
        "last_settled_at": clock.seconds(last),
    }


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
