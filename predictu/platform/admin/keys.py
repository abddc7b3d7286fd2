"""The configuration's keys as a form holds them: what is typed, what is shown, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from predictu.platform.config import DECLARED, Key

_UNITS = {"usd": "USD", "pct": "%", "bps": "basis points", "ms": "ms", "hours": "hours"}


@dataclass(frozen=True, slots=True)
class Field:
    """A key as the form shows it. ``value`` is what its input holds: as typed, or as in force."""

    name: str
    key: Key
    in_force: str
    value: str
    errors: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """``Per trade max, USD``; of a category's limit ``Category limits, USD: sports``."""
        group, _, rest = self.name.partition(".")[2].partition(".")
        words, _, unit = group.rpartition("_")
        if rest:
            return f"{group.replace('_', ' ').capitalize()}, USD: {rest}"
        told = f"{words.replace('_', ' ')}, {_UNITS[unit]}" if unit in _UNITS else group.replace("_", " ")
        return (told[0].upper() + told[1:]).replace("S2s", "S2S")

    @property
    def default(self) -> str:
        return shown(self.key.default)

    @property
    def standing(self) -> str:
        """What is in force, to read."""
        return self.in_force if self.key.is_switch else shown_number(Decimal(self.in_force))

    @property
    def is_default(self) -> bool:
        return self.in_force == written(self.key.default)

    @property
    def bounds(self) -> str:
        return "" if self.key.is_switch else f"{shown_number(self.key.least)} to {shown_number(self.key.most)}"


def parsed(typed: Mapping[str, str]) -> dict[str, Any]:
    """Texts as values; what is no value stays text, which ``revisions.flat`` refuses by name."""
    return {name: _parsed(text, DECLARED[name]) for name, text in typed.items()}


def _parsed(text: str, key: Key) -> Any:
    if key.is_switch:
        return {"on": True, "off": False}.get(text, text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def written(value: Any) -> str:
    """A value as the form holds it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown_number(value: Decimal) -> str:
    """A value as people read it: ``50,000``, ``1.5``."""
    whole, dot, places = written(value).partition(".")
    return f"{int(whole):,}{dot}{places}"


def shown(value: Any) -> str:
    return written(value) if isinstance(value, bool) else shown_number(Decimal(str(value)))
