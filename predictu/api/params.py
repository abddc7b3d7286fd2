"""Query parameters, validated: a value that cannot be is a 400 naming its parameter; unknown parameters are ignored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from predictu import clock, ids
from predictu.errors import BadRequest

_DIGITS = 18


def _bad(name: str, what: str) -> BadRequest:
    return BadRequest(f"{name} {what}", details={name: [what]})


@dataclass(frozen=True)
class Query:
    """A request's query parameters; ``default`` is what an absent or empty one means."""

    values: Mapping[str, str]

    def _get(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if "\x00" in value:
            raise _bad(name, "must not hold null bytes")
        if "\ufffd" in value:  # what Django reads where the bytes are no UTF-8
            raise _bad(name, "must be UTF-8")
        return value

    def text(self, name: str, *, longest: int = 200) -> str | None:
        value = self._get(name)
        if value is not None and len(value) > longest:
            raise _bad(name, f"must be at most {longest} characters")
        return value

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str | None:
        value = self._get(name)
        if value is None:
            return default
        if value not in choices:
            raise _bad(name, f"must be one of {', '.join(choices)}")
        return value

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        value = self._get(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) <= 12 and least <= int(value) <= most):
            raise _bad(name, f"must be a whole number from {least} to {most}")
        return int(value)

    def number(self, name: str) -> Decimal | None:
        value = self._get(name)
        if value is None:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise _bad(name, "must be a number") from None
        if not number.is_finite() or abs(number.adjusted()) > _DIGITS:
            raise _bad(name, "must be a number")
        return number

    def boolean(self, name: str) -> bool | None:
        value = self.choice(name, ("true", "false"))
        return None if value is None else value == "true"

    def type_id(self, name: str, prefix: str) -> str | None:
        value = self._get(name)
        return None if value is None else ids.parse(prefix, value, parameter=name)

    def order(self, fields: Mapping[str, str], default: str, order: str = "desc") -> tuple[str, bool]:
        """``sort`` as the field it stands for, and whether descending."""
        sort = self.choice("sort", tuple(fields), default)
        assert sort is not None
        return fields[sort], self.choice("order", ("asc", "desc"), order) == "desc"

    def instant(self, name: str, parse: Callable[[str], datetime]) -> datetime | None:
        value = self._get(name)
        if value is None:
            return None
        try:
            return parse(value.replace(" ", "+") if "T" in value else value)
        except ValueError:
            raise _bad(name, "must be an ISO 8601 date or instant") from None

    def window(self) -> tuple[datetime | None, datetime | None]:
        """``from`` (inclusive) and ``to`` (exclusive) as they were given; None where not."""
        start, end = self.instant("from", clock.parse_from), self.instant("to", clock.parse_to)
        written = self.instant("to", clock.parse)
        if start is not None and written is not None and start > written:
            raise _bad("from", "must not be after to")
        return start, end

    def period(self, now: datetime, days: int = 30) -> tuple[datetime, datetime]:
        """``from`` and ``to`` with the documented defaults: end of today, and 00:00 ``days`` days earlier."""
        start, end = self.window()
        if end is None:
            end = clock.day_start(now) + clock.DAY
        if start is None:
            start = clock.day_start(end - timedelta(seconds=1)) - timedelta(days=days)
        if start > end:
            raise _bad("from", "must not be after to")
        return start, end
