from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictu import money


@pytest.mark.parametrize(
    ("amount", "half_up", "up", "down"),
    [
        ("0.004", "0.00", "0.01", "0.00"),
        ("0.005", "0.01", "0.01", "0.00"),
        ("0.015", "0.02", "0.02", "0.01"),
        ("0.025", "0.03", "0.03", "0.02"),
        ("0.0000000001", "0.00", "0.01", "0.00"),
        ("1.00", "1.00", "1.00", "1.00"),
        ("-0.004", "0.00", "0.00", "-0.01"),
        ("-0.005", "-0.01", "0.00", "-0.01"),
        ("-0.015", "-0.02", "-0.01", "-0.02"),
    ],
)
def test_amounts_round_to_the_cent(amount, half_up, up, down):
    assert money.half_up(D(amount)) == D(half_up)
    assert money.up(D(amount)) == D(up)
    assert money.down(D(amount)) == D(down)


def test_an_amount_has_two_places_even_when_it_is_whole():
    assert [str(rounding(D(3))) for rounding in (money.half_up, money.up, money.down)] == ["3.00"] * 3


def test_prices_and_quantities_round_to_four_places():
    assert money.price_up(D("0.62001")) == D("0.6201")
    assert money.price_down(D("0.62009")) == D("0.6200")
    assert money.price_up(D("0.62")) == money.price_down(D("0.62")) == D("0.62")
    assert money.quantity_down(D("49.50498")) == D("49.5049")


@pytest.mark.parametrize(
    ("amount", "bps", "expected"),
    [
        ("31.00", "150", "0.47"),
        ("1.00", "50", "0.01"),
        ("0.99", "50", "0.00"),
        ("100", "0", "0.00"),
        ("8", "12.5", "0.01"),
    ],
)
def test_basis_points_round_half_up(amount, bps, expected):
    assert money.basis_points(D(amount), D(bps)) == D(expected)


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [("1.7843", 2, "1.78"), ("56.85", 1, "56.9"), ("0.54345", 4, "0.5435"), ("2.5", 0, "3"), ("-0.25", 1, "-0.3")],
)
def test_other_values_round_half_up_to_their_places(value, places, expected):
    assert str(money.rounded(D(value), places)) == expected


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [("284000", "500000", "56.8"), ("1", "3", "33.3"), ("1", "0", "0"), ("0", "7", "0.0"), ("3", "2", "150.0")],
)
def test_percentages_have_one_place(part, whole, expected):
    assert money.percent(D(part), D(whole)) == D(expected)


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        ("1.00", ["1", "1", "1"], ["0.33", "0.33", "0.34"]),
        ("0.01", ["1", "1"], ["0.00", "0.01"]),
        ("14200.00", ["30", "70"], ["4260.00", "9940.00"]),
        ("5.00", ["2"], ["5.00"]),
        ("5.00", ["0", "0"], ["0", "5.00"]),
        ("0.00", ["1", "2"], ["0.00", "0.00"]),
    ],
)
def test_of_a_split_the_last_part_is_the_remainder(total, weights, expected):
    assert money.split(D(total), [D(weight) for weight in weights]) == [D(part) for part in expected]


@given(
    cents=st.integers(0, 10**9),
    weights=st.lists(st.integers(0, 10**6).map(D), min_size=1, max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_a_split_loses_nothing_and_no_part_is_negative(cents, weights):
    total = D(cents) / 100
    parts = money.split(total, weights)
    assert len(parts) == len(weights)
    assert sum(parts) == total
    assert all(part >= 0 and part == money.down(part) for part in parts)


@pytest.mark.parametrize(
    ("total", "weights", "places", "parts"),
    [
        ("1", [1, 1, 1], 2, ["0.34", "0.33", "0.33"]),
        ("1", [1, 2, 3], 2, ["0.17", "0.33", "0.50"]),
        ("100", [1, 1, 1, 3], 1, ["16.7", "16.7", "16.6", "50.0"]),
        ("1", [0, 7], 2, ["0.00", "1.00"]),
        ("1", [0, 0], 2, ["0.00", "0.00"]),
        ("1", [], 2, []),
        ("1", [1, 7, 7, 0], 2, ["0.07", "0.47", "0.46", "0"]),  # equal remainders, whatever division makes of them
    ],
)
def test_shares_are_apportioned_by_largest_remainder(total, weights, places, parts):
    assert money.apportion(D(total), [D(weight) for weight in weights], places) == [D(part) for part in parts]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any), st.integers(0, 4))
def test_apportioned_shares_add_up_and_are_less_than_a_step_from_exact(weights, places):
    parts = money.apportion(D(1), [D(weight) for weight in weights], places)
    assert sum(parts) == 1
    step = D(1).scaleb(-places)
    assert all(abs(part - D(weight) / sum(weights)) < step for part, weight in zip(parts, weights, strict=True))
