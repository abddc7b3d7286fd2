"""What operators are told: written in the fact's own transaction, numbered by the relay after commit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from operators import envelope
from operators.models import CallbackEvent, Delivery
from predictu import jobs

FAILED_STATES = (Delivery.State.SLOW, Delivery.State.DEAD)


def queue(
    *,
    operator_id: str,
    event: str,
    payload: Mapping[str, Any],
    now: datetime,
    user_id: str = "",
    subject_id: str = "",
    test: bool = False,
) -> CallbackEvent:
    """Record an event for ``operator_id``. Whoever tells of a user holds that user's row, which keeps their order."""
    created = CallbackEvent.objects.create(
        operator_id=operator_id,
        event=event,
        user_id=user_id,
        subject_id=subject_id,
        body=envelope.encode(event=event, operator_id=operator_id, at=now, test=test, payload=payload),
        test=test,
        created_at=now,
    )
    jobs.ring(operator_id)
    return created


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the events of one subject.

    ``sent`` were tried at least once, ``confirmed`` answered with 2xx, ``failed`` are past their quick phase without
    that, ``waiting`` are still to be sent or retried. Events that were only recorded count nowhere.
    """

    sent: int = 0
    confirmed: int = 0
    failed: int = 0
    waiting: int = 0


_COUNTS = """
SELECT event.subject_id, count(*) FILTER (WHERE delivery.attempts > 0),
  count(*) FILTER (WHERE delivery.confirmed_at IS NOT NULL),
  count(*) FILTER (WHERE delivery.confirmed_at IS NULL AND delivery.state IN ('slow', 'dead')),
  count(*) FILTER (WHERE delivery.state IS NULL
    OR delivery.confirmed_at IS NULL AND delivery.state IN ('ready', 'behind'))
FROM operators_callbackevent AS event LEFT JOIN operators_delivery AS delivery ON delivery.event_id = event.ordinal
WHERE event.subject_id = ANY(%s) AND event.subject_id <> '' GROUP BY event.subject_id
"""


def counts_by_subject(subject_ids: Iterable[str]) -> dict[str, Counts]:
    """The counts of each subject (a settlement, say), zeros where it has no events; one query."""
    wanted = list(subject_ids)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [wanted])
        found = {row[0]: Counts(*row[1:]) for row in cursor.fetchall()}
    return {id: found.get(id, Counts()) for id in wanted}


@dataclass(frozen=True, slots=True)
class Failing:
    """One delivery past its quick phase, in the words of the pending settlements."""

    user_id: str
    operator_slug: str
    error: str
    last_attempt_at: datetime | None
    retry_count: int


def failing_for(subject_ids: Iterable[str]) -> dict[str, list[Failing]]:
    """The failed deliveries of each subject, in the order of their events; one query."""
    wanted = list(subject_ids)
    failed = Delivery.objects.filter(
        event__subject_id__in=[id for id in wanted if id], confirmed_at=None, state__in=FAILED_STATES
    )
    rows = failed.order_by("event_id").values_list(
        "event__subject_id", "user_id", "operator__slug", "last_error", "last_attempt_at", "attempts"
    )
    found: dict[str, list[Failing]] = {id: [] for id in wanted}
    for subject_id, user_id, slug, error, at, attempts in rows:
        retries = max(0, attempts - 1)
        found[subject_id].append(Failing(user_id, slug, f"{error} after {retries} retries", at, retries))
    return found
