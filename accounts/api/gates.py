"""Who each API lets in. A gate names the caller, counts the call against a limit, and only then says yes or no."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from accounts.services import sessions
from operators.services import requests as operator_requests
from predictu import clock, ids
from predictu.api import bodies, context
from predictu.api.throttling import Limit, take
from predictu.errors import BadRequest, PredictuError, Unauthorized

_MINUTE, _HOUR = 60, 3600


def admit_anyone(request: HttpRequest) -> None:
    """Login and logout: everyone, so many times a minute from one address. The lock-out counts apart."""
    take(request, f"auth:{request.client_address}", Limit(settings.PREDICTU_ADMIN_RATE_LIMIT))  # type: ignore[attr-defined]


def admit_admin(request: HttpRequest) -> None:
    """God Mode: a live token of an admin with a role; sets ``request.admin``."""
    limit = Limit(settings.PREDICTU_ADMIN_RATE_LIMIT)
    _admit(request, lambda caller: take(request, f"internal:{caller}", limit))


def admit_s2s(request: HttpRequest) -> None:
    """The S2S API: as God Mode, with a limit for each endpoint and operator. Public keys are for everyone."""
    endpoint = s2s_endpoint(request.method or "", request.path)
    calls = max(1, round(endpoint.limit.calls * settings.PREDICTU_S2S_RATE_LIMIT_FACTOR))
    limit = Limit(calls, endpoint.limit.seconds)

    def count(caller: str) -> None:
        take(request, f"s2s:{endpoint.name}:{endpoint.operator_id}:{caller}", limit)

    if endpoint.name == "public_key":  # over all operators, or whoever guesses ids would have a limit for each
        take(request, f"s2s:public_key:{request.client_address}", limit)  # type: ignore[attr-defined]
    else:
        _admit(request, count)


def admit_operator(request: HttpRequest) -> None:
    """The Casino API: a request an operator signed; sets ``request.operator`` and ``request.operator_key``."""
    limit = Limit(settings.PREDICTU_CASINO_RATE_LIMIT)
    now = clock.now()
    try:
        key = operator_requests.verify(_signed(request), now=now)
    except PredictuError:
        take(request, f"casino:{request.client_address}", limit)  # type: ignore[attr-defined]
        raise
    request.operator, request.operator_key = key.operator, key  # type: ignore[attr-defined]
    take(request, f"casino:{key.operator_id}", limit)
    operator_requests.note_use(key, now=now)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the S2S document's table of limits, and the operator a request to it names."""

    name: str
    limit: Limit
    operator_id: str = ""


# "Rate Limits" in the S2S document.
_S2S_LIMITS = {
    ("GET", ""): ("list", Limit(60, _MINUTE)),
    ("POST", ""): ("create", Limit(10, _MINUTE)),
    ("GET", "/{id}"): ("detail", Limit(60, _MINUTE)),
    ("PATCH", "/{id}"): ("update", Limit(30, _MINUTE)),
    ("POST", "/{id}/keys"): ("keys", Limit(5, _HOUR)),
    ("GET", "/{id}/public-key"): ("public_key", Limit(120, _MINUTE)),
    ("POST", "/{id}/test"): ("test", Limit(10, _MINUTE)),
}
_S2S_PATH = re.compile(r"/api/s2s/operators(?:/(?P<id>[^/]+)(?P<rest>/[a-z-]+)?)?")
_S2S_OTHER = Endpoint("other", Limit(60, _MINUTE))


def s2s_endpoint(method: str, path: str) -> Endpoint:
    """The endpoint whose limit a request counts against. Whatever the table does not name shares one limit."""
    found = _S2S_PATH.fullmatch(path)
    if found is None:
        return _S2S_OTHER
    operator_id = found["id"]
    shape = "" if operator_id is None else "/{id}" + (found["rest"] or "")
    named = _S2S_LIMITS.get(("GET" if method == "HEAD" else method, shape))
    if named is None:
        return _S2S_OTHER
    return Endpoint(*named, operator_id=_well_formed(operator_id))


def _well_formed(operator_id: str | None) -> str:
    """The id if it can be one: malformed ones share a limit instead of opening one each."""
    try:
        ids.decode("op", operator_id or "")
    except ValueError:
        return ""
    return operator_id or ""


def _admit(request: HttpRequest, count: Callable[[str], None]) -> None:
    """The admin of the bearer token, counted by id; whoever has no live token is counted by address."""
    try:
        identity = sessions.identify(bearer(request))
    except Unauthorized:
        count(request.client_address)  # type: ignore[attr-defined]
        raise
    count(identity.admin.id)
    sessions.require_role(identity.admin)
    request.admin = identity.admin  # type: ignore[attr-defined]


def bearer(request: HttpRequest) -> str:
    """The token of the Authorization header. Raises Unauthorized when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized
    return token.strip()


def _signed(request: HttpRequest) -> operator_requests.SignedRequest:
    """What was signed, as it was sent. Raises Unauthorized before the body is read when a header is missing."""
    public_key, timestamp, signature = (
        context.raw_header(request, name) for name in ("X-Operator-Key", "X-Operator-Timestamp", "X-Operator-Signature")
    )
    if not (public_key and timestamp and signature):
        raise Unauthorized("X-Operator-Key, X-Operator-Timestamp and X-Operator-Signature are required")
    bodies.bound(request)
    try:
        body = request.body
    except OSError:
        raise BadRequest("The request body ended early") from None
    return operator_requests.SignedRequest(
        public_key=public_key,
        timestamp=timestamp,
        signature=signature,
        method=request.method or "",
        path=context.raw_target(request),
        idempotency_key=context.raw_header(request, "Idempotency-Key"),
        body=body,
    )
