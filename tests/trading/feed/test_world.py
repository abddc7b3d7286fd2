from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from trading.feed import templates
from trading.feed.state import mid, phase, state
from trading.feed.world import CATEGORIES, FLEETING, LASTING, World
from trading.polymarket import categories
from trading.polymarket.selection import Candidate, SelectionRules, reasons

WORLD = World(seed=7)
# Ends of months and years, long before the numbering starts and long after it.
INSTANTS = [
    datetime(2026, 11, 21, 15, 3, 7, tzinfo=UTC),
    datetime(2026, 12, 1, tzinfo=UTC),
    datetime(2026, 12, 15, 12, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 6, 30, tzinfo=UTC),
    datetime(2035, 7, 1, 1, tzinfo=UTC),
]
each_instant = pytest.mark.parametrize("at", INSTANTS, ids=lambda at: at.date().isoformat())
TABLE = categories.load()


def tradeable(market, at):
    shown = state(market, at)
    candidate = Candidate(
        closed=shown.closed,
        active=True,
        accepting_orders=not shown.closed,
        enable_order_book=True,
        end_date=market.end_date,
        yes_mid=shown.prices[0],
        priced_at=at,
        liquidity_usd=shown.liquidity_usd,
        volume_usd=shown.volume_usd,
        category=TABLE.category_of(market.tags),
    )
    return not reasons(candidate, SelectionRules(), now=at)


@each_instant
def test_at_any_instant_there_is_a_market_place(at):
    open_now = WORLD.markets(at=at)
    assert 55 <= len(open_now) <= 80
    carried = [market for market in open_now if tradeable(market, at)]
    assert len(carried) >= 30
    assert {market.category for market in carried} == set(CATEGORIES)
    assert sum(market.category == "crypto" for market in open_now) >= 8
    assert any(phase(market, at) == "disputed" for market in open_now)
    assert any(timedelta() < market.end_date - at < timedelta(hours=1) for market in open_now)
    assert any(timedelta() <= at - market.opens_at < timedelta(minutes=6) for market in open_now)
    for names in ("gamma_id", "condition_id", "question_id"):
        assert len({getattr(market.names, names) for market in open_now}) == len(open_now)
    assert len({token for market in open_now for token in market.names.token_ids}) == 2 * len(open_now)
    assert len({market.title for market in open_now}) == len(open_now)


@each_instant
def test_the_ten_weeks_before_hold_every_kind_of_result(at):
    closed = WORLD.closed(since=at - timedelta(days=75), until=at, kinds=LASTING)
    results = [market.result for market in closed]
    assert {result: results.count(result) >= 5 for result in ("yes", "no", "split", "cancelled")} == dict.fromkeys(
        ("yes", "no", "split", "cancelled"), True
    )
    assert all(at - timedelta(days=75) <= market.closed_at < at for market in closed)
    assert any(market.proposed_result != market.result for market in closed)


def test_every_four_hours_a_short_market_is_split_and_one_is_cancelled():
    closed = WORLD.closed(since=INSTANTS[0] - timedelta(days=2), until=INSTANTS[0], kinds=FLEETING)
    results = [market.result for market in closed]
    assert (results.count("split"), results.count("cancelled")) == (12, 12)
    assert results.count("yes") > 150 and results.count("no") > 150


def test_the_same_seed_is_the_same_world_and_another_is_another():
    at = INSTANTS[0]
    again, other = World(seed=7), World(seed=8)
    assert WORLD.markets(at=at) == again.markets(at=at)
    assert [state(market, at) for market in WORLD.markets(at=at)] == [
        state(market, at) for market in again.markets(at=at)
    ]
    ids = {market.names.condition_id for market in WORLD.markets(at=at)}
    assert not ids & {market.names.condition_id for market in other.markets(at=at)}


def test_a_restart_a_day_later_finds_long_markets_again_and_new_short_ones():
    at = INSTANTS[0]
    today, tomorrow = WORLD.markets(at=at), World(seed=7).markets(at=at + timedelta(days=1))
    lasting = {market.names.condition_id for market in today if market.closed_at > at + timedelta(days=1)}
    assert len(lasting) >= 35
    assert lasting <= {market.names.condition_id for market in tomorrow}
    fresh = [market for market in tomorrow if market.opens_at > at and market.kind == "short"]
    assert len(fresh) >= 15


def test_a_market_is_found_by_its_ids_before_during_and_after_its_life():
    for market in [*WORLD.markets(at=INSTANTS[0]), *WORLD.markets(at=INSTANTS[-1]), *WORLD.markets(at=INSTANTS[-2])]:
        assert WORLD.find(market.names.condition_id) == market
        assert [WORLD.by_token(token) for token in market.names.token_ids] == [(market, 0), (market, 1)]
        assert all(token.isdigit() and 77 <= len(token) <= 78 for token in market.names.token_ids)
        assert len(market.names.condition_id) == 66


@pytest.mark.parametrize(
    "foreign", ["", "0x", "0xzz", "0x" + "ab" * 32, "ab" * 31, "1", "9" * 78, "9" * 79, "-5", "٣", "0x" + "0" * 64]
)
def test_foreign_ids_name_no_market(foreign):
    assert WORLD.find(foreign) is None
    assert WORLD.by_token(foreign) is None


def test_another_worlds_ids_are_foreign():
    market = World(seed=8).markets(at=INSTANTS[0])[0]
    assert WORLD.find(market.names.condition_id) is None
    assert WORLD.by_token(market.names.token_ids[0]) is None


def test_mids_reach_back_over_the_whole_life_and_nowhere_else():
    at = INSTANTS[0]
    for market in WORLD.markets(at=at, kinds=("long",)):
        hour = market.opens_at
        while hour < at:
            assert Decimal("0.003") <= mid(market, hour) <= Decimal("0.997")
            hour += timedelta(days=1)
        assert mid(market, market.opens_at - timedelta(seconds=1)) is None
        assert mid(market, market.closed_at) is None
        assert mid(market, market.closed_at - timedelta(seconds=1)) is not None
    eldest = min(WORLD.markets(at=at), key=lambda market: market.opens_at)
    assert at - eldest.opens_at > timedelta(days=80)
    assert len({mid(eldest, at - timedelta(days=days)) for days in range(80)}) > 40


def test_prices_are_fair():
    """Of the markets around 0.60 half-way through their life, about 60 in 100 end yes; no price leans to a side."""
    closed = WORLD.closed(since=INSTANTS[0] - timedelta(days=15), until=INSTANTS[0], kinds=FLEETING)
    for low, high in (
        (Decimal("0.25"), Decimal("0.35")),
        (Decimal("0.45"), Decimal("0.55")),
        (Decimal("0.65"), Decimal("0.75")),
    ):
        seen = []
        for market in closed:
            halfway = mid(market, market.opens_at + (market.decided_at - market.opens_at) / 2)
            if market.result in ("yes", "no") and low <= halfway < high:
                seen.append(market.result == "yes")
        assert len(seen) > 250
        assert abs(Decimal(sum(seen)) / len(seen) - (low + high) / 2) < Decimal("0.05")


def test_the_mapping_understands_every_template():
    for by_category in (templates.LONG, templates.SHORT):
        for category, listed in by_category.items():
            assert {TABLE.category_of(template.tags) for template in listed} == {category}
    assert tuple(templates.LONG) == tuple(templates.SHORT) == CATEGORIES


def first(kind, **wanted):
    """The first market of the kind closed after the first instant that is as wanted."""
    closed = WORLD.closed(since=INSTANTS[0], until=INSTANTS[0] + timedelta(days=60), kinds=(kind,))
    return next(market for market in closed if all(getattr(market, name) == value for name, value in wanted.items()))


def walked(market, *moments):
    """(phase, uma status, prices, closed) at seconds after the decision."""
    rows = []
    for seconds in moments:
        shown = state(market, market.decided_at + timedelta(seconds=seconds))
        rows.append((shown.phase, shown.uma_status, tuple(map(str, shown.prices)), shown.closed))
    return rows


def test_the_end_of_a_market_that_ends_yes():
    market = first("long", result="yes")
    assert walked(market, 0, 120, 7319, 7320, 7499, 7500) == [
        ("open", None, ("0.9965", "0.0035"), False),
        ("proposed", "proposed", ("0.9965", "0.0035"), False),
        ("proposed", "proposed", ("0.9965", "0.0035"), False),
        ("confirmed", "resolved", ("0.9995", "0.0005"), False),
        ("confirmed", "resolved", ("0.9995", "0.0005"), False),
        ("closed", "resolved", ("1", "0"), True),
    ]


def test_the_end_of_a_disputed_market_that_is_overturned():
    market = first("disputed", result="no", proposed_result="yes")
    days = 3 * 86400 + 6 * 3600 + 1800
    assert walked(market, 120, 1800, days - 1, days, days + 180) == [
        ("proposed", "proposed", ("0.9965", "0.0035"), False),
        ("disputed", "disputed", ("0.9985", "0.0015"), False),
        ("disputed", "disputed", ("0.9985", "0.0015"), False),
        ("confirmed", "resolved", ("0.0005", "0.9995"), False),
        ("closed", "resolved", ("0", "1"), True),
    ]
    assert state(market, market.closed_at).uma_statuses == ("proposed", "disputed", "resolved")


def test_the_end_of_a_split_and_of_a_cancelled_market():
    assert walked(first("long", result="split"), 120, 7320, 7500) == [
        ("proposed", "proposed", ("0.5", "0.5"), False),
        ("confirmed", "resolved", ("0.5", "0.5"), False),
        ("closed", "resolved", ("0.5", "0.5"), True),
    ]
    cancelled = first("long", result="cancelled")
    assert walked(cancelled, 180) == [("closed", None, ("0", "0"), True)]
    assert state(cancelled, cancelled.closed_at - timedelta(seconds=1)).uma_status is None


def test_bid_and_ask_lie_around_the_mid_and_volume_only_grows():
    for market in WORLD.markets(at=INSTANTS[0]):
        shown = state(market, INSTANTS[0])
        low, high = shown.bid or Decimal(0), shown.ask or Decimal(1)
        assert 0 <= low < high <= 1
        assert (low + high) / 2 == shown.prices[0]
        assert sum(shown.prices) == 1
        later = state(market, INSTANTS[0] + timedelta(minutes=30))
        assert Decimal(0) <= shown.volume_24h_usd <= shown.volume_usd <= later.volume_usd


def test_there_is_no_state_before_the_opening():
    market = WORLD.markets(at=INSTANTS[0])[0]
    with pytest.raises(ValueError, match="not open yet"):
        state(market, market.opens_at - timedelta(seconds=1))
