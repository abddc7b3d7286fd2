"""UTC instants as the two documents write them, and the calendar they are filed under.

There is no clock object: a service reads ``now()`` once and passes it on.
"""

import re
from datetime import UTC, date, datetime, time, timedelta

DAY = timedelta(days=1)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def now() -> datetime:
    """The current instant, aware, UTC."""
    return datetime.now(UTC)


def seconds(moment: datetime | None) -> str | None:
    """God Mode's form: ``2026-03-19T12:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def milliseconds(moment: datetime | None) -> str | None:
    """The S2S form: ``2026-03-19T12:00:00.000Z``."""
    if moment is None:
        return None
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def parse(text: str) -> datetime:
    """An ISO 8601 instant or bare date as an aware UTC instant; without an offset it is UTC.

    Raises ValueError for anything else, years outside 1900–9998 included.
    """
    if _DATE.fullmatch(text):
        moment = datetime.combine(date.fromisoformat(text), time(), UTC)
    elif _INSTANT.fullmatch(text):
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    else:
        raise ValueError("not an ISO 8601 date or instant")
    if not 1900 <= moment.year <= 9998:
        raise ValueError("year out of range")
    return moment.astimezone(UTC)


def parse_from(text: str) -> datetime:
    """The inclusive start a ``from`` parameter names."""
    return parse(text)


def parse_to(text: str) -> datetime:
    """The exclusive end a ``to`` parameter names.

    A bare date, or an instant written 23:59:59, means the end of that day as written: 23:59:59+02:00 ends at 22:00 UTC.
    """
    moment = parse(text)
    if _DATE.fullmatch(text):
        return moment + DAY
    if text[11:19] == "23:59:59":
        return moment.replace(microsecond=0) + timedelta(seconds=1)
    return moment


def shown_to(end: datetime) -> str:
    """An exclusive end as the documents show it: midnight becomes 23:59:59 of the day before."""
    end = end.astimezone(UTC)
    if end == day_start(end):
        end -= timedelta(seconds=1)
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def day_start(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def hour_start(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def week_start(moment: datetime) -> datetime:
    """Monday 00:00 of the ISO week."""
    start = day_start(moment)
    return start - timedelta(days=start.weekday())


def month_start(moment: datetime) -> datetime:
    return day_start(moment).replace(day=1)


def whole_days(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The whole UTC days inside [start, end) as [first, last); where there are none, both are ``end``."""
    first, last = day_start(start), day_start(end)
    if first < start:
        first += DAY
    return (first, last) if first < last else (end, end)


def next_month(moment: datetime) -> datetime:
    """The first instant of the following month."""
    return (month_start(moment) + timedelta(days=32)).replace(day=1)
