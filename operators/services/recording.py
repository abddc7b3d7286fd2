"""What became of attempts, written in batches: deliveries, attempts, the endpoint, and each user's next event."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from django.db import connection, transaction

from operators import retries
from operators.models import OnboardingFact, Operator
from operators.services import endpoints, facts
from operators.services.deliveries import Claimed
from predictu import ids
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
UPDATE operators_delivery AS delivery SET state = made.state, due_at = made.due_at, tries = made.tries, claim = NULL,
  attempts = delivery.attempts + 1, last_attempt_at = made.at, last_error = made.error,
  confirmed_at = CASE WHEN made.state = 'confirmed' THEN coalesce(delivery.confirmed_at, %(now)s)
    ELSE delivery.confirmed_at END
FROM unnest(%(ordinals)s::bigint[], %(claims)s::bigint[], %(states)s::text[], %(dues)s::timestamptz[],
  %(tries)s::int[], %(ats)s::timestamptz[], %(errors)s::text[])
  AS made(ordinal, claim, state, due_at, tries, at, error)
WHERE delivery.event_id = made.ordinal AND (delivery.claim = made.claim OR made.state = 'confirmed')
RETURNING delivery.event_id
"""
_ATTEMPT = """
INSERT INTO operators_attempt (delivery_id, operator_id, number, at, url, confirmed, http_status, error, cause,
  latency_ms, phases_ms, ip, tls_version, request_headers, response_headers, response_body, response_truncated)
SELECT ordinal, %(operator)s, number, at, url, confirmed, http_status, error, cause, latency_ms, phases_ms, ip,
  tls_version, request_headers, response_headers, response_body, response_truncated
FROM unnest(%(ordinals)s::bigint[], %(numbers)s::int[], %(ats)s::timestamptz[], %(urls)s::text[], %(confirmed)s::bool[],
  %(statuses)s::int[], %(codes)s::text[], %(causes)s::text[], %(latencies)s::int[], %(phases)s::jsonb[],
  %(ips)s::text[], %(tls)s::text[], %(sent)s::jsonb[], %(headers)s::jsonb[], %(bodies)s::bytea[], %(truncated)s::bool[])
  AS made(ordinal, number, at, url, confirmed, http_status, error, cause, latency_ms, phases_ms, ip, tls_version,
  request_headers, response_headers, response_body, response_truncated)
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
    endpoint = endpoints.hold(operator_id)
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
    moved = _write(operator_id, outcomes, steps, now)
    answers = [
        endpoints.Answered(now, outcome.is_confirmed, wait if outcome.status in retries.THROTTLING else None)
        for outcome, wait in zip(outcomes, waits, strict=True)
    ]
    endpoints.note(endpoint, answers, now)
    made = [(outcome, step) for outcome, step in zip(outcomes, steps, strict=True) if outcome.claimed.ordinal in moved]
    endpoints.tell_dead(endpoint, sum(step.state == retries.DEAD for _, step in made), now)
    freed = {outcome.claimed.user_id for outcome, step in made if step.state != retries.READY} - {""}
    _note_test_trade(operator_id, [outcome for outcome, _ in made if outcome.is_confirmed], now)
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
    ordinals = [outcome.claimed.ordinal for outcome in outcomes]
    ats = [outcome.at for outcome in outcomes]
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "now": now,
                "ordinals": ordinals,
                "claims": [outcome.claimed.claim for outcome in outcomes],
                "states": [step.state for step in steps],
                "dues": [step.due_at for step in steps],
                "tries": [step.tries for step in steps],
                "ats": ats,
                "errors": [said(outcome.status, outcome.error) for outcome in outcomes],
            },
        )
        moved = {row[0] for row in cursor.fetchall()}
        cursor.execute(
            _ATTEMPT,
            {
                "operator": ids.decode("op", operator_id),
                "ordinals": ordinals,
                "ats": ats,
                "numbers": [outcome.claimed.attempts + 1 for outcome in outcomes],
                "urls": [outcome.url for outcome in outcomes],
                "confirmed": [outcome.is_confirmed for outcome in outcomes],
                "statuses": [outcome.status for outcome in outcomes],
                "codes": [outcome.error for outcome in outcomes],
                "causes": [outcome.cause for outcome in outcomes],
                "latencies": [outcome.latency_ms for outcome in outcomes],
                "phases": [orjson.dumps(outcome.phases_ms).decode() for outcome in outcomes],
                "ips": [outcome.ip for outcome in outcomes],
                "tls": [outcome.tls_version for outcome in outcomes],
                "sent": [_json(outcome.request_headers) for outcome in outcomes],
                "headers": [_json(outcome.response_headers) for outcome in outcomes],
                "bodies": [outcome.response_body for outcome in outcomes],
                "truncated": [outcome.response_truncated for outcome in outcomes],
            },
        )
    return moved


# Of an answer's headers these are noted, but not what they hold.
_PRIVATE = frozenset({"set-cookie", "authorization", "www-authenticate"})


def _json(headers: dict[str, str]) -> str:
    kept = {
        name.replace("\x00", ""): "(not kept)" if name in _PRIVATE else value.replace("\x00", "")
        for name, value in headers.items()
    }
    return orjson.dumps(kept).decode()


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


def _is_test_trade(claimed: Claimed) -> bool:
    return claimed.test and claimed.event == "TRADE_PLACED"
