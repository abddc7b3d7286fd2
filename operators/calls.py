"""Keyed calls of the Casino API as HTTP: the key in, the remembered answer out."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from operators.services import idempotency
from predictu.api import context
from predictu.errors import BadRequest

_LONGEST_KEY = 128


def call_of(request: Request, kind: str) -> idempotency.Call:
    """The keyed call a request is. Raises BadRequest without a key of 1 to 128 printable characters."""
    key = context.header(request._request, "Idempotency-Key")
    if not 1 <= len(key) <= _LONGEST_KEY or not (key.isascii() and key.isprintable()):
        what = f"is required: 1 to {_LONGEST_KEY} printable characters"
        raise BadRequest(f"Idempotency-Key {what}", details={"Idempotency-Key": [what]})
    digest = idempotency.fingerprint(request.method or "", request._request.path, request.data)
    return idempotency.Call(request._request.operator.id, kind, key, digest)  # type: ignore[attr-defined]


def respond(answer: idempotency.Answer) -> HttpResponse:
    """The remembered bytes in the envelope; a repeat says that it is one."""
    response = HttpResponse(b'{"data":' + answer.body + b"}", content_type="application/json", status=answer.status)
    if answer.replayed:
        response["Idempotency-Replayed"] = "true"
    return response


def once(request: Request, kind: str, *, act: Callable[[], tuple[int, Any]], now: datetime) -> HttpResponse:
    """Run ``act`` once for this request's key."""
    return respond(idempotency.once(call_of(request, kind), act=act, now=now))
