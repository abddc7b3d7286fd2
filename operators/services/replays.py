"""Telling an operator again: the same delivery and id, its quick phase from the start, its users' order kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from operators.models import Delivery
from operators.services import endpoints, recording, relay
from predictu import ids, jobs
from predictu.errors import Conflict
from predictu.platform import audit

BATCH = 1_000

# What is being sent or will be anyway is left alone.
_REPLAY = """
WITH again AS (
  UPDATE operators_delivery SET state = CASE WHEN user_id = '' THEN 'ready' ELSE 'behind' END,
    due_at = CASE WHEN user_id = '' THEN %(now)s::timestamptz END, tries = 0
  WHERE operator_id = %(operator)s AND event_id = ANY(%(events)s) AND state NOT IN ('ready', 'behind')
  RETURNING event_id, user_id),
dropped AS (DELETE FROM operators_claim AS claim USING again WHERE claim.delivery_id = again.event_id)
SELECT user_id FROM again
"""


def one(delivery: Delivery, *, now: datetime) -> None:
    """Send a delivery again as soon as its user's earlier events allow. Raises Conflict while nothing can be sent."""
    if not endpoints.is_open(delivery.operator):
        raise Conflict("Callbacks are not being sent: there is no callback URL, or they are switched off")
    _batch(delivery.operator_id, [delivery.pk], now)


def replayable(found: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Those of ``found`` that a replay would send: not what waits to be sent anyway, not where nothing can be sent."""
    waiting = (Delivery.State.READY, Delivery.State.BEHIND)
    return found.exclude(state__in=waiting).exclude(operator__callback_url="").filter(operator__s2s_enabled=True)


def many(found: QuerySet[Delivery], *, actor: Any, criteria: dict[str, Any], reason: str, now: datetime) -> int:
    """Replay what matches, in batches that each commit, oldest first; how many that were. Audited."""
    newest = found.order_by("-event_id").values_list("event_id", flat=True).first() or 0
    found, total, last = found.filter(event_id__lte=newest), 0, 0
    with transaction.atomic():
        audit.record(
            actor=actor,
            action="DELIVERIES_REPLAYED",
            object_type="delivery",
            object_id="",
            reason=reason,
            metadata={**criteria, "count": replayable(found).count()},
            now=now,
        )
    while True:
        rows = replayable(found).filter(event_id__gt=last).order_by("event_id").values_list("event_id", "operator_id")
        batch = list(rows[:BATCH])
        if not batch:
            return total
        for operator_id in sorted({operator for _, operator in batch}):
            total += _batch(operator_id, [event for event, operator in batch if operator == operator_id], now)
        last = batch[-1][0]


@transaction.atomic
def _batch(operator_id: str, events: Sequence[int], now: datetime) -> int:
    endpoints.hold(operator_id)
    with connection.cursor() as cursor:
        cursor.execute(_REPLAY, {"operator": ids.decode("op", operator_id), "events": list(events), "now": now})
        users = [row[0] for row in cursor.fetchall()]
    recording.promote(set(users) - {""}, now)
    if users:
        jobs.ring(operator_id, relay.DELIVER_TASK)
    return len(users)
