"""Keyed calls of the Casino API: the first answer is remembered in the transaction that earned it.

A repeat waits for the first (an advisory lock on operator, kind and key), then gets its answer; another request under
the same key is a conflict. Refusals roll back and are not remembered.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction
from psycopg import errors as pg

from predictu import ids
from predictu.errors import IdempotencyConflict, IdempotencyInProgress

LOCK = "SELECT pg_advisory_xact_lock(%s)"
FIND = (
    "SELECT fingerprint, status, answer FROM operators_idempotencyrecord"
    " WHERE operator_id = %s AND kind = %s AND key = %s"
)
REMEMBER = (
    "INSERT INTO operators_idempotencyrecord (operator_id, kind, key, fingerprint, status, answer, created_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
)


_SORTED = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True, slots=True)
class Call:
    """A keyed call: whose, which kind, under which key, and the digest of what was asked."""

    operator_id: str
    kind: str
    key: str
    fingerprint: str

    @property
    def lock_key(self) -> int:
        text = f"predictu:idempotency:{self.operator_id}:{self.kind}:{self.key}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)

    def find_parameters(self) -> tuple[Any, ...]:
        return (ids.decode("op", self.operator_id), self.kind, self.key)

    def remember_parameters(self, status: int, answer: bytes, now: datetime) -> tuple[Any, ...]:
        return (*self.find_parameters(), self.fingerprint, status, answer.decode(), now)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets: the JSON bytes and whether they are a repeat's."""

    status: int
    body: bytes
    replayed: bool = False


def fingerprint(method: str, path: str, body: Any) -> str:
    """A digest of method, path and parsed JSON: spacing and key order do not matter."""
    content = _SORTED.encode([method, path, _canonical(body)])
    return hashlib.sha256(content.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """The same for 5, 5.0 and 5.00; numbers as text, so that none is too large."""
    if isinstance(value, dict):
        return {name: _canonical(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return {"number": f"{Decimal(value).normalize():f}"}
    return value


def replay(call: Call, row: tuple[str, int, str] | None) -> Answer | None:
    """The remembered answer in ``row``, or None. Raises IdempotencyConflict when it was for another request."""
    if row is None:
        return None
    if row[0] != call.fingerprint:
        raise IdempotencyConflict()
    return Answer(row[1], row[2].encode(), replayed=True)


def once(call: Call, *, act: Callable[[], tuple[int, Any]], now: datetime) -> Answer:
    """Run ``act`` once for ``call`` and remember its status and answer, all in one transaction.

    Raises IdempotencyConflict, IdempotencyInProgress after five seconds, and whatever ``act`` refuses with.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        try:
            cursor.execute(LOCK, [call.lock_key])
        except OperationalError as error:
            if isinstance(error.__cause__, pg.LockNotAvailable):
                raise IdempotencyInProgress() from error
            raise
        cursor.execute(FIND, call.find_parameters())
        known = replay(call, cursor.fetchone())
        if known is not None:
            return known
        status, answer = act()
        body = orjson.dumps(answer, default=float)
        cursor.execute(REMEMBER, call.remember_parameters(status, body, now))
        return Answer(status, body)
