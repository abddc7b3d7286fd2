"""What is due, claimed in batches under a lease.

Rows are the truth. A claim ends with its lease, so what a killed worker held is due again within a minute; requests are
made after the claim's short transaction and before the record's, never inside one.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from operators.models import Endpoint, Operator
from operators.services import endpoints, keys
from predictu import ids, prepared


@dataclass(frozen=True, slots=True)
class Target:
    """Where an operator's callbacks go now, and what they are signed with."""

    url: str
    secrets: keys.SigningSecrets = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this process may try until its lease ends."""

    ordinal: int
    claim: int
    id: str
    event: str
    user_id: str
    subject_id: str
    sequence: int
    body: bytes
    test: bool
    slow: bool
    tries: int
    attempts: int


def target_of(operator: Operator, now: datetime) -> Target | None:
    """None while nothing may be sent: no URL, switched off, or no key to sign with."""
    if not endpoints.is_open(operator):
        return None
    found = keys.signing_secrets(operator, now)
    return Target(operator.callback_url, found) if found is not None else None


_OPEN_CLAIMS = "SELECT delivery_id FROM operators_claim WHERE operator_id = $1 AND until > $2"
_CLAIM = """
WITH picked AS (
  SELECT event_id, state, tries, attempts FROM operators_delivery
  WHERE operator_id = $1 AND due_at <= $2 AND event_id <> ALL ($3::bigint[])
  ORDER BY due_at, event_id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED),
taken AS (
  INSERT INTO operators_claim (delivery_id, operator_id, number, until) SELECT event_id, $1, $5, $6 FROM picked
  ON CONFLICT (delivery_id) DO UPDATE SET number = excluded.number, until = excluded.until)
SELECT event.ordinal, event.id, event.event, event.user_id, event.subject_id, event.sequence, event.body, event.test,
  picked.state = 'slow', picked.tries, picked.attempts
FROM picked JOIN operators_callbackevent AS event ON event.ordinal = picked.event_id
"""


@transaction.atomic
def claim(operator_id: str, *, most: int, now: datetime) -> tuple[Target | None, list[Claimed]]:
    """Take up to ``most`` due deliveries, in order, and say where they go; fewer when the endpoint allows no more."""
    return take(endpoints.hold(operator_id), most=most, now=now)


def take(endpoint: Endpoint, *, most: int, now: datetime) -> tuple[Target | None, list[Claimed]]:
    """``claim`` for whoever holds the endpoint."""
    operator = Operator.objects.only("callback_url", "s2s_enabled").get(pk=endpoint.operator_id)
    target = target_of(operator, now)
    if target is None:
        return None, []
    endpoints.aim(endpoint, target.url, now)
    raw = ids.decode("op", operator.id)
    with connection.wrap_database_errors:
        held = [row[0] for row in prepared.planned_anew(_OPEN_CLAIMS, (raw, now))]
        most = min(most, endpoints.room(endpoint, len(held), now))
        if most <= 0:
            return target, []
        number = secrets.randbits(62)
        lease = now + timedelta(seconds=settings.PREDICTU_CALLBACK_LEASE_SECONDS)
        rows = prepared.planned_anew(_CLAIM, (raw, now, held, most, number, lease)).fetchall()
    if rows:
        endpoints.probing(endpoint, now)
    return target, [_claimed(row, number) for row in sorted(rows, key=itemgetter(0))]


def _claimed(row: Sequence[Any], number: int) -> Claimed:
    ordinal, id, event, user_id, subject_id, sequence, body, test, slow, tries, attempts = row
    return Claimed(
        ordinal=ordinal,
        claim=number,
        id=ids.encode("dlv", id),
        event=event,
        user_id=user_id,
        subject_id=subject_id,
        sequence=sequence,
        body=bytes(body),
        test=test,
        slow=slow,
        tries=tries,
        attempts=attempts,
    )


def release(claims: Sequence[Claimed]) -> None:
    """Give back what was claimed and not tried."""
    ordinals, numbers = [each.ordinal for each in claims], [each.claim for each in claims]
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"ordinals": ordinals, "numbers": numbers})


_RELEASE = """
DELETE FROM operators_claim AS claim
USING unnest(%(ordinals)s::bigint[], %(numbers)s::bigint[]) AS given(ordinal, number)
WHERE claim.delivery_id = given.ordinal AND claim.number = given.number
"""


_DUE = """
SELECT operator.id FROM operators_operator AS operator
LEFT JOIN operators_endpoint AS endpoint ON endpoint.operator_id = operator.id
WHERE operator.callback_url <> '' AND operator.s2s_enabled
  AND (endpoint.operator_id IS NULL OR endpoint.url <> operator.callback_url OR (
    coalesce(endpoint.paused_until <= %(now)s, true) AND coalesce(endpoint.probe_at <= %(now)s, true)))
  AND (SELECT due_at FROM operators_delivery AS delivery
    WHERE delivery.operator_id = operator.id AND delivery.due_at <= %(now)s AND NOT EXISTS (
      SELECT 1 FROM operators_claim AS claim WHERE claim.delivery_id = delivery.event_id AND claim.until > %(now)s)
    ORDER BY due_at LIMIT 1) IS NOT NULL
"""


def due(now: datetime) -> list[str]:
    """The operators with something to be tried now: one look into the index for each operator there is."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": now})
        return [ids.encode("op", row[0]) for row in cursor.fetchall()]
