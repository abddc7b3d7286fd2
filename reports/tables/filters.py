"""Filters of reports and exports as a body gives them: read strictly, an unknown key is refused by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from operators.models import Operator
from predictu import clock, ids
from predictu.errors import ValidationFailed

# Raises ValueError with what is wrong.
Parser = Callable[[Any], Any]


@dataclass(frozen=True)
class Wanted:
    """What a report is to hold: [start, end) and the values of its other filters. ``operator`` is the operator's."""

    start: datetime
    end: datetime
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    @property
    def operator(self) -> Operator | None:
        return self.values.get("operator")

    def conditions(self, **fields: str) -> dict[str, Any]:
        """The lookups of those filters that were given: ``conditions(market_id="market_id")``."""
        return {lookup: self.values[name] for name, lookup in fields.items() if name in self.values}


def choice(*names: str) -> Parser:
    def parse(value: Any) -> str:
        if value not in names or not isinstance(value, str):
            raise ValueError(f"must be one of {', '.join(names)}")
        return value

    return parse


def type_id(prefix: str) -> Parser:
    def parse(value: Any) -> str:
        try:
            ids.decode(prefix, value if isinstance(value, str) else "")
        except ValueError:
            raise ValueError(f"must be a {prefix}_ id") from None
        return value

    return parse


def amount(value: Any) -> Decimal:
    """Dollars, not negative."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise ValueError("must be a number")
    number = Decimal(str(value))
    if not 0 <= number <= 10**12:
        raise ValueError("must be a number from 0 to 1,000,000,000,000")
    return number


def operator(value: Any) -> Operator:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("must be an operator's slug")
    found = Operator.objects.filter(slug=value[:65]).first()
    if found is None:
        raise ValueError("is not a known operator slug")
    return found


def parse(
    filters: Mapping[str, Any],
    parsers: Mapping[str, Parser],
    *,
    now: datetime,
    period: tuple[datetime, datetime] | None = None,
    prefix: str = "filters.",
) -> Wanted:
    """``filters`` as a table with ``parsers`` understands them; null is no filter.

    Unless it is given as ``period``, the period defaults as everywhere: to the end of today, from 00:00 thirty days
    earlier. Raises ValidationFailed.
    """
    problems: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for name, value in filters.items():
        parser = _PERIOD.get(name) or parsers.get(name)
        if parser is None:
            known = ", ".join(["from", "to", *parsers])
            problems[f"{prefix}{name}"] = [f"unknown filter; known are {known}"]
        elif value is not None:
            try:
                values[name] = parser(value)
            except ValueError as error:
                problems[f"{prefix}{name}"] = [str(error)]
    if problems:
        raise ValidationFailed(details=problems)
    if period is not None:
        values |= dict(zip(("from", "to"), period, strict=True))
    end = values.pop("to", None) or clock.day_start(now) + clock.DAY
    start = values.pop("from", None) or clock.day_start(end - timedelta(seconds=1)) - timedelta(days=30)
    if start >= end:
        raise ValidationFailed(details={f"{prefix}from": ["must not be after to"]})
    low, high = values.get("min_amount"), values.get("max_amount")
    if low is not None and high is not None and low > high:
        raise ValidationFailed(details={f"{prefix}min_amount": ["must not be more than max_amount"]})
    return Wanted(start, end, values)


def stored(wanted: Wanted) -> dict[str, Any]:
    """``wanted`` as JSON that ``parse`` reads back to the same, whatever day it is by then."""
    plain = {
        name: value.slug if isinstance(value, Operator) else str(value) if isinstance(value, Decimal) else value
        for name, value in wanted.values.items()
    }
    return {"from": wanted.start.isoformat(), "to": wanted.end.isoformat(), **plain}


def reread(filters: Mapping[str, Any], parsers: Mapping[str, Parser], *, now: datetime) -> Wanted:
    """What ``stored`` has written; its ends are exact instants, its amounts texts."""
    rest = {name: value for name, value in raw(filters).items() if name not in _PERIOD}
    start, end = bounds(filters)
    return Wanted(start, end, parse(rest, parsers, now=now).values)


def raw(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Stored filters with the numbers that JSON would have rounded as texts."""
    return {
        name: Decimal(value) if name in _AMOUNTS and isinstance(value, str) else value
        for name, value in filters.items()
    }


def bounds(filters: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """The period of stored filters, half-open."""
    return datetime.fromisoformat(filters["from"]), datetime.fromisoformat(filters["to"])


def shown(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Stored filters as an answer shows them."""
    start, end = bounds(filters)
    rest = {name: value for name, value in raw(filters).items() if name not in _PERIOD}
    return {"from": clock.seconds(start), "to": clock.shown_to(end), **rest}


def _instant(read: Callable[[str], datetime]) -> Parser:
    def parse(value: Any) -> datetime:
        try:
            return read(value if isinstance(value, str) else "")
        except ValueError:
            raise ValueError("must be an ISO 8601 date or instant") from None

    return parse


_AMOUNTS = ("min_amount", "max_amount")
_PERIOD: dict[str, Parser] = {"from": _instant(clock.parse_from), "to": _instant(clock.parse_to)}
