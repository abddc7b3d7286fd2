"""Risk events: what the desk is told when a wall refuses, a limit is approached or a breaker trips."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from accounts.models import Player
from predictu import money, shown
from predictu.platform import activity
from risk import anomalies, walls
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
            f"{_sentence(label(bucket))} exposure hit {shown.percent(utilization)} utilization "
            f"({_short(crossing.exposure_usd)}/{_short(bucket.limit_usd)} USD)"
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
        title = "Exposure limit approached" if level < 100 else "Exposure limit reached"
        _feed(title, message, severity, bucket, utilization, now)
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
    breaker: CircuitBreaker, *, value: Decimal | None, threshold: Decimal, reason: str, now: datetime
) -> None:
    """A breaker tripped: critical. ``value`` and ``threshold`` in the trigger's own unit, percent or dollars."""
    _breaker_event(
        breaker, "tripped", RiskEvent.Severity.CRITICAL, value=value, threshold=threshold, reason=reason, now=now
    )


def breaker_reset(breaker: CircuitBreaker, *, reason: str, now: datetime) -> None:
    """A breaker was armed again: for information."""
    _breaker_event(breaker, "reset", RiskEvent.Severity.INFO, value=None, threshold=None, reason=reason, now=now)


def _breaker_event(
    breaker: CircuitBreaker,
    what: str,
    severity: str,
    *,
    value: Decimal | None,
    threshold: Decimal | None,
    reason: str,
    now: datetime,
) -> None:
    where = _scope_words(breaker.scope, breaker.scope_id)
    operator_id = breaker.scope_id if breaker.scope == Scope.OPERATOR else ""
    market_id = breaker.scope_id if breaker.scope == Scope.MARKET else ""
    by_exposure = breaker.trigger_type == CircuitBreaker.Trigger.EXPOSURE_PCT
    RiskEvent.objects.create(
        type=RiskEvent.Type.CIRCUIT_BREAKER,
        severity=severity,
        message=f"Circuit breaker {what} ({where}): {reason}",
        scope={breaker.scope: breaker.scope_id} if breaker.scope_id else {"global": True},
        value=None if value is None else money.half_up(value),
        threshold=None if threshold is None else money.half_up(threshold),
        utilization_pct=money.rounded(value, 1) if by_exposure and value is not None else None,
        operator_id=operator_id or None,
        market_id=market_id,
        created_at=now,
    )
    activity.record(
        type="risk_event",
        severity=severity,
        title=f"Circuit breaker {what}",
        description=f"{_sentence(where)}: {reason}",
        operator_id=operator_id,
        market_id=market_id,
        metadata={"circuit_breaker_id": breaker.id},
        now=now,
    )


def tier_changed(player: Player, *, previous: str, by: str, now: datetime) -> None:
    """A player entered a tier (warning) or was released (for information)."""
    released = player.tier == Player.Tier.NORMAL
    severity = RiskEvent.Severity.INFO if released else RiskEvent.Severity.WARNING
    message = f"{{{player.id}}} was moved from {previous} to {player.tier} by {by}"
    if player.score is not None:
        message += f" at a score of {player.score}"
    RiskEvent.objects.create(
        type=RiskEvent.Type.SHARP_DETECTION,
        severity=severity,
        message=message,
        scope={"user": player.id},
        value=player.score,
        operator_id=player.operator_id,
        player_id=player.id,
        created_at=now,
    )
    activity.record(
        type="risk_event",
        severity=severity,
        title="User released" if released else "User flagged",
        description=message,
        operator_id=player.operator_id,
        user_id=player.id,
        metadata={"tier": player.tier, "previous_tier": previous},
        now=now,
    )


def anomaly(
    finding: anomalies.Finding, *, dedupe_key: str, market_id: str = "", user_id: str = "", operator_id: str = ""
) -> None:
    """An unusual pattern of trading: once for each ``dedupe_key``."""
    created = RiskEvent.objects.bulk_create(
        [
            RiskEvent(
                type=RiskEvent.Type.ANOMALY,
                severity=RiskEvent.Severity.WARNING,
                message=finding.message,
                scope={"market": market_id} if market_id else {"user": user_id},
                value=money.half_up(finding.value),
                threshold=money.half_up(finding.threshold),
                operator_id=operator_id or None,
                player_id=user_id or None,
                market_id=market_id,
                dedupe_key=dedupe_key,
                created_at=finding.at,
            )
        ],
        ignore_conflicts=True,
    )
    activity.record(
        type="risk_event",
        severity=RiskEvent.Severity.WARNING,
        title="Unusual trading",
        description=finding.message,
        operator_id=operator_id,
        user_id=user_id,
        market_id=market_id,
        metadata={"event_id": created[0].id},
        now=finding.at,
    )


def limit_raised(name: str, *, wall: int, old: Decimal, new: Decimal, scope: dict[str, Any], now: datetime) -> None:
    """Somebody gave more room: for information."""
    RiskEvent.objects.create(
        type=RiskEvent.Type.WALL_VIOLATION,
        severity=RiskEvent.Severity.INFO,
        wall=wall,
        message=f"Limit {name} was raised from {_usd(old)} to {_usd(new)}",
        scope=scope,
        value=money.half_up(old),
        threshold=money.half_up(new),
        operator_id=scope.get("operator"),
        created_at=now,
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
        return f"category '{category}' of {{{operator_id}}}"
    return _scope_words(bucket.scope, bucket.scope_id)


def operator_of(bucket: walls.Bucket) -> str | None:
    if bucket.scope == Scope.OPERATOR:
        return bucket.scope_id
    return bucket.scope_id.partition(":")[0] if bucket.scope == Scope.OPERATOR_CATEGORY else None


def _scope_words(scope: str, scope_id: str) -> str:
    if scope == Scope.GLOBAL:
        return "global"
    return f"{scope} '{scope_id}'" if scope == Scope.CATEGORY else f"{scope} {{{scope_id}}}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _usd(amount: Decimal) -> str:
    text = f"{money.half_up(amount):,.2f}"
    return f"{text.removesuffix('.00')} USD"


def _short(amount: Decimal) -> str:
    """``120k``, ``84.3k``, ``950``: as the documents write limits."""
    if amount < 10_000:
        return shown.amount(amount).removesuffix(".00")
    return shown.amount(amount / 1000, 1).removesuffix(".0") + "k"


def _feed(title: str, message: str, severity: str, bucket: walls.Bucket, utilization: Decimal, now: datetime) -> None:
    activity.record(
        type="risk_event",
        severity=severity,
        title=title,
        description=message,
        operator_id=operator_of(bucket) or "",
        market_id=bucket.scope_id if bucket.scope == Scope.MARKET else "",
        metadata={"utilization_pct": utilization},
        now=now,
    )
