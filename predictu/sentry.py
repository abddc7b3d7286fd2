"""Faults reported to Sentry, where ``PREDICTU_SENTRY_DSN`` names one: what broke and where, never whom it concerned.

No bodies, headers, cookies, query strings, addresses, user data, local variables or breadcrumbs leave the process; what
is left is text that may still quote a value, and is searched for those we know by their looks.
"""

import re
from typing import Any

import sentry_sdk

# Of a request only how and where it was asked, and the id that finds its log lines.
_REQUEST = ("method", "url")
_HEADERS = frozenset({"x-request-id", "content-type", "content-length"})
_KEPT = (
    *("event_id", "timestamp", "platform", "level", "logger", "transaction", "transaction_info", "environment"),
    *("release", "server_name", "sdk", "exception", "logentry", "message", "request", "fingerprint", "tags", "type"),
)
_FRAME = ("filename", "function", "module", "lineno", "abs_path", "in_app", "context_line")
_KNOWN = (
    # PostgreSQL quotes the row that breaks a constraint.
    (re.compile(r"(DETAIL|CONTEXT|STATEMENT):.*", re.DOTALL), r"\1: [left out]"),
    (re.compile(r"[^\s\"'<>(),;=]+@[^\s\"'<>(),;]+"), "[e-mail]"),
    (re.compile(r"\b(?:sk_live_|whsec_)[\w+/=-]+"), "[secret]"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "[token]"),
    (re.compile(r"(?i)\b(bearer|sha256=|v1,)\s*[\w+/=.-]{8,}"), "[credential]"),
    (re.compile(r"\?[^\s\"']*=[^\s\"']*"), "?[query]"),
)


def configure(*, dsn: str, environment: str, release: str) -> None:
    """Report faults to ``dsn`` from now on."""
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release or None,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        enable_logs=False,
        before_send=scrubbed,  # type: ignore[arg-type]  # their Event is a dict
    )


def scrubbed(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """What of an event may leave: the parts named here, their texts without what looks like a person or a secret."""
    kept = {name: event[name] for name in _KEPT if name in event}
    if "request" in kept:
        kept["request"] = _asked(event["request"])
    for exception in (kept.get("exception") or {}).get("values") or []:
        exception.pop("mechanism", None)
        frames = (exception.get("stacktrace") or {}).get("frames") or []
        frames[:] = [{name: frame[name] for name in _FRAME if name in frame} for frame in frames]
    if "logentry" in kept:
        # The words with their values put in are searched; the values alone are not needed.
        entry = kept["logentry"]
        kept["logentry"] = {"message": entry.get("message", ""), "formatted": entry.get("formatted", "")}
    cleaned: dict[str, Any] = _cleaned(kept)
    return cleaned


def _asked(request: dict[str, Any]) -> dict[str, Any]:
    headers = {name: value for name, value in (request.get("headers") or {}).items() if name.lower() in _HEADERS}
    return {name: request[name] for name in _REQUEST if name in request} | {"headers": headers}


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cleaned(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, str):
        for pattern, instead in _KNOWN:
            value = pattern.sub(instead, value)
    return value
