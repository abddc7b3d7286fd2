"""Values of each kind, and what a spreadsheet might run."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from reports.formats import tables
from reports.formats.tables import Kind
from tests.reports.formats.samples import FORMULAS, PLAIN


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.INTEGER, 8420, "8420"),
        (Kind.MONEY, Decimal("-1234.565"), "-1234.57"),
        (Kind.MONEY, Decimal("-0.001"), "0.00"),
        (Kind.MONEY, 5, "5.00"),
        (Kind.PRICE, Decimal("0.62"), "0.6200"),
        (Kind.QUANTITY, Decimal("1E+3"), "1000.0000"),
        (Kind.PERCENT, Decimal("30"), "30.0"),
        (Kind.PERCENT, 33.349, "33.3"),
        (Kind.RATIO, 0.1, "0.1000"),
    ],
)
def test_numbers_are_rounded_to_their_kind(kind, value, expected):
    assert f"{tables.number(kind, value):f}" == expected


@pytest.mark.parametrize("value", [True, "5", 0.1, None])
def test_money_is_a_decimal_or_an_integer(value):
    with pytest.raises(TypeError):
        tables.number(Kind.MONEY, value)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan"), float("-inf")])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError, match="cannot hold"):
        tables.number(Kind.RATIO, value)


def test_instants_and_days_are_utc():
    moment = datetime(2026, 3, 1, 1, 30, 5, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert tables.instant(moment) == datetime(2026, 2, 28, 23, 30, 5, tzinfo=UTC)
    assert tables.day(moment) == date(2026, 2, 28)
    assert tables.day(date(2026, 3, 1)) == date(2026, 3, 1)
    for wrong in (moment.replace(tzinfo=None), date(2026, 3, 1), "2026-03-01"):
        with pytest.raises(TypeError):
            tables.instant(wrong)


@pytest.mark.parametrize("value", FORMULAS)
def test_formulas_are_made_harmless(value):
    assert tables.runs(value)
    assert tables.harmless(value).startswith("'")
    assert not tables.runs(tables.harmless(value))
    assert tables.harmless(value).replace("'", "") == value.replace("'", "")


@pytest.mark.parametrize("value", PLAIN)
def test_other_texts_are_left_alone(value):
    assert not tables.runs(value)
    assert tables.harmless(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x;=1+1", "x;'=1+1"),
        ("x; =1+1;@a", "x;' =1+1;'@a"),
        ("line\n-item", "line\n'-item"),
        ("line\r\n=1", "line\r'\n'=1"),
        ("tab\t+1", "tab\t'+1"),
        ("=a;=b", "'=a;'=b"),
    ],
)
def test_a_formula_after_a_cut_is_made_harmless(value, expected):
    assert tables.harmless(value) == expected
