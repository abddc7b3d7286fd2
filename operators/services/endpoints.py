"""What is known of an operator's callback URL, and what that allows: everything, a probe, or nothing for now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from operators import retries
from operators.models import Delivery, Endpoint, Operator
from predictu import clock
from predictu.platform import activity, config, notices

DEAD_TOLD_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Answered:
    """What one attempt says of the endpoint, in the order of completion."""

    at: datetime
    confirmed: bool
    throttled_for: timedelta | None = None


def hold(operator_id: str) -> Endpoint:
    """The operator's row, held for this transaction: numbering, claiming and recording wait for one another on it."""
    held = Endpoint.objects.select_for_update(no_key=True)
    found = held.filter(pk=operator_id).first()
    if found is None:
        Endpoint.objects.bulk_create([Endpoint(operator_id=operator_id)], ignore_conflicts=True)
        found = held.get(pk=operator_id)
    return found


def is_open(operator: Operator) -> bool:
    """Whether callbacks are sent to the operator at all: a URL, and neither switch off."""
    return bool(operator.callback_url) and operator.s2s_enabled and config.current()["features.s2s_enabled"]


def aim(endpoint: Endpoint, url: str, now: datetime) -> None:
    """Begin anew with ``url`` if it is another than before; what waits for a slow retry is due at once."""
    if endpoint.url == url:
        return
    endpoint.url, endpoint.failures = url, 0
    _forget_failing(endpoint)
    endpoint.paused_until = None
    endpoint.save()
    _hasten(endpoint, now)


def room(endpoint: Endpoint, open_claims: int, now: datetime) -> int:
    """How many more deliveries may be claimed now. A failing endpoint gets a probe at a time."""
    if endpoint.paused_until is not None and now < endpoint.paused_until:
        return 0
    if not retries.is_failing(endpoint.failures):
        return max(0, settings.PREDICTU_CALLBACK_CONCURRENCY - open_claims)
    if open_claims or (endpoint.probe_at is not None and now < endpoint.probe_at):
        return 0
    return 1


def probing(endpoint: Endpoint, now: datetime) -> None:
    """A failing endpoint is being tried: nobody else tries it until the next interval."""
    if retries.is_failing(endpoint.failures):
        endpoint.probe_at = now + timedelta(seconds=settings.PREDICTU_CALLBACK_PROBE_SECONDS)
        endpoint.save(update_fields=["probe_at"])


def note(endpoint: Endpoint, answers: Sequence[Answered], now: datetime) -> None:
    """Take in what attempts at the held endpoint brought: failures in a row, failing, healed, paused."""
    was_failing = retries.is_failing(endpoint.failures)
    for answered in answers:
        if answered.confirmed:
            endpoint.failures, endpoint.last_success_at = 0, answered.at
        else:
            endpoint.failures += 1
        if answered.throttled_for:
            until = now + answered.throttled_for
            endpoint.paused_until = max(endpoint.paused_until or until, until)
    if retries.is_failing(endpoint.failures):
        _failing(endpoint, now)
    elif was_failing:
        _healed(endpoint, now)
    endpoint.save()


def tell_dead(endpoint: Endpoint, dead: int, now: datetime) -> None:
    """Say in the activity feed that deliveries were given up, at most once an hour for an operator."""
    if not dead or (endpoint.dead_told_at is not None and now - endpoint.dead_told_at < DEAD_TOLD_EVERY):
        return
    endpoint.dead_told_at = now
    endpoint.save(update_fields=["dead_told_at"])
    activity.record(
        type="operator_event",
        severity="critical",
        title="Callbacks given up",
        description=f"Callbacks to {{{endpoint.operator_id}}} are dead after their last retry",
        operator_id=endpoint.operator_id,
        metadata={"deliveries": dead},
        now=now,
    )


_KEPT = (
    "Nothing is lost: the queue is kept, the URL is probed, and what waits is sent as soon as it answers.\n"
    "The delivery log in the admin shows what the server answers."
)


def _failing(endpoint: Endpoint, now: datetime) -> None:
    if endpoint.failing_since is None:
        endpoint.failing_since = now
    endpoint.probe_at = now + timedelta(seconds=settings.PREDICTU_CALLBACK_PROBE_SECONDS)
    reached = retries.grade(now - endpoint.failing_since)
    if reached <= endpoint.told:
        return
    endpoint.told = reached
    activity.record(
        type="operator_event",
        severity=retries.GRADES[reached - 1][1],
        title="Callback URL is failing",
        description=f"{{{endpoint.operator_id}}} has not confirmed a callback in {endpoint.failures} attempts; "
        "its queue is kept and probed",
        operator_id=endpoint.operator_id,
        metadata={"failures": endpoint.failures, "failing_since": endpoint.failing_since},
        now=now,
    )
    if reached >= retries.MAILED_FROM:
        name = Operator.objects.values_list("name", flat=True).get(pk=endpoint.operator_id)
        since = clock.seconds(endpoint.failing_since)
        notices.tell_admins(
            subject=f"{name}: the callback URL is failing",
            text=f"No callback has been confirmed since {since}, in {endpoint.failures} attempts.\n{_KEPT}",
            now=now,
        )


def _healed(endpoint: Endpoint, now: datetime) -> None:
    _forget_failing(endpoint)
    _hasten(endpoint, now)
    activity.record(
        type="operator_event",
        title="Callback URL answers again",
        description=f"{{{endpoint.operator_id}}} confirms callbacks again; its queue is being sent",
        operator_id=endpoint.operator_id,
        now=now,
    )


def _forget_failing(endpoint: Endpoint) -> None:
    endpoint.failing_since = endpoint.probe_at = None
    endpoint.told = 0


def _hasten(endpoint: Endpoint, now: datetime) -> None:
    """Make due at once what the slow schedule holds: it waited for an endpoint that was not there."""
    waiting = Delivery.objects.filter(operator_id=endpoint.operator_id, state=Delivery.State.SLOW)
    waiting.filter(due_at__gt=now).update(due_at=now)
