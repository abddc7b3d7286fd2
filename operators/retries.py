"""When a callback is tried again, and when an endpoint counts as failing. Pure: instants and chance are parameters.

A delivery begins in the quick phase, which the live configuration sets and in which it holds its user's later events
back. What is still unconfirmed then counts as failed and goes on slowly, holding back nobody, until it is dead.
"""

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# "5 min, 30 min, 2, 5, 10, 14, 20, 24 h: 75 h in all", the schedule of the Standard Webhooks specification.
SLOW = tuple(timedelta(minutes=minutes) for minutes in (5, 30, 120, 300, 600, 840, 1200, 1440))
# A receiver that asks for more is asked again after this.
LONGEST_RETRY_AFTER = timedelta(hours=1)
JITTER = 0.2
# However often the configuration doubles its backoff.
LONGEST_QUICK_DELAY = timedelta(hours=1)
FAILING_FROM = 10
GONE = 410
# Answers that speak for the whole endpoint, not for one event: its Retry-After holds for everything.
THROTTLING = frozenset({429, 503})

READY, SLOWLY, CONFIRMED, DEAD = "ready", "slow", "confirmed", "dead"


@dataclass(frozen=True, slots=True)
class Policy:
    """The quick phase as configured: how many retries, and the first delay between them."""

    retry_max: int
    backoff: timedelta


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a delivery after an attempt. ``tries`` counts delays: the next attempt ends the last of them."""

    state: str
    due_at: datetime | None
    tries: int


def is_confirmation(status: int | None) -> bool:
    """Any 2xx; no answer is None."""
    return status is not None and 200 <= status < 300


def after(
    *,
    slow: bool,
    tries: int,
    status: int | None,
    policy: Policy,
    wait: timedelta | None,
    chance: float,
    now: datetime,
) -> Step:
    """What follows an attempt made after ``tries`` delays of its phase.

    ``wait`` is what Retry-After asked for; ``chance`` in [0, 1) spreads delays by 20 % either way.
    """
    if is_confirmation(status):
        return Step(CONFIRMED, None, tries)
    if status == GONE:
        return Step(DEAD, None, tries)
    if not slow and tries < policy.retry_max:
        quick = min(policy.backoff * 2**tries, LONGEST_QUICK_DELAY)
        return Step(READY, now + _delay(quick, wait, chance), tries + 1)
    done = tries if slow else 0
    if done == len(SLOW):
        return Step(DEAD, None, done)
    return Step(SLOWLY, now + _delay(SLOW[done], wait, chance), done + 1)


def _delay(delay: timedelta, wait: timedelta | None, chance: float) -> timedelta:
    spread = delay * (1 - JITTER + 2 * JITTER * chance)
    return max(spread, wait) if wait is not None else spread


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """What ``Retry-After`` (seconds or an HTTP date; header names in lower case) asks for, at most an hour."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        wait = timedelta(seconds=min(int(value[:9]), 999_999_999))
    else:
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except (ValueError, IndexError, OverflowError):
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), LONGEST_RETRY_AFTER)


def is_failing(failures: int) -> bool:
    """Whether so many failures in a row make an endpoint one that is only probed."""
    return failures >= FAILING_FROM


# How long an endpoint has been failing when staff are told, and how loudly.
GRADES: tuple[tuple[timedelta, str], ...] = (
    (timedelta(0), "warning"),
    (timedelta(hours=1), "critical"),
    (timedelta(hours=24), "critical"),
)
# From this grade on by e-mail too.
MAILED_FROM = 2


def grade(failing_for: timedelta) -> int:
    """How many of the grades an endpoint that has been failing so long has reached."""
    return sum(failing_for >= least for least, _ in GRADES)
