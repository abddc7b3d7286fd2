from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.positions import (
    Holding,
    avg_price,
    bought,
    buy_cancelled,
    buy_pnls,
    market_value,
    payout,
    sell_cancelled,
    settlement_pnl,
    sold,
    unrealized,
    void_part,
)

DOCUMENTED = bought(Holding(), D(50), D("31.00"))


def test_buys_add_up():
    holding = bought(DOCUMENTED, D("10.5"), D("7.35"))
    assert holding == Holding(D("60.5"), D("38.35"), D("60.5"), D(0))


def test_the_documents_position():
    assert avg_price(DOCUMENTED) == D("0.62")
    assert market_value(DOCUMENTED, D("0.68")) == D("34.00")
    assert unrealized(DOCUMENTED, D("0.68")) == D("3.00")


def test_value_is_exact_so_that_sums_round_once():
    holding = bought(Holding(), D("0.0001"), D("0.01"))
    assert market_value(holding, D("0.5")) == D("0.00005")
    assert unrealized(holding, D("0.5")) == D("-0.00995")


def test_average_price_rounds_half_up_and_ends_with_the_holding():
    assert avg_price(Holding(D(16), D("1.00"))) == D("0.0625")
    assert avg_price(Holding(D(32), D("1.00"))) == D("0.0313")
    assert avg_price(Holding(D("0.0001"), D("0.01"))) == D(100)
    assert avg_price(Holding()) is None


def test_a_partial_sell_takes_its_share_of_the_basis():
    holding, pnl = sold(DOCUMENTED, D(20), D("13.60"))
    assert pnl == D("1.20")
    assert holding == Holding(D(30), D("18.60"), D(50), D("1.20"))


def test_the_basis_taken_rounds_half_up_and_the_last_sell_takes_the_rest():
    holding = bought(Holding(), D(2), D("0.99"))
    holding, first = sold(holding, D(1), D("0.40"))
    assert (first, holding.cost_basis_usd) == (D("-0.10"), D("0.49"))
    holding, last = sold(holding, D(1), D("0.40"))
    assert last == D("-0.09")
    assert holding == Holding(D(0), D(0), D(2), D("-0.19"))


def test_a_sell_for_nothing_loses_its_basis():
    holding, pnl = sold(bought(Holding(), D("0.0001"), D("0.01")), D("0.0001"), D(0))
    assert pnl == D("-0.01")
    assert (holding.quantity, holding.cost_basis_usd) == (D(0), D(0))


@pytest.mark.parametrize("quantity", [D("50.0001"), D(0), D(-1)])
def test_no_more_can_be_sold_than_is_held(quantity):
    with pytest.raises(ValueError, match="more than is held"):
        sold(DOCUMENTED, quantity, D(1))


def test_a_closed_position_can_be_opened_again():
    closed, _ = sold(DOCUMENTED, D(50), D("30.00"))
    assert bought(closed, D(10), D("6.00")) == Holding(D(10), D("6.00"), D(60), D("-1.00"))


def test_a_cancelled_buy_leaves_no_trace():
    more = bought(DOCUMENTED, D(7), D("4.21"))
    assert buy_cancelled(more, D(7), D("4.21")) == DOCUMENTED


def test_a_cancelled_sell_leaves_no_trace_even_after_another_buy():
    after, pnl = sold(DOCUMENTED, D("33.3333"), D("21.00"))
    more = bought(after, D(7), D("4.21"))
    assert sell_cancelled(more, D("33.3333"), D("21.00"), pnl) == bought(DOCUMENTED, D(7), D("4.21"))


def test_a_buy_that_was_sold_cannot_be_undone():
    after, _ = sold(DOCUMENTED, D("0.0001"), D(0))
    with pytest.raises(ValueError, match="was sold"):
        buy_cancelled(after, D(50), D("31.00"))


@pytest.mark.parametrize(
    ("quantity", "price", "expected"),
    [
        ("50", "1", "50.00"),
        ("49.5049", "1", "49.50"),
        ("49.5099", "1", "49.50"),
        ("0.0099", "1", "0"),
        ("50", "0", "0"),
        ("0.0300", "0.5", "0.01"),
        ("33.3333", "0.5", "16.66"),
    ],
)
def test_a_payout_rounds_down(quantity, price, expected):
    assert payout(D(quantity), D(price)) == D(expected)


def test_a_settlement_books_payout_less_the_basis_that_was_left():
    holding, _ = sold(DOCUMENTED, D(20), D("13.60"))
    assert settlement_pnl(holding, payout(holding.quantity, D(1))) == D("11.40")
    assert settlement_pnl(holding, payout(holding.quantity, D(0))) == D("-18.60")
    closed, _ = sold(holding, D(30), D("20.00"))
    assert settlement_pnl(closed, payout(closed.quantity, D(1))) == D(0)


@pytest.mark.parametrize(
    ("quantities", "total", "expected"),
    [
        (["50"], "19.00", ["19.00"]),
        (["30", "20"], "19.00", ["11.40", "7.60"]),
        (["1", "1", "1"], "0.50", ["0.17", "0.17", "0.16"]),
        (["1", "1"], "0.01", ["0.01", "0.00"]),
        (["1", "1"], "-0.01", ["-0.01", "0.00"]),
        (["1", "2", "3"], "-31.00", ["-5.17", "-10.33", "-15.50"]),
        (["1", "2", "3"], "0", ["0", "0", "0"]),
        ([], "0", []),
    ],
)
def test_buys_share_the_settlement_and_the_last_takes_the_remainder(quantities, total, expected):
    assert buy_pnls([D(each) for each in quantities], D(total)) == [D(each) for each in expected]


@pytest.mark.parametrize(
    ("amount", "remaining", "whole", "expected"),
    [
        ("0.47", "50", "50", "0.47"),
        ("0.47", "25", "50", "0.24"),
        ("0.47", "0", "50", "0"),
        ("0.01", "0.0001", "0.0002", "0.01"),
        ("0.01", "0.0001", "0.0003", "0"),
        ("0.47", "0", "0", "0"),
    ],
)
def test_a_void_takes_back_the_part_still_held(amount, remaining, whole, expected):
    assert void_part(D(amount), D(remaining), D(whole)) == D(expected)


quantities = st.integers(1, 10**7).map(lambda steps: D(steps) / 10_000)
cents = st.integers(0, 10**6).map(lambda amount: D(amount) / 100)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), quantities, cents),
        # What part of the holding to sell, in ten-thousandths.
        st.tuples(st.just("sell"), st.one_of(st.just(10_000), st.integers(1, 10_000)), cents),
    ),
    min_size=1,
    max_size=15,
)


@given(steps=steps, payout_price=st.sampled_from([D(0), D("0.5"), D(1)]))
@settings(max_examples=300, deadline=None)
def test_the_trades_profits_add_up_to_the_positions_and_to_the_money_that_moved(steps, payout_price):
    holding = Holding()
    buys, sells, cash = [], [], D(0)
    for side, size, amount in steps:
        if side == "buy":
            holding = bought(holding, size, amount)
            buys.append(size)
            cash -= amount
        elif holding.quantity:
            quantity = max(D("0.0001"), (holding.quantity * size / 10_000).quantize(D("0.0001")))
            holding, pnl = sold(holding, quantity, amount)
            sells.append(pnl)
            cash += amount
        assert holding.quantity >= 0
        assert holding.cost_basis_usd >= 0
        assert holding.quantity or not holding.cost_basis_usd
    paid = payout(holding.quantity, payout_price)
    settled = settlement_pnl(holding, paid)
    parts = buy_pnls(buys, settled)
    realized = holding.realized_pnl_usd + settled
    assert sum(buys, D(0)) == holding.bought_quantity
    assert len(parts) == len(buys)
    assert sum(sells, D(0)) == holding.realized_pnl_usd
    assert sum(sells + parts, D(0)) == realized == cash + paid
    assert all(part == part.quantize(D("0.01")) for part in sells + parts)
    if not holding.quantity:
        assert not any(parts)


@given(steps=steps, size=quantities, amount=cents)
@settings(max_examples=200, deadline=None)
def test_cancelling_undoes_exactly(steps, size, amount):
    holding = Holding()
    for side, quantity, cost in steps:
        if side == "buy":
            holding = bought(holding, quantity, cost)
        elif holding.quantity:
            part = max(D("0.0001"), (holding.quantity * quantity / 10_000).quantize(D("0.0001")))
            after, pnl = sold(holding, part, cost)
            assert sell_cancelled(after, part, cost, pnl) == holding
            holding = after
    assert buy_cancelled(bought(holding, size, amount), size, amount) == holding
