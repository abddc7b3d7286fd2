"""Changing the configuration: what a change may be, and writing it down.

Whoever writes one holds the lock that makes changes wait for each other; that lock belongs to what limits protect, so
``risk.services.limits`` is the one that calls here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from predictu.errors import ValidationFailed
from predictu.platform import activity, audit, config, notices
from predictu.platform.config import DECLARED, Configuration
from predictu.platform.models import ConfigRevision

_GROUPS = {name.rpartition(".")[0] for name in DECLARED} | {name.partition(".")[0] for name in DECLARED}

# Pairs of keys of which the first must not be above the second (strictly below where marked).
_NOT_ABOVE = (
    ("spread.min_spread_bps", "spread.base_spread_bps", False),
    ("spread.base_spread_bps", "spread.max_spread_bps", False),
    ("risk.sharp_score_threshold", "risk.restricted_score_threshold", True),
    ("tiers.restricted_max_bet_usd", "tiers.sharp_max_bet_usd", False),
)


@dataclass(frozen=True)
class Changed:
    """A revision as it was written; without ``revision.audit`` when nothing changed."""

    revision: ConfigRevision
    names: tuple[str, ...]
    before: Configuration
    after: Configuration

    def previous_values(self) -> dict[str, Any]:
        return {name: self.before[name] for name in self.names}

    def new_values(self) -> dict[str, Any]:
        return {name: self.after[name] for name in self.names}


def flat(body: Mapping[str, Any]) -> dict[str, Any]:
    """The nested groups of a request as dotted keys with valid values. Raises ValidationFailed naming what is not."""
    found: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for name, value in _leaves(body):
        if name not in DECLARED:
            problems[name] = ["must be an object" if name in _GROUPS else "unknown key"]
            continue
        problem = _problem(name, value)
        if problem:
            problems[name] = [problem]
        else:
            found[name] = value if DECLARED[name].is_switch else Decimal(value)
    if problems:
        raise ValidationFailed(details=problems)
    return found


def _leaves(body: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in body.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and name in _GROUPS:
            yield from _leaves(value, f"{name}.")
        else:
            yield name, value


def _problem(name: str, value: Any) -> str | None:
    key = DECLARED[name]
    if key.is_switch:
        return None if isinstance(value, bool) else "must be true or false"
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return "must be a number"
    number = Decimal(value)
    if not key.least <= number <= key.most:
        return f"must be from {key.least:,f} to {key.most:,f}"
    if number != number.quantize(Decimal(1).scaleb(-key.places)):
        return "must be a whole number" if key.places == 0 else f"must have at most {key.places} decimal places"
    return None


def applied(before: Configuration, changes: Mapping[str, Any]) -> Configuration:
    """``before`` with ``changes``. Raises ValidationFailed when keys no longer fit together."""
    values = {**before.values, **changes}
    problems: dict[str, list[str]] = {}
    for lower, upper, strictly in _NOT_ABOVE:
        if values[lower] > values[upper] or (strictly and values[lower] == values[upper]):
            word = "below" if strictly else "at most"
            named = lower if lower in changes or upper not in changes else upper
            problems.setdefault(named, []).append(f"{lower} must be {word} {upper}")
    if problems:
        raise ValidationFailed(details=problems)
    return Configuration(before.number, values)


def write(*, changes: Mapping[str, Any], actor: Any, reason: str, action: str, now: datetime) -> Changed:
    """Make the next revision of the newest one and ``changes``; nothing is written when nothing changes.

    The caller holds the lock that serialises changes. Raises ValidationFailed.
    """
    revision, before = config.newest()
    after = applied(before, changes)
    names = tuple(name for name in DECLARED if before[name] != after[name])
    if not names:
        return Changed(revision, (), before, before)
    difference = {name: {"from": before[name], "to": after[name]} for name in names}
    entry = audit.record(actor=actor, action=action, object_type="config", changes=difference, reason=reason, now=now)
    written = ConfigRevision.objects.create(
        values=audit.plain({name: after[name] for name, key in DECLARED.items() if after[name] != key.default}),
        previous_values=audit.plain({name: before[name] for name in names}),
        new_values=audit.plain({name: after[name] for name in names}),
        reason=reason,
        actor=actor,
        audit=entry,
        created_at=now,
    )
    _tell(written, now)
    return Changed(written, names, before, Configuration(written.number, after.values))


def _tell(revision: ConfigRevision, now: datetime) -> None:
    lines = [f"{name}: {revision.previous_values[name]} → {value}" for name, value in revision.new_values.items()]
    activity.record(
        type="config_change",
        title="Configuration changed",
        description="; ".join(lines),
        metadata={
            "updated_keys": list(revision.new_values),
            "revision": revision.number,
            "updated_by": revision.actor_id,
        },
        now=now,
    )
    notices.tell_admins(
        subject="Predictu: the configuration was changed",
        text="\n".join([*lines, "", f"Reason: {revision.reason}", f"By: {revision.actor_id}"]),
        now=now,
    )
