"""What is due, claimed in batches under a lease.

Rows are the truth. A claim pushes ``due_at`` past its lease, so a killed worker's claims are due again within a minute;
requests are made after the claim's short transaction and before the record's, never inside one.
"""

import secrets
from collections.abc import Iterable, Sequence
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


_OPEN_CLAIMS = """
SELECT count(*) FROM operators_delivery WHERE operator_id = $1 AND claim IS NOT NULL AND due_at > $2
"""
_CLAIM = """
WITH picked AS (
  SELECT event_id FROM operators_delivery WHERE operator_id = $1 AND due_at <= $2
  ORDER BY due_at, event_id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
UPDATE operators_delivery AS delivery SET due_at = $4, claim = $5
FROM picked JOIN operators_callbackevent AS event ON event.ordinal = picked.event_id
WHERE delivery.event_id = picked.event_id
RETURNING event.ordinal, event.id, event.event, event.user_id, event.subject_id, event.sequence, event.body, event.test,
  delivery.state = 'slow', delivery.tries, delivery.attempts
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
        ((open_claims,),) = prepared.planned_anew(_OPEN_CLAIMS, (raw, now))
        most = min(most, endpoints.room(endpoint, open_claims, now))
        if most <= 0:
            return target, []
        number = secrets.randbits(62)
        lease = now + timedelta(seconds=settings.PREDICTU_CALLBACK_LEASE_SECONDS)
        rows = prepared.planned_anew(_CLAIM, (raw, now, most, lease, number)).fetchall()
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


def release(claims: Iterable[Claimed], *, now: datetime) -> None:
    """Give back what was claimed and not tried."""
    for each in claims:
        with connection.cursor() as cursor:
            cursor.execute(_RELEASE, {"now": now, "ordinal": each.ordinal, "claim": each.claim})


_RELEASE = """
UPDATE operators_delivery SET due_at = %(now)s, claim = NULL WHERE event_id = %(ordinal)s AND claim = %(claim)s
"""


_DUE = """
SELECT operator.id FROM operators_operator AS operator
LEFT JOIN operators_endpoint AS endpoint ON endpoint.operator_id = operator.id
WHERE operator.callback_url <> '' AND operator.s2s_enabled
  AND (endpoint.operator_id IS NULL OR endpoint.url <> operator.callback_url OR (
    coalesce(endpoint.paused_until <= %(now)s, true) AND coalesce(endpoint.probe_at <= %(now)s, true)))
  AND EXISTS (SELECT 1 FROM operators_delivery AS delivery
    WHERE delivery.operator_id = operator.id AND delivery.due_at <= %(now)s)
"""


def due(now: datetime) -> list[str]:
    """The operators with something to be tried now: one look into the index for each operator there is."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": now})
        return [ids.encode("op", row[0]) for row in cursor.fetchall()]
