"""What a report's table consists of, whatever file it ends in: typed columns, rows of plain values, a heading.

Pure: values in, values out.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from predictu import money, shown

Row = Sequence[Any]
Rows = Iterable[Row]


class Kind(StrEnum):
    """What a column's values are. Percentages are 0 to 100, ratios 0 to 1; an id is a text that may be broken."""

    TEXT = "text"
    ID = "id"
    INTEGER = "integer"
    MONEY = "money"
    PRICE = "price"
    QUANTITY = "quantity"
    PERCENT = "percent"
    RATIO = "ratio"
    INSTANT = "instant"
    DATE = "date"
    BOOLEAN = "boolean"


# Decimal places, as the API shows them.
PLACES = {
    Kind.INTEGER: 0,
    Kind.MONEY: 2,
    Kind.PRICE: 4,
    Kind.QUANTITY: 4,
    Kind.PERCENT: 1,
    Kind.RATIO: 4,
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """``name`` is the field's, for machines; ``title`` is for people."""

    name: str
    title: str
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What a report says of itself: ``filters`` as pairs of label and value, in the order to show."""

    title: str
    generated_at: datetime
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Written:
    """How many rows went into a file and how large that is, in bytes."""

    rows: int
    size: int


def number(kind: Kind, value: Any) -> Decimal:
    """``value`` half up to the places of ``kind``, never minus zero.

    Raises TypeError for what is no number (a boolean is none, and money is never a float), ValueError for NaN and
    infinity.
    """
    if isinstance(value, float) and kind in (Kind.PERCENT, Kind.RATIO):
        value = Decimal(repr(value))
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"a {kind} column cannot hold {type(value).__name__}")
    value = Decimal(value)
    if not value.is_finite():
        raise ValueError(f"a {kind} column cannot hold {value}")
    return money.rounded(value, PLACES[kind]) + 0


def instant(value: datetime) -> datetime:
    """An aware instant in UTC, to the second. Raises TypeError for a naive one."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError("an instant column holds aware instants")
    return value.astimezone(UTC).replace(microsecond=0)


def day(value: date) -> date:
    """A calendar day; of an aware instant, its day in UTC."""
    return instant(value).date() if isinstance(value, datetime) else value


def text(value: Any) -> str:
    """``value`` as text that every file format can hold."""
    return shown.clean(str(value))


# A spreadsheet takes a cell for a formula by its first character, some after dropping white space, some also in the
# full-width forms; where the list separator is a semicolon, a comma-separated line is cut at semicolons and line ends.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf"\A(?=\s*[{_SIGNS}]|[\t\r\n])")
_CUT_FORMULA = re.compile(rf"(?<=[;\t\r\n])(?=\s*[{_SIGNS}])")


def runs(value: str) -> bool:
    """Whether a spreadsheet might take the cell text ``value`` for a formula."""
    return _FORMULA.match(value) is not None


def harmless(value: str) -> str:
    """``value`` for a csv: an apostrophe before everything a spreadsheet might run, itself shown as text."""
    return _CUT_FORMULA.sub("'", _FORMULA.sub("'", value, count=1))
