from datetime import UTC, datetime, timedelta, timezone

import pytest

from predictu import clock

NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)
PLUS_TWO = timezone(timedelta(hours=2))


def test_now_is_utc():
    assert clock.now().utcoffset() == timedelta(0)


def test_god_mode_shows_seconds():
    assert clock.seconds(NOON) == "2026-03-19T12:00:00Z"
    assert clock.seconds(NOON.replace(microsecond=999_999)) == "2026-03-19T12:00:00Z"
    assert clock.seconds(NOON.astimezone(PLUS_TWO)) == "2026-03-19T12:00:00Z"
    assert clock.seconds(None) is None


def test_s2s_shows_milliseconds():
    assert clock.milliseconds(NOON) == "2026-03-19T12:00:00.000Z"
    assert clock.milliseconds(NOON.replace(microsecond=7_999)) == "2026-03-19T12:00:00.007Z"
    assert clock.milliseconds(NOON.astimezone(PLUS_TWO)) == "2026-03-19T12:00:00.000Z"
    assert clock.milliseconds(None) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-19", datetime(2026, 3, 19, tzinfo=UTC)),
        ("2026-03-19T12:00", NOON),
        ("2026-03-19T12:00:00", NOON),
        ("2026-03-19 12:00:00", NOON),
        ("2026-03-19T12:00:00Z", NOON),
        ("2026-03-19T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-03-19T12:00:00.000001Z", NOON + timedelta(microseconds=1)),
        ("2026-03-19T14:00:00+02:00", NOON),
        ("2026-03-19T14:00:00+0200", NOON),
        ("2026-03-18T20:30:00-15:30", NOON),
        ("1900-01-01", datetime(1900, 1, 1, tzinfo=UTC)),
        ("9998-12-31T23:59:59Z", datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_instants_and_dates_are_read_as_utc(text, expected):
    parsed = clock.parse(text)
    assert parsed == expected
    assert parsed.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026",
        "2026-03",
        "20260319",
        "2026-W12-4",
        "2026-3-19",
        "19-03-2026",
        "2026-02-30",
        "2026-03-19T",
        "2026-03-19T12",
        "2026-03-19T24:00:00Z",
        "2026-03-19T12:60:00Z",
        "2026-03-19T12:00:60Z",
        "2026-03-19T12:00:00 01:00",
        "2026-03-19T12:00:00+24:00",
        "2026-03-19T12:00:00+99:99",
        "2026-03-19T12:00:00.1234567Z",
        "2026-03-19T12:00:00Z\n",
        " 2026-03-19",
        "٢٠٢٦-03-19",
        "1773921600",
        "0000-01-01",
        "1899-12-31",
        "9999-01-01",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        clock.parse(text)


def test_from_is_the_instant_itself():
    assert clock.parse_from("2026-03-19") == datetime(2026, 3, 19, tzinfo=UTC)
    assert clock.parse_from("2026-03-19T23:59:59Z") == datetime(2026, 3, 19, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-19", datetime(2026, 3, 20, tzinfo=UTC)),
        ("2026-02-28", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-12-31", datetime(2027, 1, 1, tzinfo=UTC)),
        ("9998-12-31", datetime(9999, 1, 1, tzinfo=UTC)),
        ("2026-03-19T23:59:59Z", datetime(2026, 3, 20, tzinfo=UTC)),
        ("2026-03-19T23:59:59", datetime(2026, 3, 20, tzinfo=UTC)),
        ("2026-03-19 23:59:59", datetime(2026, 3, 20, tzinfo=UTC)),
        ("2026-03-19T23:59:59.999Z", datetime(2026, 3, 20, tzinfo=UTC)),
        ("2026-03-19T23:59:59.000Z", datetime(2026, 3, 20, tzinfo=UTC)),
        ("2026-03-19T23:59:59+02:00", datetime(2026, 3, 19, 22, tzinfo=UTC)),
        ("2026-03-20T01:59:59+02:00", datetime(2026, 3, 19, 23, 59, 59, tzinfo=UTC)),
        ("2026-03-19T23:59:58Z", datetime(2026, 3, 19, 23, 59, 58, tzinfo=UTC)),
        ("2026-03-19T23:59Z", datetime(2026, 3, 19, 23, 59, tzinfo=UTC)),
        ("2026-03-19T00:00:00Z", datetime(2026, 3, 19, tzinfo=UTC)),
        ("2026-03-19T12:00:00Z", NOON),
    ],
)
def test_to_is_exclusive_and_means_the_end_of_a_day_written_alone_or_as_its_last_second(text, expected):
    parsed = clock.parse_to(text)
    assert parsed == expected
    assert parsed.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("end", "shown"),
    [
        (datetime(2026, 3, 20, tzinfo=UTC), "2026-03-19T23:59:59Z"),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-02-28T23:59:59Z"),
        (datetime(2026, 3, 20, 2, tzinfo=PLUS_TWO), "2026-03-19T23:59:59Z"),
        (NOON, "2026-03-19T12:00:00Z"),
        (datetime(2026, 3, 20, 0, 0, 0, 1, tzinfo=UTC), "2026-03-20T00:00:00Z"),
    ],
)
def test_an_end_is_shown_inclusive(end, shown):
    assert clock.shown_to(end) == shown


def test_what_is_shown_reads_back_as_the_same_end():
    for end in (datetime(2026, 3, 20, tzinfo=UTC), NOON):
        assert clock.parse_to(clock.shown_to(end)) == end


def test_days_and_hours_start_in_utc():
    late = datetime(2026, 3, 20, 1, 45, 12, 7, tzinfo=PLUS_TWO)
    assert clock.day_start(late) == datetime(2026, 3, 19, tzinfo=UTC)
    assert clock.hour_start(late) == datetime(2026, 3, 19, 23, tzinfo=UTC)


@pytest.mark.parametrize("day", range(16, 23))
def test_weeks_start_on_monday(day):
    assert clock.week_start(datetime(2026, 3, day, 23, 59, tzinfo=UTC)) == datetime(2026, 3, 16, tzinfo=UTC)


def test_a_week_may_start_in_the_year_before():
    assert clock.week_start(datetime(2027, 1, 1, tzinfo=UTC)) == datetime(2026, 12, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "start", "following"),
    [
        (NOON, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
        (datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_months(moment, start, following):
    assert clock.month_start(moment) == start
    assert clock.next_month(moment) == following
