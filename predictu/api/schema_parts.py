"""What every operation of the OpenAPI description shares: security, headers, and errors in each face's words."""

from typing import Any

from predictu import errors
from predictu.api import envelopes, faces

SECURITY_SCHEMES: dict[str, Any] = {
    "adminToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The token of `POST /api/auth/admin/login`.",
    },
    "operatorKey": {"type": "apiKey", "in": "header", "name": "X-Operator-Key", "description": "`pk_live_…`"},
    "operatorTimestamp": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Operator-Timestamp",
        "description": "Unix seconds, at most 300 from the server's clock.",
    },
    "operatorSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Operator-Signature",
        "description": (
            "`sha256=` and the hex HMAC-SHA256, keyed with `sk_live_…`, of "
            "`<timestamp>.<METHOD>.<path and query as sent>.<Idempotency-Key or empty>.` followed by the raw body."
        ),
    },
}

_LIMITS = {
    "X-RateLimit-Limit": "Calls allowed in the window",
    "X-RateLimit-Remaining": "Calls left in the window",
    "X-RateLimit-Reset": "When the oldest call leaves the window, in epoch seconds",
}
_RETRY = {"Retry-After": "Seconds to wait"}
_REQUEST_ID = {"X-Request-ID": "The request's id, as sent or made up; it is in every log line"}
_TAG = {"ETag": "Names the answer: sent back as If-None-Match, it is answered with 304 while nothing has changed"}
UNCHANGED = "NotModified"

_ALL: tuple[type[errors.PredictuError], ...] = (
    errors.BadRequest,
    errors.Unauthorized,
    errors.Forbidden,
    errors.NotFound,
    envelopes.MethodNotAllowed,
    errors.Conflict,
    errors.Gone,
    errors.PayloadTooLarge,
    envelopes.UnsupportedMediaType,
    errors.RangeNotSatisfiable,
    errors.ValidationFailed,
    errors.RateLimited,
    errors.PredictuError,
    errors.Unavailable,
)
# Of a call that brings a body; what only some operations answer (410, 416) is said with them.
STATUSES = tuple(error.status for error in _ALL if error not in (errors.Gone, errors.RangeNotSatisfiable))
READING_STATUSES = tuple(status for status in STATUSES if status not in (409, 415, 422))

_UNSIGNED = "The operator key, timestamp or signature is not valid"

_PREFIXES = {"s2s": "S2SError", "casino": "CasinoError"}


def prefix(face: faces.Face) -> str:
    """What a face's error answers are called by."""
    return _PREFIXES.get(face.name, "Error")


def headers() -> dict[str, Any]:
    """The shared headers, as components."""
    shown = {name: _header(text, "integer") for name, text in {**_LIMITS, **_RETRY}.items()}
    return shown | {name: _header(text, "string") for name, text in {**_REQUEST_ID, **_TAG}.items()}


def header_references(*, retry: bool = False, tag: bool = False) -> dict[str, Any]:
    names = [*_LIMITS, *_REQUEST_ID, *(_RETRY if retry else ()), *(_TAG if tag else ())]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def schemas() -> dict[str, Any]:
    """The error envelope and its S2S form."""
    return {"Error": _envelope(shows_success=False), "S2SError": _envelope(shows_success=True)}


def responses() -> dict[str, Any]:
    """Every face's error answers, and the one to a caller who has the answer already, as components."""
    unchanged = {"description": "Nothing has changed", "headers": header_references(tag=True)}
    return {UNCHANGED: unchanged} | {
        f"{prefix(face)}{error.status}": _answer(face, error) for face in faces.FACES for error in _ALL
    }


def _header(text: str, kind: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": kind}}


def _envelope(*, shows_success: bool) -> dict[str, Any]:
    error = {
        "type": "object",
        "required": ["code", "message", "details"],
        "properties": {
            "code": {"type": "string"},
            "message": {"type": "string"},
            "details": {
                "type": ["object", "array", "null"],
                "description": "Of a validation error: each field, dotted when nested, and what is wrong with it.",
            },
        },
    }
    properties: dict[str, Any] = {"success": {"type": "boolean", "const": False}} if shows_success else {}
    properties["error"] = error
    return {"type": "object", "required": list(properties), "properties": properties}


def _answer(face: faces.Face, error: type[errors.PredictuError]) -> dict[str, Any]:
    details = {"field": ["what is wrong"]} if error is errors.ValidationFailed else None
    message = _UNSIGNED if face.name == "casino" and error is errors.Unauthorized else None
    status, body = envelopes.error_body(face, error(message, details=details))
    if status != error.status:  # this face words it as another status; what is left is a refusal by the rules
        _, body = envelopes.error_body(face, errors.Refused())
    schema = "S2SError" if face.shows_success else "Error"
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": body}
    return {
        "description": body["error"]["message"],
        "headers": header_references(retry=error.status in (429, 503)),
        "content": {"application/json": content},
    }
