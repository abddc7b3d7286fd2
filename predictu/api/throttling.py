"""Rate limits: an exact sliding window per caller, shared by all processes through Redis.

Only limits live in Redis. When Redis is away the API answers rather than fails, and says so in the log.
"""

import hashlib
import logging
import math
import time
from dataclasses import dataclass
from typing import Any

import redis
from django.http import HttpRequest

from predictu import ids, volatile
from predictu.errors import RateLimited

log = logging.getLogger("predictu.limits")

# Members are the times of the last ``limit`` admitted calls; all of it is one atomic step. Microseconds of Redis' own
# clock, so that every process counts by the same one. Answers: admitted?, left, when the oldest leaves, in µs, and now.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local window = tonumber(ARGV[2]) * 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local used = redis.call('ZCARD', KEYS[1])
local limit = tonumber(ARGV[1])
local admitted = 0
if used < limit then
  redis.call('ZADD', KEYS[1], now, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
  used = used + 1
  admitted = 1
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local frees = now + window
if oldest[2] then frees = tonumber(oldest[2]) + window end
return {admitted, limit - used, string.format('%.0f', frees), string.format('%.0f', now)}
"""


@dataclass(frozen=True)
class Limit:
    """``calls`` in ``seconds``."""

    calls: int
    seconds: int = 60


_SHA = hashlib.sha1(_TAKE.encode(), usedforsecurity=False).hexdigest()  # how Redis names a script it knows


def _ask(key: str, limit: Limit) -> list[Any]:
    """The script's answer: one round trip, but for the first after Redis was emptied."""
    command = volatile.connection().execute_command
    given = (1, f"limit:{key}", limit.calls, limit.seconds, ids.uuid7().hex)
    try:
        return command("EVALSHA", _SHA, *given)
    except redis.exceptions.NoScriptError:
        return command("EVAL", _TAKE, *given)


# A Redis that is away is not asked again so soon: waiting for it would slow down every answer.
_AWAY_SECONDS = 1.0
_away_until = 0.0


def take(request: HttpRequest, key: str, limit: Limit) -> None:
    """Count this call for ``key``; sets ``request.limit_headers``. Raises RateLimited when the window is full."""
    counted = _count(key, limit)
    if counted is None:
        _describe(request, limit, limit.calls - 1, time.time() + limit.seconds)
        return
    admitted, left, frees_at, now_at = counted
    _describe(request, limit, left, frees_at)
    if not admitted:
        raise RateLimited(retry_after=max(1, math.ceil(frees_at - now_at)))


def _count(key: str, limit: Limit) -> tuple[bool, int, float, float] | None:
    """Admitted?, calls left, when the next one frees up, and now, by Redis' clock; None while Redis is away."""
    global _away_until
    if time.monotonic() < _away_until:
        return None
    try:
        admitted, left, frees, now = _ask(key, limit)
    except redis.RedisError as error:
        log.warning("rate limits are not counted: %s", type(error).__name__)
        _away_until = time.monotonic() + _AWAY_SECONDS
        return None
    return bool(admitted), left, float(frees) / 1e6, float(now) / 1e6


def describe(request: HttpRequest, limit: Limit) -> None:
    """Headers for an answer that counts against nothing: a preflight, or a fault before the caller was known."""
    _describe(request, limit, limit.calls, time.time() + limit.seconds)


def _describe(request: HttpRequest, limit: Limit, left: int, frees_at: float) -> None:
    request.limit_headers = {  # type: ignore[attr-defined]
        "X-RateLimit-Limit": str(limit.calls),
        "X-RateLimit-Remaining": str(max(0, left)),
        "X-RateLimit-Reset": str(math.ceil(frees_at)),
    }
