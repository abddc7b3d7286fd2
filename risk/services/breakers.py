"""Circuit breakers as trades meet them: tripped under their bucket's lock, reset when the cooldown ends."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from predictu import money
from risk import walls
from risk.models import CircuitBreaker, ExposureBucket
from risk.services import events, exposure


def hold_bucket(scope: str, scope_id: str) -> ExposureBucket:
    """Lock a scope's bucket and move its revision on, so that every trade decided before is decided again."""
    exposure.ensure([(scope, scope_id)])
    bucket = ExposureBucket.objects.select_for_update(no_key=True).get(scope=scope, scope_id=scope_id)
    ExposureBucket.objects.filter(pk=bucket.pk).update(revision=F("revision") + 1)
    return bucket


def trip(trips: Iterable[walls.Trip], *, now: datetime) -> None:
    """Trip breakers in a trade's own transaction, which holds their buckets."""
    for found in trips:
        breaker = CircuitBreaker.objects.select_for_update(no_key=True).get(pk=found.breaker.id)
        reason = f"exposure at {money.rounded(found.utilisation_pct, 1)}% of {found.bucket.limit_usd:,.0f} USD"
        _trip(breaker, reason, now)
        ExposureBucket.objects.filter(pk=found.bucket.id).update(revision=F("revision") + 1)
        events.breaker_tripped(
            breaker, value=found.utilisation_pct, limit=breaker.trigger_threshold, reason=reason, now=now
        )


def free(breakers: Iterable[walls.Breaker], *, now: datetime) -> None:
    """Exposure fell far enough: a reset no longer holds these back."""
    CircuitBreaker.objects.filter(pk__in=[breaker.id for breaker in breakers]).update(
        value_at_reset=None, updated_at=now
    )


@transaction.atomic
def auto_reset(due: exposure.DueReset, *, limit: Decimal | None, now: datetime) -> None:
    """Re-arm a breaker whose cooldown is over; it trips again only past its value now, or after falling."""
    bucket = hold_bucket(due.scope, due.scope_id)
    breaker = CircuitBreaker.objects.select_for_update(no_key=True).get(pk=due.breaker_id)
    if breaker.status != CircuitBreaker.Status.TRIPPED or not breaker.auto_reset or breaker.tripped_at is None:
        return
    if now < breaker.tripped_at + timedelta(minutes=breaker.cooldown_minutes):
        return
    breaker.status, breaker.reset_at, breaker.updated_at = CircuitBreaker.Status.ARMED, now, now
    if limit is not None and breaker.trigger_type == CircuitBreaker.Trigger.EXPOSURE_PCT:
        breaker.value_at_reset = money.rounded((bucket.yes_usd + bucket.no_usd) * 100 / limit, 4)
    breaker.save(update_fields=["status", "reset_at", "value_at_reset", "updated_at"])


def _trip(breaker: CircuitBreaker, reason: str, now: datetime) -> None:
    breaker.status, breaker.tripped_at, breaker.tripped_reason = CircuitBreaker.Status.TRIPPED, now, reason
    breaker.value_at_reset, breaker.updated_at = None, now
    breaker.save(update_fields=["status", "tripped_at", "tripped_reason", "value_at_reset", "updated_at"])
