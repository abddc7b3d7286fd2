"""Requests operators sign: whose they are, and when each key was last used."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from django.db import DatabaseError, transaction

from operators import signing
from operators.models import KeyUse, OperatorKey
from operators.services import keys
from predictu import ids
from predictu.errors import Unauthorized
from predictu.platform import crypt

log = logging.getLogger("predictu.operators")

NOTED_EVERY = timedelta(minutes=1)


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
    key = None
    if request.public_key.isascii() and "\x00" not in request.public_key:
        key = OperatorKey.objects.select_related("operator").filter(public_key=request.public_key).first()
    genuine = signing.verify_request(
        keys.secret_of(key or _nobodys_key()),
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
def _nobodys_key() -> OperatorKey:
    """A key no request can be signed with, to verify against when there is none."""
    key_id = ids.new("key")
    return OperatorKey(id=key_id, secret_encrypted=crypt.encrypt(signing.new_secret_key(), row=key_id))
