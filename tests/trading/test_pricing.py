from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.pricing import (
    HIGHEST_PRICE,
    LARGEST_QUANTITY,
    LOWEST_PRICE,
    MarketSpreads,
    Quote,
    adds_to_heavier_side,
    ask,
    bid,
    heavier_side,
    market_spreads,
    market_utilisation,
    mid_of,
    quote,
    spread_bps,
)

# The configuration the God Mode document shows.
DOCUMENTED = {"base_bps": D(200), "min_bps": D(100), "max_bps": D(800), "risk_multiplier": D("1.5")}


def spread(*, utilisation="0", tier="normal", discount="0", **changes):
    return spread_bps(**(DOCUMENTED | changes), utilisation=D(utilisation), tier=tier, discount_bps=D(discount))


def buy(**changes):
    return quote(**({"side": "buy", "mid": D("0.62"), "spread_bps": D(200), "fee_bps": D(50)} | changes))


def sell(**changes):
    return buy(side="sell", **changes)


@pytest.mark.parametrize(
    ("yes", "no", "expected"),
    [("18200", "10200", "yes"), ("0", "0.0001", "no"), ("0", "0", None), ("5", "5.00", None)],
)
def test_heavier_side(yes, no, expected):
    assert heavier_side(D(yes), D(no)) == expected


@pytest.mark.parametrize(
    ("side", "outcome", "yes", "no", "expected"),
    [
        ("buy", "yes", "2", "1", True),
        ("buy", "no", "2", "1", False),
        ("buy", "no", "1", "2", True),
        ("buy", "yes", "1", "1", False),
        ("buy", "no", "0", "0", False),
        ("sell", "yes", "2", "1", False),
        ("sell", "no", "2", "1", False),
    ],
)
def test_only_a_buy_of_the_heavier_outcome_adds_to_it(side, outcome, yes, no, expected):
    assert adds_to_heavier_side(side=side, outcome=outcome, yes_exposure=D(yes), no_exposure=D(no)) is expected


@pytest.mark.parametrize(
    ("exposure", "limit", "expected"),
    [
        ("28400", "50000", "0.568"),
        ("0", "50000", "0"),
        ("50000", "50000", "1"),
        ("50000.0001", "50000", "1"),
        ("-1", "50000", "0"),
        ("0", "0", "1"),
        ("10", "-1", "1"),
    ],
)
def test_market_utilisation_stays_between_none_and_all(exposure, limit, expected):
    assert market_utilisation(D(exposure), D(limit)) == D(expected)


def test_the_documents_spread_becomes_0_037():
    assert spread(utilisation="0.568") == D("370.4")
    assert spread(utilisation="0.57") == D("371")


def test_a_spread_without_utilisation_is_the_base():
    assert spread() == D(200)


def test_the_spread_is_clamped_last():
    assert spread(utilisation="1", tier="sharp") == D(750)
    assert spread(utilisation="1", tier="restricted") == D(800)
    assert spread(base_bps=D(1000)) == D(800)
    assert spread(base_bps=D(120), discount="25") == D(100)
    assert spread(base_bps=D(40)) == D(100)
    # Were the clamp before the multiplier, this would be 150.
    assert spread(base_bps=D(60), tier="restricted") == D(120)


@pytest.mark.parametrize(("tier", "expected"), [("sharp", "300"), ("restricted", "400"), ("normal", "175")])
def test_tiers_pay_more_and_get_no_discount(tier, expected):
    assert spread(tier=tier, discount="25") == D(expected)


def test_the_discount_comes_off_after_the_risk_adjustment():
    assert spread(utilisation="0.5", discount="25") == D(325)


def test_fractions_of_a_basis_point_stay():
    assert spread(base_bps=D("200.5"), utilisation="0.0001") == D("200.530075")


def test_a_market_shows_the_documents_spreads():
    shown = market_spreads(**DOCUMENTED, yes_exposure=D(18_200), no_exposure=D(10_200), limit=D(50_000))
    assert shown == MarketSpreads(base_spread=D("0.02"), risk_adjusted_spread=D("0.04"), spread=D("0.04"))


def test_an_even_market_shows_its_base_however_full_it_is():
    shown = market_spreads(**DOCUMENTED, yes_exposure=D(25_000), no_exposure=D(25_000), limit=D(50_000))
    assert shown == MarketSpreads(base_spread=D("0.02"), risk_adjusted_spread=D("0.02"), spread=D("0.02"))


def test_a_full_market_shows_the_clamped_spread():
    wide = DOCUMENTED | {"risk_multiplier": D(9)}
    shown = market_spreads(**wide, yes_exposure=D(1), no_exposure=D(99_999), limit=D(50_000))
    assert shown == MarketSpreads(base_spread=D("0.02"), risk_adjusted_spread=D("0.08"), spread=D("0.08"))


def test_the_mids_of_the_outcomes_add_up_to_one():
    assert mid_of("yes", D("0.6200")) == D("0.62")
    assert mid_of("no", D("0.6200")) == D("0.38")


@pytest.mark.parametrize(
    ("mid", "bps", "expected_ask", "expected_bid"),
    [
        ("0.62", "200", "0.6262", "0.6138"),
        ("0.62", "370.4", "0.6315", "0.6085"),  # exactly 0.6314824 and 0.6085176
        ("0.5", "0", "0.5000", "0.5000"),
        ("0.0001", "100", "0.0002", "0.0001"),
        ("0.9999", "100", "0.9999", "0.9949"),
        ("0.98", "800", "0.9999", "0.9408"),
        ("0.5", "0.0000001", "0.5001", "0.4999"),
    ],
)
def test_ask_rounds_up_and_bid_down_within_the_range(mid, bps, expected_ask, expected_bid):
    assert ask(D(mid), D(bps)) == D(expected_ask)
    assert bid(D(mid), D(bps)) == D(expected_bid)


def test_a_buy_of_shares():
    assert buy(quantity=D(50)) == Quote(
        side="buy",
        mid=D("0.62"),
        price=D("0.6262"),
        quantity=D("50.0000"),
        cost_usd=D("31.31"),
        fee_usd=D("0.16"),
        spread_usd=D("0.31"),
        spread_bps=D(200),
    )
    assert buy(quantity=D(50)).total_usd == D("31.47")


def test_a_sell_of_shares():
    assert sell(quantity=D(50)) == Quote(
        side="sell",
        mid=D("0.62"),
        price=D("0.6138"),
        quantity=D("50.0000"),
        cost_usd=D("30.69"),
        fee_usd=D("0.15"),
        spread_usd=D("0.31"),
        spread_bps=D(200),
    )
    assert sell(quantity=D(50)).total_usd == D("30.54")


def test_the_documents_fee_rounds_half_up():
    documented = buy(quantity=D(50), spread_bps=D(0), fee_bps=D(150))
    assert (documented.price, documented.cost_usd, documented.fee_usd) == (D("0.62"), D("31.00"), D("0.47"))
    assert documented.total_usd == D("31.47")


def test_a_fee_is_of_the_rounded_cost():
    # 0.0199 × 50 = 0.995 costs 1.00, and half a cent of fee rounds up; of 0.995 it would not.
    assert buy(mid=D("0.0199"), spread_bps=D(0), quantity=D(50)).fee_usd == D("0.01")


def test_an_amount_buys_what_it_pays_for():
    bought = buy(amount_usd=D("31.00"))
    assert (bought.quantity, bought.cost_usd) == (D("49.5049"), D("31.00"))
    assert bought.total_usd == D("31.16")


def test_the_smallest_amount_buys_something():
    dear = buy(mid=D("0.9999"), amount_usd=D("0.01"))
    assert (dear.quantity, dear.cost_usd) == (D("0.0100"), D("0.01"))
    cheap = buy(mid=D("0.0001"), spread_bps=D(0), amount_usd=D("0.01"))
    assert (cheap.quantity, cheap.cost_usd) == (D("100.0000"), D("0.01"))


def test_fractions_of_a_cent_buy_nothing():
    assert buy(amount_usd=D("31.009")) == buy(amount_usd=D("31.00"))


def test_crumbs_cost_a_cent_and_bring_none():
    assert buy(quantity=D("0.0001")).cost_usd == D("0.01")
    with pytest.raises(ValueError, match="less than a cent"):
        sell(quantity=D("0.0001"))


def test_a_position_of_crumbs_can_be_closed_for_nothing():
    closing = sell(quantity=D("0.0001"), closes=True)
    assert (closing.cost_usd, closing.fee_usd, closing.total_usd) == (D(0), D(0), D(0))
    assert closing.quantity == D("0.0001")


def test_closing_changes_nothing_else():
    assert sell(quantity=D(50), closes=True) == sell(quantity=D(50))


def test_places_past_the_fourth_are_cut_off():
    assert buy(quantity=D("1.00019")).quantity == D("1.0001")


def test_a_sellers_fee_never_exceeds_the_proceeds():
    eaten = sell(quantity=D(50), fee_bps=D(20_000))
    assert (eaten.cost_usd, eaten.fee_usd, eaten.total_usd) == (D("30.69"), D("30.69"), D("0.00"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "exactly one"),
        ({"quantity": D(1), "amount_usd": D(1)}, "exactly one"),
        ({"side": "sell", "amount_usd": D(1)}, "takes a quantity"),
        ({"side": "short", "quantity": D(1)}, "side must be"),
        ({"quantity": D(0)}, "at least 0.0001"),
        ({"quantity": D("0.00009")}, "at least 0.0001"),
        ({"quantity": D(-1)}, "at least 0.0001"),
        ({"side": "sell", "quantity": D(0), "closes": True}, "at least 0.0001"),
        ({"amount_usd": D("0.009")}, "at least 0.01"),
        ({"amount_usd": D(0)}, "at least 0.01"),
        ({"amount_usd": D(-5)}, "at least 0.01"),
        ({"quantity": LARGEST_QUANTITY + D("0.0001")}, "too large"),
        ({"quantity": D("1e40")}, "too large"),
        ({"amount_usd": D("1e40")}, "too large"),
        ({"amount_usd": D("9999999999999999.99"), "mid": D("0.0001")}, "too large"),
        ({"quantity": D(1), "mid": D(0)}, "mid must"),
        ({"quantity": D(1), "mid": D(1)}, "mid must"),
        ({"quantity": D(1), "spread_bps": D(-1)}, "negative"),
        ({"quantity": D(1), "fee_bps": D(-1)}, "negative"),
    ],
)
def test_a_trade_that_cannot_be_is_refused_with_a_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        buy(**changes)


def test_the_largest_trade_still_fits():
    largest = buy(mid=HIGHEST_PRICE, quantity=LARGEST_QUANTITY)
    assert largest.cost_usd == D("99990000000000.00")
    assert largest.quantity == LARGEST_QUANTITY


mids = st.integers(1, 9_999).map(lambda ticks: D(ticks) / 10_000)
spreads = st.one_of(
    st.sampled_from([D(0), D("0.0001"), D(100), D(800)]),
    st.integers(0, 8_000_000).map(lambda parts: D(parts) / 10_000),
)
fees = st.one_of(st.just(D(0)), st.integers(0, 30_000).map(D))
quantities = st.one_of(
    st.integers(1, 200).map(lambda steps: D(steps) / 10_000),
    st.integers(1, 10**9).map(lambda steps: D(steps) / 10_000),
)
amounts = st.integers(1, 10**7).map(lambda cents: D(cents) / 100)
sizes = st.one_of(
    st.tuples(st.just("quantity"), quantities),
    st.tuples(st.just("amount_usd"), amounts),
)
steps = st.one_of(
    st.tuples(st.just("buy"), st.sampled_from(["yes", "no"]), sizes, spreads, fees),
    # How much of what is held to sell, in ten-thousandths; all of it is the common case.
    st.tuples(
        st.just("sell"),
        st.sampled_from(["yes", "no"]),
        st.one_of(st.just(10_000), st.integers(1, 10_000)),
        spreads,
        fees,
    ),
)


@given(mid=mids, bps=spreads)
@settings(max_examples=200, deadline=None)
def test_ask_and_bid_stand_on_their_sides_of_the_mid(mid, bps):
    assert LOWEST_PRICE <= bid(mid, bps) <= mid <= ask(mid, bps) <= HIGHEST_PRICE


@given(mid=mids, bps=spreads, fee=fees, amount=amounts)
@settings(max_examples=200, deadline=None)
def test_an_amount_is_never_overspent_and_no_share_is_left_out(mid, bps, fee, amount):
    bought = quote(side="buy", mid=mid, spread_bps=bps, fee_bps=fee, amount_usd=amount)
    assert D("0.01") <= bought.cost_usd <= amount
    assert bought.price * bought.quantity <= amount < bought.price * (bought.quantity + D("0.0001"))


@given(yes_price=mids, steps=st.lists(steps, min_size=1, max_size=20))
@settings(max_examples=300, deadline=None)
def test_no_sequence_of_trades_at_an_unchanged_mid_leaves_a_user_with_more_money_than_before(yes_price, steps):
    cash = D(0)
    held = {"yes": D(0), "no": D(0)}
    for side, outcome, size, bps, fee in steps:
        mid = mid_of(outcome, yes_price)
        terms = {"side": side, "mid": mid, "spread_bps": bps, "fee_bps": fee}
        if side == "buy":
            trade = quote(**terms, **dict([size]))
            cash -= trade.total_usd
            held[outcome] += trade.quantity
        elif held[outcome]:
            quantity = max(D("0.0001"), (held[outcome] * size / 10_000).quantize(D("0.0001")))
            trade = quote(**terms, quantity=quantity, closes=True)
            cash += trade.total_usd
            held[outcome] -= trade.quantity
        assert cash <= 0
        # Stronger: not even with the shares still held, at the mid.
        assert cash + sum(held[each] * mid_of(each, yes_price) for each in held) <= 0
