"""Values as people read them."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from predictu import shown


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        ("5460", 2, "5,460.00"),
        ("-1234.5", 2, "-1,234.50"),
        ("0.005", 2, "0.01"),
        ("-0.001", 2, "0.00"),
        ("1E+3", 2, "1,000.00"),
        ("9999999999999999.99", 2, "9,999,999,999,999,999.99"),
        ("0.62", 4, "0.6200"),
        ("1234", 0, "1,234"),
    ],
)
def test_amount(value, places, expected):
    assert shown.amount(Decimal(value), places) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("30", "30%"), ("30.0", "30%"), ("12.50", "12.5%"), ("0", "0%"), ("1E+2", "100%"), ("33.333", "33.333%")],
)
def test_percent(value, expected):
    assert shown.percent(Decimal(value)) == expected


def test_days():
    assert shown.days(date(2026, 2, 1), date(2026, 2, 28)) == "1 to 28 February 2026"
    assert shown.days(date(2026, 2, 1), date(2026, 2, 1)) == "1 February 2026"
    assert shown.days(date(2026, 1, 1), date(2026, 2, 28)) == "1 January 2026 to 28 February 2026"
    assert shown.days(date(2025, 12, 1), date(2026, 12, 1)) == "1 December 2025 to 1 December 2026"


def test_instants_are_shown_in_utc():
    moment = datetime(2026, 3, 1, 1, 30, 5, tzinfo=timezone(timedelta(hours=2)))
    assert shown.day(moment) == "28 February 2026"
    assert shown.instant(moment) == "2026-02-28 23:30:05"
    assert shown.day(datetime(2026, 3, 1, tzinfo=UTC)) == "1 March 2026"


def test_clean_replaces_what_no_file_can_hold():
    assert shown.clean("a\x00b\x0bc\x9fd\ud800e\uffff") == "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd"
    assert shown.clean("tab\tline\r\nend é 中 🎰 \u202e") == "tab\tline\r\nend é 中 🎰 \u202e"


@pytest.mark.parametrize(
    ("count", "words", "expected"),
    [
        (0, ("trade",), "0 trades"),
        (1, ("trade",), "1 trade"),
        (2000, ("trade",), "2,000 trades"),
        (2, ("address", "addresses"), "2 addresses"),
    ],
)
def test_counted(count, words, expected):
    assert shown.counted(count, *words) == expected
