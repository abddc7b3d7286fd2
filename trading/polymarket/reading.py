"""Tolerant readers for single values of a source that types loosely: every one answers None for what it cannot read.

Gamma writes lists as strings holding JSON, the same number as int, float or text, and instants in several forms.
"""

import json
import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?(\d{1,100}(\.\d{0,200})?|\.\d{1,200})([eE][+-]?\d{1,4})?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?\s?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
LARGEST_EXPONENT = 13
"""Amounts of 10^14 and more are taken as unreadable: money columns hold 16 digits before the point."""


def decode(body: bytes) -> Any:
    """A JSON document with Decimals for numbers with a point; NaN and infinities become None.

    Broken UTF-8 is replaced, not fatal. Raises ValueError for what is not JSON.
    """
    text = body.decode("utf-8-sig", errors="replace")
    try:
        return json.loads(text, parse_float=_decimal_token, parse_int=_integer_token, parse_constant=lambda _: None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _decimal_token(token: str) -> Decimal | None:
    try:
        return Decimal(token)
    except InvalidOperation:
        return None


def _integer_token(token: str) -> int | None:
    """Python refuses to convert integers of thousands of digits; one such number must not cost a whole page."""
    return int(token) if len(token) <= 100 else None


def text(value: Any, limit: int) -> str:
    """Cleaned text of at most ``limit`` characters; "" for anything that is no text.

    NUL, other control characters and lone surrogates go: PostgreSQL cannot store them.
    """
    if not isinstance(value, str):
        return ""
    return _UNSTORABLE.sub("", value).strip()[:limit].rstrip()


def identifier(value: Any, limit: int = 80) -> str | None:
    """An id as text, whether it came as text or as a number; never shortened: too long is None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value) if value.adjusted() < limit else None
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        return None
    cleaned = _UNSTORABLE.sub("", value).strip()
    return cleaned if 0 < len(cleaned) <= limit else None


def number(value: Any) -> Decimal | None:
    """A finite Decimal below 10^14 from int, Decimal, float or text."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, Decimal):
        read = value
    elif isinstance(value, int | float):
        read = Decimal(str(value))
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        read = Decimal(value.strip())
    else:
        return None
    if not read.is_finite() or (read and read.adjusted() > LARGEST_EXPONENT):
        return None
    return read


def flag(value: Any) -> bool:
    """True only for what plainly says so; absent, null and unreadable count as false."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def strings(value: Any) -> list[Any] | None:
    """A list that may come as a string holding JSON; absent and null are the empty list, anything else None."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        try:
            value = decode(value.encode("utf-8", errors="surrogatepass"))
        except ValueError:
            return None
        if value is None:
            return []
    return value if isinstance(value, list) else None


def instant(value: Any) -> datetime | None:
    """An aware UTC instant from the ISO forms the source mixes, ``2026-01-23 20:56:36+00`` and bare dates included.

    Without an offset it is UTC; years outside 1970–9998 (placeholders such as 0001) are None.
    """
    if not isinstance(value, str):
        return None
    cleaned = value.strip()
    if _DAY.fullmatch(cleaned):
        cleaned += "T00:00"
    found = _INSTANT.fullmatch(cleaned)
    if not found:
        return None
    day, time, fraction, offset = found.groups()
    fraction = f".{fraction[:6]:0<6}" if fraction and time.count(":") == 2 else ""
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{fraction}{'+00:00' if offset in (None, 'Z') else offset}")
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1970 <= moment.year <= 9998 else None


def day(value: Any) -> date | None:
    """The calendar day of a date or instant, in UTC."""
    moment = instant(value)
    return moment.date() if moment else None


def slug(words: str) -> str:
    """Lower-case ASCII words joined by hyphens: one spelling for ``Supá Bowl``, ``supa_bowl`` and ``supa-bowl``."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-")
