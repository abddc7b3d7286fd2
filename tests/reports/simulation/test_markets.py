import numpy as np

from reports.simulation import markets as all_markets
from reports.simulation.markets import DAY_MS, HOUR_MS, NEVER, NO, UNRESOLVED, YES, finish_ms, start_ms
from reports.simulation.parameters import CATEGORIES
from tests.reports.simulation.worlds import small, world


def _many(seed=3, **changes):
    parameters = small(days=30, markets=3_000, cancelled_share=0.0, split_share=0.0, **changes)
    return all_markets.make(parameters=parameters, rng=np.random.default_rng(seed))


def test_a_resolution_is_as_likely_as_the_mid_said_at_any_time():
    markets = _many()
    settled = np.flatnonzero(markets.resolution != UNRESOLVED)
    lengths = np.diff(markets.first)[settled]
    for part in (0.0, 0.5, 1.0):
        at = markets.first[settled] + ((lengths - 1) * part).astype(int)
        mid = markets.mids[at] / 10_000
        for low in np.arange(0.0, 1.0, 0.25):
            here = (mid >= low) & (mid < low + 0.25)
            error = np.sqrt((mid[here] * (1 - mid[here])).sum()) / here.sum()
            gap = (markets.resolution[settled][here] == YES).mean() - mid[here].mean()
            assert here.sum() > 50
            assert abs(gap) < 4 * error


def test_mids_have_no_drift_from_step_to_step():
    markets = _many()
    change = np.diff(markets.mids) / 10_000
    change = np.delete(change, markets.first[1:-1] - 1)
    assert abs(change.mean()) < 4 * change.std() / np.sqrt(len(change))


def test_moves_of_three_points_in_five_minutes_are_rare_outside_games_and_common_in_them():
    markets = _many()
    cells = all_markets.cells(markets)
    change = np.abs(np.diff(markets.mids, append=0))
    inside = cells.tradeable & (np.diff(cells.market, append=-1) == 0)
    assert 0.0005 < (change[inside & ~cells.live] >= 300).mean() < 0.01
    assert 0.2 < (change[inside & cells.live] >= 300).mean() < 0.6


def test_the_dates_of_a_market_follow_each_other():
    markets, parameters = world().markets, world().parameters
    begin, finish = start_ms(parameters), finish_ms(parameters)
    sports = markets.category == CATEGORIES.index("sports")
    assert (markets.game_start_ms[~sports] == NEVER).all()
    assert (markets.game_start_ms[sports] >= markets.opens_ms[sports]).all()
    assert (markets.game_start_ms[sports] < markets.closes_ms[sports]).all()
    assert (markets.opens_ms < markets.closes_ms).all()
    assert (markets.end_ms >= markets.closes_ms + HOUR_MS).all()
    assert (markets.first_ms == np.maximum(markets.opens_ms, begin)).all()
    last_ms = markets.first_ms + np.diff(markets.first) * markets.grid_ms
    assert (last_ms == np.minimum(markets.closes_ms, finish)).all()
    known = markets.resolution != UNRESOLVED
    assert (markets.resolves_ms[known] > markets.closes_ms[known]).all()
    assert (markets.resolves_ms[known] < finish).all()
    assert (markets.resolves_ms[~known] == NEVER).all()
    assert set(np.unique(markets.resolution)) >= {YES, NO, UNRESOLVED}


def test_every_category_and_only_fair_prices():
    markets = world().markets
    assert set(markets.category) == set(range(len(CATEGORIES)))
    assert markets.mids.min() >= 10
    assert markets.mids.max() <= 9_990


def test_mid_at_holds_the_earlier_point_and_stays_inside_the_market():
    markets = world().markets
    one = np.array([7])
    first = markets.first[7]
    start = markets.first_ms[one]
    assert markets.mid_at(one, start + markets.grid_ms - 1) == markets.mids[first]
    assert markets.mid_at(one, start + markets.grid_ms) == markets.mids[first + 1]
    assert markets.mid_at(one, start - DAY_MS) == markets.mids[first]
    assert markets.mid_at(one, start + 1_000 * DAY_MS) == markets.mids[markets.first[8] - 1]
