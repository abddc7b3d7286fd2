from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk import features
from risk.features import Buy, MarketHistory

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = T0 + timedelta(days=30)


def _at(minutes):
    return T0 + timedelta(minutes=minutes)


def _buy(*, minutes=0, market="mkt_1", outcome="yes", price="0.505", mid="0.5", cost="10"):
    return Buy(market, outcome, Decimal(price), Decimal(mid), Decimal(cost), _at(minutes))


def _history(*readings, **dates):
    """Readings as (minutes, mid)."""
    known = {name: value if value is None else _at(value) for name, value in dates.items()}
    return MarketHistory([_at(minutes) for minutes, _ in readings], [Decimal(mid) for _, mid in readings], **known)


DAY = 24 * 60


def test_the_closing_mid_is_that_of_the_game_start():
    history = _history((0, "0.5"), (60, "0.6"), (120, "0.7"), game_start_at=90, end_date=200, closed_at=300)
    assert features.closing_mid(_buy(), history, now=LATER) == Decimal("0.6")


def test_of_no_it_is_the_other_side():
    history = _history((0, "0.5"), (60, "0.6"), game_start_at=90)
    assert features.closing_mid(_buy(outcome="no"), history, now=LATER) == Decimal("0.4")


def test_or_that_of_the_end_date():
    history = _history((0, "0.5"), (60, "0.6"), (120, "0.7"), end_date=100, closed_at=300)
    assert features.closing_mid(_buy(), history, now=LATER) == Decimal("0.6")


def test_or_that_of_a_day_after_the_trade():
    history = _history((0, "0.5"), (DAY - 1, "0.6"), (DAY, "0.65"), (DAY + 1, "0.7"), end_date=9 * DAY)
    assert features.closing_mid(_buy(), history, now=LATER) == Decimal("0.65")


def test_or_the_last_one_before_the_result_was_as_good_as_known():
    history = _history((0, "0.5"), (60, "0.93"), (70, "0.97"), (80, "0.99"), end_date=9 * DAY, closed_at=100)
    assert features.closing_mid(_buy(), history, now=LATER) == Decimal("0.93")


@pytest.mark.parametrize(("mid", "counts"), [("0.95", True), ("0.9501", False), ("0.05", True), ("0.0499", False)])
def test_the_range_includes_its_ends(mid, counts):
    history = _history((0, "0.5"), (10, "0.6"), (20, mid), closed_at=30)
    assert features.closing_mid(_buy(), history, now=LATER) == Decimal(mid if counts else "0.6")


def test_readings_after_the_close_do_not_count():
    history = _history((0, "0.5"), (10, "0.6"), (20, "0.7"), closed_at=15)
    assert features.closing_mid(_buy(), history, now=LATER) == Decimal("0.6")


def test_a_market_that_comes_back_into_the_range_is_not_over():
    history = _history((0, "0.5"), (10, "0.98"), (20, "0.6"), closed_at=30)
    assert features.closing_mid(_buy(), history, now=LATER) == Decimal("0.6")


def test_no_closing_mid_during_a_game_or_after_the_range_was_left():
    assert features.closing_mid(_buy(minutes=5), _history((0, "0.5"), (9, "0.6"), game_start_at=5), now=LATER) is None
    assert features.closing_mid(_buy(minutes=5), _history((0, "0.9"), (9, "0.97"), closed_at=20), now=LATER) is None


def test_no_closing_mid_without_a_reading_in_the_range():
    assert features.closing_mid(_buy(), _history((0, "0.97"), (9, "0.98"), closed_at=20), now=LATER) is None
    assert features.closing_mid(_buy(), _history(closed_at=20), now=LATER) is None


def test_an_open_market_waits_for_the_earliest_date():
    history = _history((0, "0.5"), (10, "0.6"), game_start_at=60)
    assert features.closing_mid(_buy(), history, now=_at(59)) is None
    assert features.closing_mid(_buy(), history, now=_at(60)) == Decimal("0.6")


def test_a_market_closed_later_than_now_is_still_open():
    history = _history((0, "0.5"), (10, "0.6"), closed_at=100)
    assert features.closing_mid(_buy(), history, now=_at(99)) is None
    assert features.closing_mid(_buy(), history, now=_at(100)) == Decimal("0.6")


def test_readings_later_than_now_are_not_known():
    history = _history((0, "0.5"), (10, "0.97"), (DAY + 50, "0.6"))
    assert features.closing_mid(_buy(minutes=-5), history, now=_at(DAY)) == Decimal("0.5")


def test_edge_is_weighted_by_cost_and_relative_to_the_price():
    rises = _history((0, "0.5"), (10, "0.6"), game_start_at=20)
    falls = _history((0, "0.5"), (10, "0.4"), game_start_at=20)
    during = _history((0, "0.5"), game_start_at=0)
    pairs = [
        (_buy(price="0.5", cost="30"), rises),
        (_buy(price="0.8", cost="10", outcome="no"), falls),
        (_buy(price="0.5", cost="99"), during),
    ]
    assert features.edge(pairs, now=LATER) == Decimal("0.0875")  # (30 × 0.2 − 10 × 0.25) ÷ 40
    assert features.edge([pairs[2]], now=LATER) is None
    assert features.edge([], now=LATER) is None


@pytest.mark.parametrize(
    ("readings", "outcome", "expected"),
    [
        ([(5, "0.53")], "yes", True),
        ([(5, "0.5299")], "yes", False),
        ([(5.001, "0.6")], "yes", False),
        ([(0, "0.6")], "yes", False),
        ([(1, "0.53"), (2, "0.4")], "yes", True),
        ([(5, "0.47")], "no", True),
        ([(5, "0.53")], "no", False),
        ([], "yes", False),
    ],
)
def test_a_buy_is_followed_within_five_minutes_by_three_points(readings, outcome, expected):
    assert features.followed(_buy(outcome=outcome), _history(*readings)) is expected


def test_timing_leaves_out_buys_whose_minutes_are_not_over():
    history = _history((3, "0.6"), (14, "0.7"))
    pairs = [(_buy(), history), (_buy(minutes=4, mid="0.6"), history), (_buy(minutes=12, mid="0.6"), history)]
    assert features.timing(pairs, now=_at(16)) == Decimal("0.5")
    assert features.timing(pairs, now=_at(17)) == Decimal("0.6667")
    assert features.timing(pairs, now=_at(4)) is None


def test_win_rate_counts_profits_only():
    assert features.win_rate([Decimal("0.01"), Decimal(0), Decimal(-1)]) == Decimal("0.3333")
    assert features.win_rate([]) is None


@pytest.mark.parametrize(
    ("costs", "value"),
    [(["5"], "1"), (["10", "10"], "1"), (["8", "12"], "0.8"), (["1", "1", "1", "97"], "0"), (["1", "3"], "0.5")],
)
def test_steadiness(costs, value):
    assert features.steadiness([Decimal(cost) for cost in costs]) == Decimal(value)


def test_steadiness_of_nothing():
    assert features.steadiness([]) is None


def _buys(*minutes, market="mkt_1", outcome="yes"):
    return [_buy(minutes=at, market=market, outcome=outcome) for at in minutes]


def test_matched_within_two_minutes_of_the_same_outcome_once_a_buy():
    mine = _buys(0, 10, 20)
    assert features.matched(mine, _buys(2, 2.001, 12, 17.999)) == 2
    assert features.matched(mine, _buys(-2, -1, 1, 2)) == 1
    assert features.matched(mine, _buys(0, outcome="no")) == 0
    assert features.matched(mine, _buys(0, market="mkt_2")) == 0


def test_correlation_is_with_the_best_other_account():
    buys = {
        "usr_a": _buys(*range(0, 100, 10)),
        "usr_b": _buys(0, 10, *range(205, 285, 10)),
        "usr_c": _buys(0, 10, 20, *range(205, 275, 10)),
        "usr_d": _buys(0, 10, 20, 30, *range(205, 255, 10)),  # nine buys are too few to be compared
        "usr_e": _buys(*range(505, 605, 10)),
    }
    assert features.correlation("usr_a", buys) == (Decimal("0.3"), "usr_c", 3)
    assert features.correlation("usr_d", buys) is None
    assert features.correlation("usr_e", buys) == (0, "", 0)


PRICES = st.decimals("0.06", "0.94", places=4)
BUYS = st.builds(
    Buy,
    market=st.just("mkt_1"),
    outcome=st.sampled_from(["yes", "no"]),
    price=PRICES,
    mid=PRICES,
    cost_usd=st.decimals("1", "1000", places=2),
    placed_at=st.integers(0, 600).map(_at),
)
READINGS = st.lists(st.tuples(st.integers(0, 3000), PRICES), min_size=1, max_size=30, unique_by=lambda pair: pair[0])


@given(st.lists(BUYS, max_size=12), READINGS, st.randoms(use_true_random=False))
def test_the_order_of_trades_does_not_matter(buys, readings, random):
    history = _history(*sorted(readings), closed_at=2500)
    shuffled = random.sample(buys, len(buys))
    pairs, mixed = [(buy, history) for buy in buys], [(buy, history) for buy in shuffled]
    assert features.edge(mixed, now=LATER) == features.edge(pairs, now=LATER)
    assert features.timing(mixed, now=LATER) == features.timing(pairs, now=LATER)
    costs, shuffled_costs = [buy.cost_usd for buy in buys], [buy.cost_usd for buy in shuffled]
    assert features.steadiness(shuffled_costs) == features.steadiness(costs)
    assert features.win_rate(shuffled_costs) == features.win_rate(costs)
    assert features.matched(shuffled, buys[:5]) == features.matched(buys, buys[:5])


@given(st.lists(BUYS, min_size=1, max_size=12), READINGS)
def test_values_stay_in_their_ranges(buys, readings):
    history = _history(*sorted(readings), closed_at=2500)
    pairs = [(buy, history) for buy in buys]
    assert 0 <= features.timing(pairs, now=LATER) <= 1
    assert 0 <= features.steadiness([buy.cost_usd for buy in buys]) <= 1
    edge = features.edge(pairs, now=LATER)
    assert edge is None or edge > -1
    assert 0 <= features.matched(buys, buys) <= len(buys)


@given(st.lists(st.decimals("0.01", "1000", places=2), min_size=1, max_size=12), st.integers(2, 9))
def test_steadiness_does_not_depend_on_the_size_of_stakes(costs, times):
    assert features.steadiness([cost * times for cost in costs]) == features.steadiness(costs)
