"""When schedules are due and which period their reports tell of."""

from datetime import UTC, datetime, time, timedelta

import pytest

from reports import times
from reports.times import Rule

EIGHT = time(8)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_documents_example():
    rule = Rule(EIGHT, day_of_week=1)
    assert times.next_due(rule, at("2026-03-19T12:00")) == at("2026-03-24T08:00")


@pytest.mark.parametrize(
    "rule, after, due",
    [
        (Rule(EIGHT), "2026-03-19T07:59", "2026-03-19T08:00"),
        (Rule(EIGHT), "2026-03-19T08:00", "2026-03-20T08:00"),
        (Rule(EIGHT), "2026-12-31T09:00", "2027-01-01T08:00"),
        (Rule(EIGHT, day_of_week=6), "2026-12-28T09:00", "2027-01-03T08:00"),
        (Rule(EIGHT, day_of_week=3), "2026-03-19T08:00", "2026-03-26T08:00"),
        (Rule(EIGHT, day_of_month=31), "2026-01-31T08:00", "2026-02-28T08:00"),
        (Rule(EIGHT, day_of_month=31), "2026-02-28T08:00", "2026-03-31T08:00"),
        (Rule(EIGHT, day_of_month=30), "2028-02-01T00:00", "2028-02-29T08:00"),
        (Rule(EIGHT, day_of_month=15), "2026-12-15T08:00", "2027-01-15T08:00"),
        (Rule(EIGHT, day_of_month=1), "2026-12-31T23:59", "2027-01-01T08:00"),
    ],
)
def test_next(rule, after, due):
    assert times.next_due(rule, at(after)) == at(due)


@pytest.mark.parametrize("rule", [Rule(EIGHT), Rule(EIGHT, day_of_week=6), Rule(EIGHT, day_of_month=31)])
def test_last_and_next_enclose_every_hour_of_two_years(rule):
    moment = at("2027-01-01T00:00")
    while moment < at("2029-01-01T00:00"):
        last, following = times.last_due(rule, moment), times.next_due(rule, moment)
        assert last <= moment < following
        assert times.next_due(rule, last) == following
        moment += timedelta(hours=7)


@pytest.mark.parametrize(
    "rule, due, start, end",
    [
        (Rule(EIGHT), "2026-03-01T08:00", "2026-02-28T00:00", "2026-03-01T00:00"),
        (Rule(EIGHT, day_of_week=1), "2026-03-24T08:00", "2026-03-16T00:00", "2026-03-23T00:00"),
        (Rule(time(0), day_of_week=0), "2026-03-23T00:00", "2026-03-16T00:00", "2026-03-23T00:00"),
        (Rule(EIGHT, day_of_month=31), "2026-03-31T08:00", "2026-02-01T00:00", "2026-03-01T00:00"),
        (Rule(EIGHT, day_of_month=1), "2027-01-01T08:00", "2026-12-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_the_period_just_ended(rule, due, start, end):
    assert times.period(rule, at(due)) == (at(start), at(end))
