"""Requests operators sign: whose they are, and when each key was last used."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar

from django.db import DatabaseError, connection, models, transaction
from django.db.models.base import ModelState

from operators import signing
from operators.models import KeyUse, OperatorKey
from operators.services import keys
from predictu import prepared
from predictu.errors import Unauthorized

log = logging.getLogger("predictu.operators")

NOTED_EVERY = timedelta(minutes=1)
_Row = TypeVar("_Row", bound=models.Model)


@dataclass(frozen=True)
class SignedRequest:
    """A request to the Casino API as it was sent: texts undecoded but for their bytes, ``path`` with its query."""

    public_key: str
    timestamp: str
    signature: str = field(repr=False)
    method: str
    path: str = field(repr=False)
    idempotency_key: str
    body: bytes = field(repr=False)


def verify(request: SignedRequest, *, now: datetime) -> OperatorKey:
    """The key (with its operator) that signed the request. Raises Unauthorized for anything but a genuine, fresh one.

    An unknown key takes the same steps as a known one, so that the time to answer does not tell them apart.
    """
    known = None
    if request.public_key.isascii() and "\x00" not in request.public_key:
        known = _known_key(request.public_key)
    key = known.own_copy() if known is not None else None
    genuine = signing.verify_request(
        (known or _nobodys_key()).secret,
        signature=request.signature,
        timestamp=request.timestamp,
        method=request.method,
        path=request.path,
        idempotency_key=request.idempotency_key,
        body=request.body,
        now=now,
    )
    if key is None or not genuine or not key.accepts(now):
        raise Unauthorized("The operator key, timestamp or signature is not valid")
    return key


# The versions of a key and of its operator: whatever changes either, a revocation or a suspension, is seen at once.
_VERSIONS = """
SELECT key.xmin::text, operator.xmin::text FROM operators_operatorkey key
JOIN operators_operator operator ON operator.id = key.operator_id WHERE key.public_key = $1
"""
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """A key as it was read, with its operator and its secret."""

    versions: tuple[str, str]
    key: OperatorKey
    secret: str = field(repr=False)

    def own_copy(self) -> OperatorKey:
        """The key and its operator for one request: nothing it does to them reaches another's."""
        key = _twin(self.key)
        key.operator = _twin(self.key.operator)
        return key


def _twin(row: _Row) -> _Row:
    """A stored row of the same values. ``copy.copy`` goes by way of pickling, which takes 60 times as long."""
    twin = type(row).__new__(type(row))
    twin.__dict__.update(row.__dict__)
    twin._state = ModelState()
    twin._state.db, twin._state.adding = row._state.db, False
    return twin


_known: dict[str, _Known] = {}


def _known_key(public_key: str) -> _Known | None:
    """The key by that name as it is now, read in full only when it or its operator has changed since it last was."""
    with connection.wrap_database_errors:
        versions = prepared.first(_VERSIONS, (public_key,)).fetchone()
    known = _known.get(public_key)
    if versions is None or (known is not None and known.versions == versions):
        return known if versions is not None else None
    key = OperatorKey.objects.select_related("operator").get(public_key=public_key)
    if len(_known) >= _REMEMBERED:
        _known.clear()
    # Rows read after their versions can only be newer: then the next call reads them again.
    found = _known[public_key] = _Known(versions, key, keys.secret_of(key))
    return found


_noted: dict[str, tuple[str, datetime]] = {}


def note_use(key: OperatorKey, *, now: datetime) -> None:
    """Remember that the operator used this key: at once when it is another than before, else once a minute.

    The memory is this process's own, and what cannot be written is only logged: no request waits or fails for it.
    """
    known = _noted.get(key.operator_id)
    if known is not None and known[0] == key.id and abs(now - known[1]) < NOTED_EVERY:
        return
    try:
        with transaction.atomic():
            KeyUse.objects.bulk_create(
                [KeyUse(key_id=key.id, last_used_at=now)],
                update_conflicts=True,
                unique_fields=["key"],
                update_fields=["last_used_at"],
            )
    except DatabaseError as error:
        log.warning("the use of %s was not noted: %s", key.id, type(error).__name__)
        return
    _noted[key.operator_id] = (key.id, now)


@cache
def _nobodys_key() -> _Known:
    """A key no request can be signed with, to verify against when there is none."""
    return _Known(("", ""), OperatorKey(), signing.new_secret_key())
