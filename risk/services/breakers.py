"""Circuit breakers as trades and settlements meet them: tripped under their bucket's lock, reset after the cooldown.

A breaker's row is only ever locked by whoever holds its scope's bucket.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q

from accounts.models import system_admin
from predictu import money
from predictu.platform import config
from risk import walls
from risk.models import CircuitBreaker, ExposureBucket, Scope
from risk.services import buckets, events

# A house loss as a percentage of its threshold: it trips at 100, and after a reset as exposure does.
_LOSS_TRIPS_AT = Decimal(100)


@dataclass(frozen=True, slots=True)
class DueReset:
    """A tripped breaker whose cooldown is over."""

    breaker_id: str
    scope: str
    scope_id: str


def hold_bucket(scope: str, scope_id: str) -> ExposureBucket:
    """Lock a scope's bucket and move its revision on, so that every trade decided before is decided again."""
    buckets.ensure([(scope, scope_id)])
    bucket = ExposureBucket.objects.select_for_update(no_key=True).get(scope=scope, scope_id=scope_id)
    ExposureBucket.objects.filter(pk=bucket.pk).update(revision=F("revision") + 1)
    return bucket


def seed_for_operator(operator_id: str, *, now: datetime) -> None:
    """Give an operator the breaker that follows the configured threshold, once; staff may have changed it since."""
    CircuitBreaker.objects.bulk_create(
        [
            CircuitBreaker(
                scope=Scope.OPERATOR,
                scope_id=operator_id,
                trigger_threshold=config.current()["risk.circuit_breaker_threshold_pct"],
                follows_config=True,
                seeded=True,
                created_by=system_admin(),
                created_at=now,
                updated_at=now,
            )
        ],
        ignore_conflicts=True,
    )


def trip(trips: Iterable[walls.Trip], *, now: datetime) -> None:
    """Trip breakers in a trade's own transaction, which holds their buckets."""
    for found in trips:
        breaker = CircuitBreaker.objects.select_for_update(no_key=True).get(pk=found.breaker.id)
        reason = f"exposure at {money.rounded(found.utilisation_pct, 1)}% of {found.bucket.limit_usd:,.0f} USD"
        trip_held(breaker, reason=reason, now=now)
        events.breaker_tripped(
            breaker,
            value=found.utilisation_pct,
            threshold=found.breaker.trips_at() or breaker.trigger_threshold,
            reason=reason,
            now=now,
        )


def free(breakers: Iterable[walls.Breaker], *, now: datetime) -> None:
    """Exposure fell far enough: a reset no longer holds these back."""
    held = [breaker.id for breaker in breakers]
    if held:
        CircuitBreaker.objects.filter(pk__in=held).update(value_at_reset=None, updated_at=now)


@transaction.atomic
def auto_reset(due: DueReset, *, limit: Decimal | None, now: datetime) -> None:
    """Re-arm a breaker whose cooldown is over; it trips again only past its value now, or after falling."""
    bucket = hold_bucket(due.scope, due.scope_id)
    breaker = CircuitBreaker.objects.select_for_update(no_key=True).get(pk=due.breaker_id)
    if breaker.status != CircuitBreaker.Status.TRIPPED or not breaker.auto_reset or breaker.tripped_at is None:
        return
    if now < breaker.tripped_at + timedelta(minutes=breaker.cooldown_minutes):
        return
    rearm_held(breaker, exposure_usd=bucket.yes_usd + bucket.no_usd, limit=limit, now=now)
    events.breaker_reset(breaker, reason="its cooldown is over", now=now)


def rearm_held(breaker: CircuitBreaker, *, exposure_usd: Decimal, limit: Decimal | None, now: datetime) -> None:
    """Arm a tripped breaker whose bucket is held; its value now holds it back."""
    breaker.status, breaker.reset_at, breaker.updated_at = CircuitBreaker.Status.ARMED, now, now
    if breaker.trigger_type == CircuitBreaker.Trigger.LOSS_USD_24H:
        breaker.value_at_reset = breaker.last_value
    elif limit is not None:
        breaker.value_at_reset = money.rounded(exposure_usd * 100 / limit, 4)
    breaker.save(update_fields=["status", "reset_at", "value_at_reset", "updated_at"])


def trip_held(breaker: CircuitBreaker, *, reason: str, now: datetime) -> None:
    """Trip a breaker whose bucket is held, and have every trade decided before decided again."""
    breaker.status, breaker.tripped_at, breaker.tripped_reason = CircuitBreaker.Status.TRIPPED, now, reason
    breaker.value_at_reset, breaker.updated_at = None, now
    breaker.save(update_fields=["status", "tripped_at", "tripped_reason", "value_at_reset", "updated_at"])
    ExposureBucket.objects.filter(scope=breaker.scope, scope_id=breaker.scope_id).update(revision=F("revision") + 1)


@transaction.atomic
def settled(losses: Mapping[buckets.Key, Decimal], *, now: datetime) -> None:
    """A market was settled: judge the breakers on house loss.

    ``losses`` maps ``(scope, scope_id)`` to what the house lost by settlements of the last 24 h there, in dollars
    (negative when it won), the settlement just made included. Runs in the settlement's own transaction, whose buckets
    are these; the ones not held yet are locked in the platform's order.
    """
    wanted = Q()
    for scope, scope_id in losses:
        wanted |= Q(scope=scope, scope_id=scope_id)
    watching = CircuitBreaker.objects.filter(
        wanted, trigger_type=CircuitBreaker.Trigger.LOSS_USD_24H, is_enabled=True
    ).order_by("pk")
    if not losses or not watching.exists():
        return
    buckets.hold((breaker.scope, breaker.scope_id) for breaker in watching)
    for breaker in watching.select_for_update(no_key=True):
        _judge_loss(breaker, losses[breaker.scope, breaker.scope_id], now)


def _judge_loss(breaker: CircuitBreaker, loss: Decimal, now: datetime) -> None:
    percent = loss * 100 / breaker.trigger_threshold
    held_pct = breaker.value_at_reset and breaker.value_at_reset * 100 / breaker.trigger_threshold
    if held_pct is not None and percent < _LOSS_TRIPS_AT - walls.REARM_POINTS:
        breaker.value_at_reset = held_pct = None
    judged = walls.Breaker(
        id=breaker.id,
        tripped=breaker.status == CircuitBreaker.Status.TRIPPED,
        buys_only=breaker.buys_only,
        threshold_pct=_LOSS_TRIPS_AT,
        value_at_reset_pct=held_pct,
    )
    breaker.last_value = money.half_up(loss)
    breaker.save(update_fields=["last_value", "value_at_reset"])
    trips_at = judged.trips_at()
    if trips_at is None or percent < trips_at:
        return
    reason = f"settlements of 24 h lost {loss:,.2f} USD of {breaker.trigger_threshold:,.2f} USD"
    trip_held(breaker, reason=reason, now=now)
    events.breaker_tripped(breaker, value=loss, threshold=breaker.trigger_threshold, reason=reason, now=now)
