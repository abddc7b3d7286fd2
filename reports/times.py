"""When a schedule is due, and which period its report tells of. Pure: no clock, no database. All times are UTC."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from predictu import clock


@dataclass(frozen=True)
class Rule:
    """``day_of_week`` (0 = Monday) makes it weekly, ``day_of_month`` (1–31, clamped to the last day) monthly."""

    time_utc: time
    day_of_week: int | None = None
    day_of_month: int | None = None


def next_due(rule: Rule, after: datetime) -> datetime:
    """The first due time later than ``after``."""
    day = after.astimezone(UTC).date()
    for candidate in _days_from(rule, day):
        due = datetime.combine(candidate, rule.time_utc, UTC)
        if due > after:
            return due
    raise AssertionError("of two due days in a row one is later than any moment of the first")


def last_due(rule: Rule, at: datetime) -> datetime:
    """The latest due time at ``at`` or before."""
    # No two due times lie further apart than 31 days, so from 62 days back at least one is passed on the way.
    due = next_due(rule, at - timedelta(days=62))
    while (following := next_due(rule, due)) <= at:
        due = following
    return due


def period(rule: Rule, due: datetime) -> tuple[datetime, datetime]:
    """The calendar day, ISO week or month that had just ended at ``due``, half-open."""
    if rule.day_of_week is not None:
        end = clock.week_start(due)
        return end - timedelta(days=7), end
    if rule.day_of_month is not None:
        end = clock.month_start(due)
        return clock.month_start(end - clock.DAY), end
    end = clock.day_start(due)
    return end - clock.DAY, end


def _days_from(rule: Rule, day: date) -> tuple[date, date]:
    """The first due day on ``day`` or later, and the one after it."""
    if rule.day_of_week is not None:
        first = day + timedelta(days=(rule.day_of_week - day.weekday()) % 7)
        return first, first + timedelta(days=7)
    if rule.day_of_month is not None:
        first = _in_month(day.year, day.month, rule.day_of_month)
        if first < day:
            first = _month_after(first, rule.day_of_month)
        return first, _month_after(first, rule.day_of_month)
    return day, day + timedelta(days=1)


def _month_after(day: date, day_of_month: int) -> date:
    following = day.replace(day=28) + timedelta(days=4)
    return _in_month(following.year, following.month, day_of_month)


def _in_month(year: int, month: int, day_of_month: int) -> date:
    return date(year, month, min(day_of_month, calendar.monthrange(year, month)[1]))
