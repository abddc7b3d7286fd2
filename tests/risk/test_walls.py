"""The walls to the ten-thousandth: order, edges, what is still allowed, crossings, breakers, and how long a verdict
holds."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from risk import walls
from risk.walls import Breaker, Bucket, TradeIntent

STEP = Decimal("0.0001")
SCOPES = ("market", "category", "operator_category", "operator", "global")


def intent(quantity, *, side="buy", price="0.5"):
    quantity, price = Decimal(quantity), Decimal(price)
    return TradeIntent("op", "usr", "mkt", "crypto", side, "yes", quantity, price, quantity * price)


def buckets(held=0, limit=1000, **changed):
    """One bucket of every scope; ``changed`` maps a scope to what it has of its own."""
    return tuple(
        Bucket(**{"id": number, "scope": scope, "scope_id": "x", "exposure_usd": Decimal(held),
                  "limit_usd": Decimal(limit), **changed.get(scope, {})})
        for number, scope in enumerate(SCOPES)
    )  # fmt: skip


def assess(trade, rows, *, per_trade=10_000, minimum=1):
    return walls.assess(trade, per_trade_usd=Decimal(per_trade), minimum_usd=Decimal(minimum), buckets=rows)


def breaker(threshold=90, **changes):
    values = {"id": "cb", "tripped": False, "buys_only": False, "threshold_pct": Decimal(threshold)}
    return Breaker(**values | changes)


@pytest.mark.parametrize(
    ("scope", "wall"), [("market", 2), ("category", 3), ("operator_category", 3), ("operator", 4), ("global", 5)]
)
def test_each_wall_lets_its_limit_pass_and_not_a_ten_thousandth_more(scope, wall):
    rows = buckets(held=50, **{scope: {"limit_usd": Decimal(100)}})
    assert assess(intent(50), rows).rejection is None
    refused = assess(intent("50.0001"), rows).rejection
    assert (refused.wall, refused.limit_usd, refused.value_usd, refused.bucket.scope) == (
        wall, 100, Decimal("100.0001"), scope
    )  # fmt: skip
    assert refused.max_allowed_usd == 25


def test_wall_1_is_about_cost_and_comes_first():
    assert assess(intent(200), buckets(), per_trade=100).rejection is None
    refused = assess(intent("200.02"), buckets(limit=1), per_trade=100).rejection
    assert (refused.wall, refused.limit_usd, refused.value_usd) == (1, 100, Decimal("100.01"))


def test_the_first_wall_that_fails_is_named():
    tight = {scope: {"limit_usd": Decimal(10)} for scope in SCOPES[1:]}
    assert assess(intent(50), buckets(**tight)).rejection.wall == 3
    assert assess(intent(50), buckets(**tight, market={"limit_usd": Decimal(10)})).rejection.wall == 2


def test_a_sell_passes_every_wall_and_no_breaker_but_one_on_buys():
    full = buckets(held=5000, limit=1000)
    assert assess(intent(50, side="sell"), full, per_trade=1).rejection is None
    stopped = {"global": {"breakers": (breaker(tripped=True),)}}
    assert assess(intent(1, side="sell"), buckets(**stopped)).rejection.circuit_breaker == "cb"
    buys_only = {"global": {"breakers": (breaker(tripped=True, buys_only=True),)}}
    assert assess(intent(1, side="sell"), buckets(**buys_only)).rejection is None
    assert assess(intent(1), buckets(**buys_only)).rejection.circuit_breaker == "cb"


def test_the_lowest_of_all_limits_on_a_bet_binds():
    limits = {
        "platform_usd": Decimal(5000), "default_usd": Decimal(1000), "operator_usd": Decimal(900),
        "limit_tier_usd": Decimal(800), "tier_usd": None, "restriction_usd": None,
    }  # fmt: skip
    assert walls.per_trade_limit(**limits) == 800
    for name in limits:
        assert walls.per_trade_limit(**limits | {name: Decimal(7)}) == 7


def test_nothing_is_allowed_below_the_minimum_of_a_bet():
    rows = buckets(held=Decimal("998.02"))
    assert assess(intent(10), rows).rejection.max_allowed_usd == 0  # 1.98 × 0.5 = 0.99
    rows = buckets(held=998)
    assert assess(intent(10), rows).rejection.max_allowed_usd == 1


@pytest.mark.parametrize(
    ("held", "alert", "quantity", "levels"),
    [
        (0, 0, "599.9999", []),
        (0, 0, 600, [60]),
        (0, 0, 1000, [60, 85, 95, 100]),
        (600, 60, 249, []),
        (600, 60, 250, [85]),
        (590, 60, 20, []),
    ],
)
def test_a_level_is_crossed_when_it_is_reached_and_told_once(held, alert, quantity, levels):
    rows = buckets(
        limit=10_000, market={"exposure_usd": Decimal(held), "limit_usd": Decimal(1000), "alert_level": alert}
    )
    crossings = assess(intent(quantity), rows).crossings
    assert [crossing.level for crossing in crossings] == levels
    assert {crossing.bucket.scope for crossing in crossings} <= {"market"}


@pytest.mark.parametrize(("sold", "level"), [("50", 85), ("50.0001", 60), ("300", 60), ("300.0001", 0), (850, 0)])
def test_a_level_is_armed_again_five_points_lower(sold, level):
    row = Bucket(1, "global", "", Decimal(850), Decimal(1000), alert_level=85)
    assert walls.alert_level_after(row, Decimal(850) - Decimal(sold)) == level
    verdict = assess(intent(sold, side="sell"), (row,))
    assert bool(verdict.falls) is (level < 85)


@pytest.mark.parametrize(
    ("watch", "held", "quantity", "trips"),
    [
        (breaker(), 0, "899.9999", False),
        (breaker(), 0, 900, True),
        (breaker(), 899, 1, True),
        (breaker(tripped=True, buys_only=True), 0, 1, None),
        (breaker(threshold_pct=None), 0, 1000, False),
        # Reset while it stood at 91 %: only from 93 % on, or after it fell below 85 %.
        (breaker(value_at_reset_pct=Decimal(91)), 910, "19.9999", False),
        (breaker(value_at_reset_pct=Decimal(91)), 910, 20, True),
        (breaker(value_at_reset_pct=Decimal(50)), 500, 400, True),
    ],
)
def test_the_trade_that_reaches_the_threshold_trips_it(watch, held, quantity, trips):
    verdict = assess(intent(quantity), (Bucket(1, "global", "", Decimal(held), Decimal(1000), breakers=(watch,)),))
    if trips is None:
        assert verdict.rejection.circuit_breaker == "cb"
    else:
        assert verdict.rejection is None
        assert bool(verdict.trips) is trips


@pytest.mark.parametrize(("sold", "free"), [("60", False), ("60.0001", True)])
def test_a_reset_stops_holding_back_below_five_points_under_the_threshold(sold, free):
    held = Bucket(1, "global", "", Decimal(910), Decimal(1000), breakers=(breaker(value_at_reset_pct=Decimal(91)),))
    assert bool(assess(intent(sold, side="sell"), (held,)).frees) is free


def possible(row, held):
    """Whether a counter can stand there: its crossings told, nothing to trip or to set free."""
    settled = walls.alert_level_after(row, held) == row.alert_level
    return settled and not walls.trips(row, held) and not walls.frees(row, held)


@settings(max_examples=80, deadline=None)
@given(
    held=st.decimals(100, 500, places=4),
    quantity=st.decimals("0.0001", 100, places=4),
    side=st.sampled_from(["buy", "sell"]),
    limit=st.decimals(300, 800, places=2),
    threshold=st.decimals(50, 100, places=2),
    reset=st.none() | st.decimals(40, 110, places=4),
)
def test_a_quiet_verdict_holds_for_every_counter_within_its_band_and_not_a_ten_thousandth_beyond(
    held, quantity, side, limit, threshold, reset
):
    watch = breaker(threshold, value_at_reset_pct=reset)
    alert = walls.alert_level_after(Bucket(1, "market", "x", held, limit), held)
    row = Bucket(1, "market", "x", held, limit, alert_level=alert, breakers=(watch,))
    trade = intent(quantity, side=side)
    verdict = assess(trade, (row,))
    assume(possible(row, held) and verdict.rejection is None and verdict.quiet)
    (band,) = verdict.bands
    assert band.least <= held + trade.change <= band.most
    points = [*walls.LEVELS, *(level - 5 for level in walls.LEVELS), threshold, threshold - 5, (reset or 0) + 2]
    edges = [band.least, band.most, *((limit * point / 100).quantize(STEP) for point in points)]
    for after in (edge + step for edge in edges for step in (-STEP, 0, STEP)):
        other = after - trade.change
        if min(after, other) >= 0 and possible(row, other):
            again = assess(trade, (replace(row, exposure_usd=other),))
            within = band.least <= after <= band.most
            assert within == (again.rejection is None and again.quiet), after
