"""Risk events: what the desk is told when a wall refuses, a limit is approached or a breaker trips."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from operators.models import Operator
from predictu import money
from predictu.platform import activity
from risk import walls
from risk.models import CircuitBreaker, ExposureBucket, RiskEvent, Scope


def wall_violation(intent: walls.TradeIntent, rejection: walls.Rejection, *, now: datetime) -> RiskEvent:
    """A wall refused a trade."""
    assert rejection.wall is not None
    name = walls.WALL_NAMES[rejection.wall]
    return RiskEvent.objects.create(
        type=RiskEvent.Type.WALL_VIOLATION,
        severity=RiskEvent.Severity.WARNING,
        wall=rejection.wall,
        message=(
            f"Wall {rejection.wall} ({name}) rejected a {_usd(intent.cost_usd)} buy: "
            f"{_usd(rejection.value_usd)} is over the limit of {_usd(rejection.limit_usd)}"
        ),
        scope=scope_of(rejection.bucket) if rejection.bucket else {"user": intent.player_id},
        value=money.half_up(rejection.value_usd),
        threshold=money.half_up(rejection.limit_usd),
        utilization_pct=money.percent(rejection.value_usd, rejection.limit_usd),
        operator_id=intent.operator_id,
        player_id=intent.player_id,
        market_id=intent.market_id,
        created_at=now,
    )


def crossed(crossings: Sequence[walls.Crossing], *, now: datetime) -> None:
    """Levels crossed upward: one event each; the bucket is held by the caller."""
    for crossing in crossings:
        bucket, level = crossing.bucket, crossing.level
        utilization = money.percent(crossing.exposure_usd, bucket.limit_usd)
        severity = RiskEvent.Severity.CRITICAL if level >= 95 else RiskEvent.Severity.WARNING
        message = (
            f"{label(bucket).capitalize()} exposure hit {utilization}% utilization "
            f"({_usd(crossing.exposure_usd)} of {_usd(bucket.limit_usd)})"
        )
        RiskEvent.objects.create(
            type=RiskEvent.Type.WALL_VIOLATION,
            severity=severity,
            wall=walls.WALL_OF[bucket.scope],
            message=message,
            scope=scope_of(bucket),
            bucket_id=bucket.id,
            crossing_pct=level,
            value=money.half_up(crossing.exposure_usd),
            threshold=money.half_up(bucket.limit_usd),
            utilization_pct=utilization,
            operator_id=operator_of(bucket),
            market_id=bucket.scope_id if bucket.scope == Scope.MARKET else "",
            created_at=now,
        )
        _feed("Exposure limit approached" if level < 100 else "Exposure limit reached", message, severity, bucket, now)
    for bucket in {crossing.bucket.id: crossing.bucket for crossing in crossings}.values():
        level = max(crossing.level for crossing in crossings if crossing.bucket.id == bucket.id)
        ExposureBucket.objects.filter(pk=bucket.id).update(alert_level=level, revision=F("revision") + 1)


def fell_back(bucket: walls.Bucket, level: int, *, now: datetime) -> None:
    """Exposure fell: crossings above ``level`` resolve themselves and are armed again. Writes no event."""
    ExposureBucket.objects.filter(pk=bucket.id).update(alert_level=level, revision=F("revision") + 1)
    RiskEvent.objects.filter(bucket_id=bucket.id, crossing_pct__gt=level, resolved_at=None).update(
        resolved_at=now, auto_resolved=True
    )


def breaker_tripped(
    breaker: CircuitBreaker, *, value: Decimal, limit: Decimal | None, reason: str, now: datetime
) -> None:
    """A breaker tripped: critical."""
    scope = {breaker.scope: breaker.scope_id} if breaker.scope_id else {"global": True}
    RiskEvent.objects.create(
        type=RiskEvent.Type.CIRCUIT_BREAKER,
        severity=RiskEvent.Severity.CRITICAL,
        message=f"Circuit breaker tripped ({_scope_words(breaker.scope, breaker.scope_id)}): {reason}",
        scope=scope,
        value=money.half_up(value),
        threshold=money.half_up(limit if limit is not None else breaker.trigger_threshold),
        operator_id=breaker.scope_id if breaker.scope == Scope.OPERATOR else None,
        market_id=breaker.scope_id if breaker.scope == Scope.MARKET else "",
        created_at=now,
    )
    activity.record(
        type="risk_event",
        severity="critical",
        title="Circuit breaker tripped",
        description=f"{_scope_words(breaker.scope, breaker.scope_id).capitalize()}: {reason}",
        operator_id=breaker.scope_id if breaker.scope == Scope.OPERATOR else "",
        market_id=breaker.scope_id if breaker.scope == Scope.MARKET else "",
        metadata={"circuit_breaker_id": breaker.id},
        now=now,
    )


def scope_of(bucket: walls.Bucket) -> dict[str, Any]:
    """The event's ``scope`` object: ``{"category": "sports"}`` and the like."""
    if bucket.scope == Scope.OPERATOR_CATEGORY:
        operator_id, _, category = bucket.scope_id.partition(":")
        return {"operator": operator_id, "category": category}
    return {bucket.scope: bucket.scope_id} if bucket.scope_id else {"global": True}


def label(bucket: walls.Bucket) -> str:
    """The bucket in words; ids stand in braces for the reader to name."""
    if bucket.scope == Scope.OPERATOR_CATEGORY:
        operator_id, _, category = bucket.scope_id.partition(":")
        return f"category '{category}' of {_operator_name(operator_id)}"
    return _scope_words(bucket.scope, bucket.scope_id)


def operator_of(bucket: walls.Bucket) -> str | None:
    if bucket.scope == Scope.OPERATOR:
        return bucket.scope_id
    return bucket.scope_id.partition(":")[0] if bucket.scope == Scope.OPERATOR_CATEGORY else None


def _scope_words(scope: str, scope_id: str) -> str:
    if scope == Scope.GLOBAL:
        return "global"
    if scope == Scope.OPERATOR:
        return f"operator {_operator_name(scope_id)}"
    return f"{scope} '{scope_id}'" if scope == Scope.CATEGORY else f"{scope} {scope_id}"


def _operator_name(operator_id: str) -> str:
    return Operator.objects.values_list("name", flat=True).filter(pk=operator_id).first() or operator_id


def _usd(amount: Decimal) -> str:
    return f"{money.half_up(amount):,.2f} USD"


def _feed(title: str, message: str, severity: str, bucket: walls.Bucket, now: datetime) -> None:
    activity.record(
        type="risk_event",
        severity=severity,
        title=title,
        description=message,
        operator_id=operator_of(bucket) or "",
        market_id=bucket.scope_id if bucket.scope == Scope.MARKET else "",
        now=now,
    )
