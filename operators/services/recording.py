"""What became of attempts, written in batches: deliveries, attempts, the endpoint, and each user's next event."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import connection, transaction

from operators import retries
from operators.models import Endpoint, OnboardingFact, Operator
from operators.services import endpoints, facts
from operators.services.deliveries import Claimed
from predictu import ids, prepared
from predictu.platform import config


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt as it went. Without an answer ``status`` is None and ``error`` is the documented code."""

    claimed: Claimed
    at: datetime
    url: str
    latency_ms: int
    phases_ms: dict[str, float | None]
    request_headers: dict[str, str]
    status: int | None = None
    error: str = ""
    cause: str = ""
    ip: str = ""
    tls_version: str = ""
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: bytes = b""
    response_truncated: bool = False

    @property
    def is_confirmed(self) -> bool:
        return retries.is_confirmation(self.status)


# A failure is only written by whoever holds the claim; a confirmation is a fact whoever made it.
_RECORD = """
WITH made AS (
  SELECT * FROM ROWS FROM (
    json_to_recordset($3::json) AS (ordinal bigint, claim bigint, state text, due_at timestamptz, tries int, said text,
      number int, at timestamptz, url text, confirmed bool, http_status int, error text, cause text, latency_ms int,
      phases_ms jsonb, ip text, tls_version text, request_headers jsonb, response_headers jsonb,
      response_truncated bool),
    unnest($4::bytea[])) AS made(ordinal, claim, state, due_at, tries, said, number, at, url, confirmed, http_status,
      error, cause, latency_ms, phases_ms, ip, tls_version, request_headers, response_headers, response_truncated,
      response_body)),
given_back AS (
  DELETE FROM operators_claim AS claim USING made
  WHERE claim.delivery_id = made.ordinal AND (claim.number = made.claim OR made.state = 'confirmed')
  RETURNING claim.delivery_id),
tried AS (
  INSERT INTO operators_attempt (delivery_id, operator_id, number, at, url, confirmed, http_status, error, cause,
    latency_ms, phases_ms, ip, tls_version, request_headers, response_headers, response_body, response_truncated)
  SELECT ordinal, $1, number, at, url, confirmed, http_status, error, cause, latency_ms, phases_ms, ip,
    tls_version, request_headers, response_headers, response_body, response_truncated FROM made)
UPDATE operators_delivery AS delivery SET state = made.state, due_at = made.due_at, tries = made.tries,
  attempts = delivery.attempts + 1, last_attempt_at = made.at, last_error = made.said,
  confirmed_at = CASE WHEN made.state = 'confirmed' THEN coalesce(delivery.confirmed_at, $2)
    ELSE delivery.confirmed_at END
FROM made WHERE delivery.event_id = made.ordinal
  AND (made.state = 'confirmed' OR made.ordinal IN (SELECT delivery_id FROM given_back))
RETURNING delivery.event_id
"""
PROMOTE = """
UPDATE operators_delivery AS delivery SET state = 'ready', due_at = %(now)s
FROM (
  SELECT (SELECT min(event_id) FROM operators_delivery AS behind
    WHERE behind.user_id = person.id AND behind.user_id <> '' AND behind.state = 'behind') AS event_id
  FROM unnest(%(users)s::text[]) AS person(id)
  WHERE NOT EXISTS (SELECT 1 FROM operators_delivery AS before
    WHERE before.user_id = person.id AND before.user_id <> '' AND before.state = 'ready')) AS next
WHERE delivery.event_id = next.event_id
"""


@transaction.atomic
def record(operator_id: str, outcomes: Sequence[Outcome], *, now: datetime) -> datetime | None:
    """Write what became of attempts, in the order they ended; free the next event of each user.

    When the soonest of their retries is due, None when there is none.
    """
    return write(endpoints.hold(operator_id), outcomes, now=now)


def write(endpoint: Endpoint, outcomes: Sequence[Outcome], *, now: datetime) -> datetime | None:
    """``record`` for whoever holds the endpoint."""
    policy = _policy()
    waits = [retries.retry_after(outcome.response_headers, now) for outcome in outcomes]
    steps = [
        retries.after(
            slow=outcome.claimed.slow,
            tries=outcome.claimed.tries,
            status=outcome.status,
            policy=policy,
            wait=wait,
            chance=random.random(),
            now=now,
        )
        for outcome, wait in zip(outcomes, waits, strict=True)
    ]
    moved = _write(endpoint.operator_id, outcomes, steps, now)
    answers = [
        endpoints.Answered(now, outcome.is_confirmed, wait if outcome.status in retries.THROTTLING else None)
        for outcome, wait in zip(outcomes, waits, strict=True)
    ]
    endpoints.note(endpoint, answers, now)
    made = [(outcome, step) for outcome, step in zip(outcomes, steps, strict=True) if outcome.claimed.ordinal in moved]
    endpoints.tell_dead(endpoint, sum(step.state == retries.DEAD for _, step in made), now)
    freed = {outcome.claimed.user_id for outcome, step in made if step.state != retries.READY} - {""}
    _note_test_trade(endpoint.operator_id, [outcome for outcome, _ in made if outcome.is_confirmed], now)
    promote(freed, now)
    return min((step.due_at for _, step in made if step.due_at is not None), default=None)


def promote(users: Iterable[str], now: datetime) -> int:
    """Make the earliest waiting event of each user due, unless one is being told; how many. Hold the endpoint first."""
    chosen = sorted(users)
    if not chosen:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(PROMOTE, {"users": chosen, "now": now})
        return cursor.rowcount


_STUCK = """
SELECT DISTINCT user_id FROM operators_delivery AS behind
WHERE operator_id = %(operator)s AND user_id <> '' AND state = 'behind' AND NOT EXISTS (
  SELECT 1 FROM operators_delivery AS before
  WHERE before.user_id = behind.user_id AND before.user_id <> '' AND before.state = 'ready')
"""


@transaction.atomic
def mend(operator_id: str, *, now: datetime) -> int:
    """Free users whose earlier event is no more, such as one past its retention; how many there were."""
    endpoints.hold(operator_id)
    with connection.cursor() as cursor:
        cursor.execute(_STUCK, {"operator": ids.decode("op", operator_id)})
        users = [row[0] for row in cursor.fetchall()]
    return promote(users, now)


def _policy() -> retries.Policy:
    live = config.current()
    backoff = timedelta(milliseconds=int(live["defaults.s2s_retry_backoff_ms"]))
    return retries.Policy(int(live["defaults.s2s_retry_max"]), backoff)


def _write(operator_id: str, outcomes: Sequence[Outcome], steps: Sequence[retries.Step], now: datetime) -> set[int]:
    """The rows of deliveries and attempts; the ordinals of the deliveries that were still ours to change."""
    rows = [_row(outcome, step) for outcome, step in zip(outcomes, steps, strict=True)]
    bodies = [outcome.response_body for outcome in outcomes]
    terms = (ids.decode("op", operator_id), now, orjson.dumps(rows).decode(), bodies)
    with connection.wrap_database_errors:
        return {row[0] for row in prepared.planned_anew(_RECORD, terms)}


def _row(outcome: Outcome, step: retries.Step) -> dict[str, Any]:
    """All of an attempt but the answer's body, which is no text."""
    return {
        "ordinal": outcome.claimed.ordinal,
        "claim": outcome.claimed.claim,
        "state": step.state,
        "due_at": step.due_at,
        "tries": step.tries,
        "said": said(outcome.status, outcome.error),
        "number": outcome.claimed.attempts + 1,
        "at": outcome.at,
        "url": outcome.url,
        "confirmed": outcome.is_confirmed,
        "http_status": outcome.status,
        "error": outcome.error,
        "cause": outcome.cause,
        "latency_ms": outcome.latency_ms,
        "phases_ms": outcome.phases_ms,
        "ip": outcome.ip,
        "tls_version": outcome.tls_version,
        "request_headers": outcome.request_headers,
        "response_headers": _kept(outcome.response_headers),
        "response_truncated": outcome.response_truncated,
    }


# Of an answer's headers these are noted, but not what they hold.
_PRIVATE = frozenset({"set-cookie", "authorization", "www-authenticate"})


def _kept(headers: dict[str, str]) -> dict[str, str]:
    """An answer's headers as they are stored: JSON in the database knows no NUL."""
    return {
        name.replace("\x00", ""): "(not kept)" if name in _PRIVATE else value.replace("\x00", "")
        for name, value in headers.items()
    }


_WORDS = {
    "TIMEOUT": "timeout",
    "CONNECTION_REFUSED": "connection refused",
    "DNS_RESOLUTION_FAILED": "host name not resolved",
    "TLS_ERROR": "TLS error",
    "INVALID_RESPONSE": "invalid answer",
    "NOT_HTTPS": "URL is not https",
    "INVALID_URL": "URL is invalid",
}


def said(status: int | None, error: str) -> str:
    """What went wrong, in the document's manner; empty for a confirmation."""
    if retries.is_confirmation(status):
        return ""
    return f"S2S callback {_WORDS.get(error, error) if status is None else f'answered HTTP {status}'}"


def _note_test_trade(operator_id: str, confirmed: Sequence[Outcome], now: datetime) -> None:
    """A test user's trade whose callback was confirmed while the operator was testing is an onboarding fact."""
    trade = next(
        (each.claimed for each in confirmed if each.claimed.test and each.claimed.event == "TRADE_PLACED"), None
    )
    if trade is None or not Operator.objects.filter(pk=operator_id, stage=Operator.Stage.TESTING).exists():
        return
    evidence = {"trade": trade.subject_id, "delivery": trade.id}
    facts.establish(operator_id=operator_id, name=OnboardingFact.Name.TEST_TRADES, evidence=evidence, now=now)
