"""What the risk desk does by hand: breakers, the kill switch, resolving events. Each with a reason, each audited.

A breaker changes while its scope's bucket is held, whose revision moves on: the change binds the very next trade.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from predictu import ids
from predictu.errors import Conflict, NotFound, ValidationFailed
from predictu.platform import audit, config
from risk import walls
from risk.models import CircuitBreaker, RiskEvent, Scope
from risk.services import breakers, buckets, events, exposure

_EDITABLE = ("trigger_threshold", "cooldown_minutes", "auto_reset", "buys_only", "is_enabled", "follows_config")


@transaction.atomic
def create_breaker(
    *,
    scope: str,
    scope_id: str,
    trigger_type: str,
    trigger_threshold: Decimal,
    cooldown_minutes: int,
    auto_reset: bool,
    buys_only: bool,
    actor: Any,
    reason: str,
    now: datetime,
) -> CircuitBreaker:
    """Set a breaker over a scope that exists; it trips at once where its threshold is reached already."""
    _check_threshold(trigger_type, trigger_threshold)
    breakers.hold_bucket(scope, scope_id)
    breaker = CircuitBreaker.objects.create(
        id=ids.new("cb", now),
        scope=scope,
        scope_id=scope_id,
        trigger_type=trigger_type,
        trigger_threshold=trigger_threshold,
        cooldown_minutes=cooldown_minutes,
        auto_reset=auto_reset,
        buys_only=buys_only,
        created_by=actor,
        created_at=now,
        updated_at=now,
    )
    _audit(breaker, "breaker.create", actor, reason, now, after=_facts(breaker))
    _judge(breaker, now)
    return breaker


@transaction.atomic
def change_breaker(
    *, breaker_id: str, changes: Mapping[str, Any], actor: Any, reason: str, now: datetime
) -> CircuitBreaker:
    """Change threshold, cooldown, auto-reset, what it blocks, or whether it watches at all.

    A threshold given by hand no longer follows the configuration. Raises NotFound, ValidationFailed.
    """
    breaker = _held(breaker_id)
    before = _facts(breaker)
    if "trigger_threshold" in changes:
        _check_threshold(breaker.trigger_type, changes["trigger_threshold"])
        changes = {"follows_config": False, **changes}
    if changes.get("follows_config") and breaker.trigger_type != CircuitBreaker.Trigger.EXPOSURE_PCT:
        raise ValidationFailed(details={"follows_config": ["only a breaker on exposure_pct can follow"]})
    for name in _EDITABLE:
        setattr(breaker, name, changes.get(name, getattr(breaker, name)))
    breaker.updated_at = now
    breaker.save(update_fields=[*_EDITABLE, "updated_at"])
    _audit(breaker, "breaker.change", actor, reason, now, before=before, after=_facts(breaker))
    _judge(breaker, now)
    return breaker


@transaction.atomic
def trip_breaker(*, breaker_id: str, actor: Any, reason: str, now: datetime) -> CircuitBreaker:
    """Trip a breaker by hand: from now on nobody trades in its scope. Raises NotFound, Conflict."""
    breaker = _held(breaker_id)
    if breaker.status == CircuitBreaker.Status.TRIPPED:
        raise Conflict("This circuit breaker is tripped already")
    _trip(breaker, actor, reason, now)
    return breaker


@transaction.atomic
def reset_breaker(*, breaker_id: str, actor: Any, reason: str, now: datetime) -> CircuitBreaker:
    """Arm a tripped breaker again; where it stands now holds it back. Raises NotFound, Conflict."""
    breaker = _held(breaker_id)
    if breaker.status != CircuitBreaker.Status.TRIPPED:
        raise Conflict("This circuit breaker is not tripped")
    bucket = _bucket(breaker, now)
    breakers.rearm_held(
        breaker,
        exposure_usd=bucket.exposure_usd if bucket else Decimal(0),
        limit=bucket.limit_usd if bucket else None,
        now=now,
    )
    events.breaker_reset(breaker, reason=reason, now=now)
    changes = {"status": "tripped"}, {"status": "armed"}
    _audit(breaker, "breaker.reset", actor, reason, now, before=changes[0], after=changes[1])
    return breaker


@transaction.atomic
def halt(*, actor: Any, reason: str, now: datetime) -> CircuitBreaker:
    """The kill switch: nobody buys or sells anywhere until staff reset the breaker it answers with. Twice is once."""
    breakers.hold_bucket(Scope.GLOBAL, "")
    whole = CircuitBreaker.objects.select_for_update(no_key=True).filter(
        scope=Scope.GLOBAL, is_enabled=True, buys_only=False, auto_reset=False
    )
    breaker = whole.order_by("-status", "created_at", "id").first()
    if breaker is None:
        breaker = create_breaker(
            scope=Scope.GLOBAL,
            scope_id="",
            trigger_type=CircuitBreaker.Trigger.EXPOSURE_PCT,
            trigger_threshold=Decimal(100),
            cooldown_minutes=0,
            auto_reset=False,
            buys_only=False,
            actor=actor,
            reason=reason,
            now=now,
        )
        breaker.refresh_from_db()
    if breaker.status != CircuitBreaker.Status.TRIPPED:
        _trip(breaker, actor, reason, now)
    return breaker


@transaction.atomic
def resolve_event(*, event_id: str, note: str, actor: Any, now: datetime) -> RiskEvent:
    """Staff have dealt with an event. Raises NotFound; Conflict when it is resolved, or a crossing: those fall back."""
    event = RiskEvent.objects.select_for_update(no_key=True, of=("self",)).filter(pk=event_id).first()
    if event is None:
        raise NotFound("No such risk event")
    if event.resolved_at is not None:
        raise Conflict("This event is resolved already")
    if event.crossing_pct is not None:
        raise Conflict("A crossing resolves itself when exposure falls back")
    event.resolved_at, event.resolved_by, event.resolution_note = now, actor, note
    event.save(update_fields=["resolved_at", "resolved_by", "resolution_note"])
    audit.record(
        actor=actor, action="risk_event.resolve", object_type="risk_event", object_id=event.id, reason=note, now=now
    )
    return event


def reset_due(*, now: datetime) -> int:
    """Arm the breakers whose cooldown is over although nobody trades there; how many were looked at."""
    tripped = CircuitBreaker.objects.filter(
        status=CircuitBreaker.Status.TRIPPED, auto_reset=True, is_enabled=True, tripped_at__isnull=False
    )
    due = [each for each in tripped.order_by("pk") if exposure.is_over(each.tripped_at, each.cooldown_minutes, now)]
    for breaker in due:
        with transaction.atomic():
            buckets.ensure([(breaker.scope, breaker.scope_id)])
            bucket = _bucket(breaker, now)
            found = breakers.DueReset(breaker.id, breaker.scope, breaker.scope_id)
            breakers.auto_reset(found, limit=bucket.limit_usd if bucket else None, now=now)
    return len(due)


def _held(breaker_id: str) -> CircuitBreaker:
    """The breaker, locked under its scope's bucket. Raises NotFound."""
    scope = CircuitBreaker.objects.filter(pk=breaker_id).values_list("scope", "scope_id").first()
    if scope is None:
        raise NotFound("No such circuit breaker")
    breakers.hold_bucket(*scope)
    return CircuitBreaker.objects.select_for_update(no_key=True).get(pk=breaker_id)


def _bucket(breaker: CircuitBreaker, now: datetime) -> walls.Bucket | None:
    """The breaker's bucket, held, with its limit in force; None where no limit is known any more."""
    rows = buckets.hold([(breaker.scope, breaker.scope_id)])
    return next(iter(exposure.judged(rows, configuration=config.newest()[1], now=now)), None)


def _judge(breaker: CircuitBreaker, now: datetime) -> None:
    bucket = _bucket(breaker, now)
    if bucket is not None:
        breakers.trip(
            (each for each in walls.trips(bucket, bucket.exposure_usd) if each.breaker.id == breaker.id), now=now
        )
        breaker.refresh_from_db()


def _trip(breaker: CircuitBreaker, actor: Any, reason: str, now: datetime) -> None:
    bucket = _bucket(breaker, now)
    by_loss = breaker.trigger_type == CircuitBreaker.Trigger.LOSS_USD_24H
    value = breaker.last_value if by_loss else bucket and bucket.utilisation_pct(bucket.exposure_usd)
    breakers.trip_held(breaker, reason=reason, now=now)
    events.breaker_tripped(breaker, value=value, threshold=breaker.trigger_threshold, reason=reason, now=now)
    _audit(breaker, "breaker.trip", actor, reason, now, before={"status": "armed"}, after={"status": "tripped"})


def _check_threshold(trigger_type: str, threshold: Decimal) -> None:
    if trigger_type == CircuitBreaker.Trigger.EXPOSURE_PCT and threshold > 100:
        raise ValidationFailed(details={"trigger_threshold": ["must be at most 100 percent"]})


def _facts(breaker: CircuitBreaker) -> dict[str, Any]:
    return {name: getattr(breaker, name) for name in ("scope", "scope_id", "trigger_type", *_EDITABLE)}


def _audit(
    breaker: CircuitBreaker,
    action: str,
    actor: Any,
    reason: str,
    now: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any],
) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_type="circuit_breaker",
        object_id=breaker.id,
        changes=audit.difference(before or {}, after),
        reason=reason,
        now=now,
    )
