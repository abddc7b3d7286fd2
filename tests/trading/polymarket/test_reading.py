from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from trading.polymarket import reading


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-23T18:30:00Z", at(2026, 1, 23, 18, 30)),
        ("2026-01-23T18:30:00.123Z", at(2026, 1, 23, 18, 30, 0, 123000)),
        ("2026-01-23T18:30:00.12345Z", at(2026, 1, 23, 18, 30, 0, 123450)),
        ("2026-01-23T18:30:00.123456789Z", at(2026, 1, 23, 18, 30, 0, 123456)),
        ("2026-01-23 20:56:36+00", at(2026, 1, 23, 20, 56, 36)),
        ("2026-01-23 20:56:36.5+00", at(2026, 1, 23, 20, 56, 36, 500000)),
        ("2026-01-23 20:56:36+0530", at(2026, 1, 23, 15, 26, 36)),
        ("2026-01-23 20:56:36-07:00", at(2026, 1, 24, 3, 56, 36)),
        ("2026-01-23T18:30", at(2026, 1, 23, 18, 30)),
        ("2026-01-23", at(2026, 1, 23)),
        ("  2026-01-23T18:30:00Z ", at(2026, 1, 23, 18, 30)),
        ("9998-12-31T23:59:59Z", at(9998, 12, 31, 23, 59, 59)),
    ],
)
def test_instants_come_in_many_forms(written, moment):
    assert reading.instant(written) == moment


@pytest.mark.parametrize(
    "unreadable",
    [
        "",
        None,
        0,
        True,
        "November 12, 2024",
        "2026-02-30",
        "2026-01-23T25:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-12:00",
        "2026-01-23T18:30:00Zjunk",
        "٢٠٢٦-01-23",
    ],
)
def test_an_unreadable_instant_is_unknown(unreadable):
    assert reading.instant(unreadable) is None


def test_a_day_is_that_of_the_instant_in_utc():
    assert reading.day("2026-06-30") == date(2026, 6, 30)
    assert reading.day("2026-06-30T23:30:00-01:00") == date(2026, 7, 1)
    assert reading.day("soon") is None


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (0, Decimal(0)),
        (1, Decimal(1)),
        (0.16, Decimal("0.16")),
        (Decimal("0.16"), Decimal("0.16")),
        ("0.16", Decimal("0.16")),
        (" 181494.239632 ", Decimal("181494.239632")),
        ("1e-7", Decimal("1E-7")),
        ("0." + "0" * 43 + "1", Decimal("1E-44")),
        ("99999999999999", Decimal("99999999999999")),
    ],
)
def test_numbers_come_as_int_float_decimal_and_text(given, read):
    assert reading.number(given) == read


@pytest.mark.parametrize(
    "given",
    [
        None,
        True,
        False,
        "",
        "NaN",
        "Infinity",
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        "1_000",
        "1,000",
        "١",
        [],
        {},
    ]
    + ["100000000000000", "1e14", "1e9999", Decimal("1E+999999"), 10**40, "9" * 5000, "0x10"],
)
def test_what_is_no_number_or_too_large_to_store_is_unknown(given):
    assert reading.number(given) is None


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("517310", "517310"),
        (517310, "517310"),
        (Decimal("517310"), "517310"),
        (Decimal("5E+2"), "500"),
        (" 0xab ", "0xab"),
        ("ab\x00c", "abc"),
        (10**77, "1" + "0" * 77),
        ("", None),
        (None, None),
        (True, None),
        (Decimal("1.5"), None),
        (Decimal("NaN"), None),
        (Decimal("1E+5000"), None),
        ("9" * 81, None),
        ([], None),
    ],
)
def test_identifiers_become_text_and_are_never_shortened(given, read):
    assert reading.identifier(given) == read


def test_text_is_cleaned_of_what_the_database_refuses():
    assert reading.text("a\x00b\ud800c\x1bd\ne\tf", 100) == "abcd\ne\tf"
    assert reading.text("  Münster – 鳥 🐦  ", 100) == "Münster – 鳥 🐦"
    assert reading.text("abc def", 4) == "abc"
    assert reading.text(5, 10) == reading.text(None, 10) == ""


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ('["Yes", "No"]', ["Yes", "No"]),
        (["Yes", "No"], ["Yes", "No"]),
        ("[]", []),
        ("null", []),
        ("", []),
        (None, []),
        ("not json", None),
        ('{"a": 1}', None),
        ('"Yes"', None),
        ({}, None),
        (5, None),
        ("[" * 100_000, None),
    ],
)
def test_lists_hide_in_strings(given, read):
    assert reading.strings(given) == read


def test_documents_are_decoded_without_floats_and_without_fatal_rows():
    body = (
        b'\xef\xbb\xbf{"a": 0.1, "b": 1, "c": NaN, "d": 1e5, "e": '
        + b"9" * 5000
        + b', "f": "\xff", "g": 1e99999999999999999999}'
    )
    decoded = reading.decode(body)
    assert decoded["a"] == Decimal("0.1") and isinstance(decoded["a"], Decimal)
    assert decoded["b"] == 1 and decoded["c"] is None and decoded["d"] == Decimal("1E5")
    assert decoded["e"] is None and decoded["f"] == "\ufffd" and decoded["g"] is None


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b'{"a": 1', b"[" * 100_000])
def test_what_is_no_json_is_a_value_error(body):
    with pytest.raises(ValueError):
        reading.decode(body)


def test_one_spelling_for_a_tag():
    spellings = {reading.slug(words) for words in ("Supá Bowl", "supa_bowl", "SUPA-BOWL", " supa  bowl ")}
    assert spellings == {"supa-bowl"}
    assert reading.slug("Pop-Culture ") == "pop-culture"
    assert reading.slug("M&A") == "m-a"
    assert reading.slug("鳥") == ""
