"""Calendar months as billing counts them: named by their first day, UTC, half-open."""

import re
from datetime import UTC, date, datetime, time, timedelta

_MONTH = re.compile(r"(\d{4})-(\d\d)")


def start(month: date) -> datetime:
    """The first instant of ``month``."""
    return datetime.combine(month.replace(day=1), time(), UTC)


def end(month: date) -> datetime:
    """The first instant after ``month``: when its invoice is issued."""
    return start(following(month))


def following(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def before(moment: date) -> date:
    """The month before the one ``moment`` lies in; an instant is taken in UTC."""
    day = moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def last_day(month: date) -> date:
    return following(month) - timedelta(days=1)


def parse(text: str) -> date:
    """``2026-02``. Raises ValueError."""
    found = _MONTH.fullmatch(text)
    if found is None:
        raise ValueError("a month is written like 2026-02")
    return date(int(found[1]), int(found[2]), 1)
