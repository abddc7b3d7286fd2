"""The audit trail: written in the transaction of the change it tells of, never changed afterwards."""

import contextvars
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from predictu import clock, logs
from predictu.platform.models import AuditEntry

# Of these only the fact that they changed is written, never the values.
PERSONAL = frozenset({"email", "username", "external_id", "contact_email", "billing_email", "contact_name"})
SECRET = frozenset({"secret_key", "secret_encrypted", "password", "otp"})


_address: contextvars.ContextVar[str | None] = contextvars.ContextVar("audit_address", default=None)
_told: contextvars.ContextVar[list[AuditEntry] | None] = contextvars.ContextVar("audit_told", default=None)


@contextmanager
def came_from(address: str | None) -> Iterator[None]:
    """Everything recorded inside is recorded with this client address."""
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)


@contextmanager
def told() -> Iterator[list[AuditEntry]]:
    """The lines recorded inside, as they come."""
    lines: list[AuditEntry] = []
    token = _told.set(lines)
    try:
        yield lines
    finally:
        _told.reset(token)


def record(
    *,
    actor: Any,
    action: str,
    object_type: str,
    object_id: str = "",
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    reason: str = "",
    metadata: Mapping[str, Any] | None = None,
    now: datetime,
) -> AuditEntry:
    """Write that ``actor`` did ``action`` to an object. ``changes`` maps dotted fields to ``{"from", "to"}``."""
    entry = AuditEntry.objects.create(
        actor=actor,
        address=_address.get(),
        request_id=logs.request_id.get(),
        action=action,
        object_type=object_type,
        object_id=object_id,
        changes={name: _shown(name, change) for name, change in (changes or {}).items()},
        reason=reason,
        metadata=plain(dict(metadata or {})),
        created_at=now,
    )
    lines = _told.get()
    if lines is not None:
        lines.append(entry)
    return entry


def difference(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """What really changed from ``before`` to ``after``, nested mappings as dotted keys."""
    changes: dict[str, dict[str, Any]] = {}
    for name in sorted(set(before) | set(after)):
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changes |= difference(old, new, f"{prefix}{name}.")
        elif old != new:
            changes[f"{prefix}{name}"] = {"from": old, "to": new}
    return changes


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: Decimals as text-exact numbers, instants as text."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return clock.seconds(value)
    return value


def _shown(name: str, change: Mapping[str, Any]) -> dict[str, Any]:
    leaf = name.rsplit(".", 1)[-1]
    if leaf in PERSONAL or leaf in SECRET:
        return {"changed": True}
    return {"from": plain(change["from"]), "to": plain(change["to"])}
