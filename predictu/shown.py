"""Values as people read them on paper: in English, whatever locale the process runs in.

Nothing here is for machines: the wire formats are in ``clock`` and the JSON encoder.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from predictu import money

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# What no file format can hold: C0 and C1 controls but tab and line ends, lone surrogates, U+FFFE and U+FFFF.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """``text`` with every character that PDF, XML or UTF-8 cannot hold replaced by U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", text)


def amount(value: Decimal | int, places: int = 2) -> str:
    """``-1,234.50``: grouped, half up to ``places``, an ASCII minus (so that it pastes into a spreadsheet)."""
    return f"{money.rounded(Decimal(value), places) + 0:,f}"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 trade``, ``2,000 trades``; ``many`` where an s does not make the plural."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(value: Decimal | int) -> str:
    """``30%``, ``12.5%``: no zeros that say nothing."""
    text = f"{Decimal(value) + 0:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def day(moment: date) -> str:
    """``1 March 2026``; of an instant, its day in UTC."""
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def days(first: date, last: date) -> str:
    """``1 to 28 February 2026``, both days included."""
    if (first.year, first.month) == (last.year, last.month):
        return day(first) if first.day == last.day else f"{first.day} to {day(last)}"
    return f"{day(first)} to {day(last)}"


def instant(moment: datetime) -> str:
    """``2026-03-19 12:00:05``, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
