import csv
from dataclasses import fields, replace

import numpy as np
import pytest

from reports.simulation import markets as all_markets
from reports.simulation.intents import BUY, SELL
from reports.simulation.markets import DAY_MS, finish_ms, start_ms
from reports.simulation.parameters import POPULATIONS
from reports.simulation.players import NOBODY
from reports.simulation.world import external_id, simulate, write_labels
from tests.reports.simulation.worlds import small, world


def _arrays(world):
    for part in (world.markets, world.users, world.intents, world.labels):
        for field in fields(part):
            yield field.name, getattr(part, field.name)


def _bought_mid(world, rows, minutes):
    """Mid of the outcome of each intent, some minutes after it, in price."""
    intents, markets = world.intents, world.markets
    mid = markets.mid_at(intents.market[rows], intents.time_ms[rows] + minutes * 60_000)
    return np.where(intents.outcome[rows] == 1, mid, 10_000 - mid) / 10_000


def test_the_same_seed_gives_the_same_world():
    again = simulate(parameters=small(), seed=5)
    for (name, here), (_, there) in zip(_arrays(world()), _arrays(again), strict=True):
        assert np.array_equal(here, there), name


def test_another_seed_gives_another_world():
    other = world(seed=6)
    assert not np.array_equal(world().intents.user, other.intents.user)
    assert not np.array_equal(world().labels.population, other.labels.population)


def test_sizes_come_out_exactly():
    sizes = world().parameters
    assert len(world().intents.user) == sizes.trades == 40_000
    assert len(world().users.operator) == sizes.users
    assert set(world().users.operator) == set(range(sizes.operators))
    counts = np.bincount(world().labels.population)
    assert counts.tolist() == [2700, 45, 30, 30, 45, 150]


def test_intents_are_in_order_and_inside_the_days_and_after_registration():
    intents, parameters = world().intents, world().parameters
    assert (np.diff(intents.time_ms) >= 0).all()
    assert intents.time_ms[0] >= start_ms(parameters)
    assert intents.time_ms[-1] < finish_ms(parameters)
    assert (intents.time_ms > world().users.signup_ms[intents.user]).all()


def test_every_intent_finds_its_market_open():
    intents, markets = world().intents, world().markets
    cell = markets.cell(intents.market, intents.time_ms)
    cells = all_markets.cells(markets)
    assert (cells.market[cell] == intents.market).all()
    assert (intents.time_ms - cells.time_ms[cell] < markets.grid_ms).all()
    assert cells.tradeable[cell].all()


def test_a_sale_follows_a_buy_of_the_same_outcome_and_nothing_is_sold_twice_in_a_row():
    intents = world().intents
    position = (intents.user * 10_000 + intents.market) * 2 + intents.outcome
    order = np.lexsort((intents.time_ms, position))
    side, same = intents.side[order], np.diff(position[order], prepend=-1) == 0
    sells = np.flatnonzero(side == SELL)
    assert 3_000 < len(sells) <= 4_000
    assert same[sells].all()
    assert (side[sells - 1] == BUY).all()


def test_stakes_keep_to_the_limit_of_the_tier():
    intents, users, parameters = world().intents, world().users, world().parameters
    buys = np.flatnonzero(intents.side == BUY)
    stake, user = intents.stake_cents[buys], intents.user[buys]
    assert (intents.stake_cents[intents.side == SELL] == 0).all()
    assert stake.min() == 100
    assert stake[users.vip[user]].max() == 100_000
    assert stake[~users.vip[user]].max() == 10_000
    young = intents.time_ms[buys] < users.signup_ms[user] + parameters.new_days * DAY_MS
    assert stake[young & ~users.vip[user]].max() == 1_000
    first = np.unique(user, return_index=True)[1]
    assert stake[first][~users.vip[user[first]]].max() == 1_000


def test_only_the_informed_gain():
    for population, low, high in (("recreational", 0, 0), ("whale", 0, 0), ("sharp", 0.02, 0.05)):
        mine = world().labels.population == POPULATIONS.index(population)
        assert world().labels.edge[mine].min() >= low
        assert world().labels.edge[mine].max() <= high
        rows = np.flatnonzero((world().intents.side == BUY) & mine[world().intents.user])
        gain = _bought_mid(world(), rows, 60) - _bought_mid(world(), rows, 0)
        error = gain.std() / np.sqrt(len(rows))
        promised = world().labels.edge[world().intents.user[rows]].mean()
        assert abs(gain.mean() - promised) < max(4 * error, 0.005)


@pytest.mark.parametrize(("name", "low", "high"), [("edge-5", 0.05, 0.05), ("edge-1-3", 0.01, 0.03)])
def test_the_evaluation_sets_give_sharps_the_edge_they_name(name, low, high):
    here = world(name)
    sharp = here.labels.population == POPULATIONS.index("sharp")
    assert here.labels.edge[sharp].min() >= low
    assert here.labels.edge[sharp].max() <= high
    rows = np.flatnonzero((here.intents.side == BUY) & sharp[here.intents.user])
    gain = (_bought_mid(here, rows, 60) - _bought_mid(here, rows, 0)).mean()
    assert abs(gain - here.labels.edge[here.intents.user[rows]].mean()) < 0.01


def test_syndicates_have_three_to_ten_accounts_that_bet_together():
    labels, intents = world().labels, world().intents
    members = labels.syndicate != NOBODY
    assert (labels.population[members] == POPULATIONS.index("syndicate")).all()
    sizes = np.bincount(labels.syndicate[members])
    assert sizes.sum() == 30
    assert sizes.min() >= 3
    assert sizes.max() <= 10
    bet = intents.market * 2 + intents.outcome
    for number in range(len(sizes)):
        mine = np.flatnonzero(labels.syndicate[intents.user] == number)
        first = intents.user[mine] == intents.user[mine[0]]
        here, others = mine[first], mine[~first]
        near = np.abs(intents.time_ms[here][:, None] - intents.time_ms[others]) <= 150_000
        met = near & (bet[here][:, None] == bet[others])
        assert len(here) > 10
        assert met.any(axis=1).mean() > 0.3


def test_a_number_tells_nothing_about_its_player():
    population = world().labels.population
    half = len(population) // 2
    informed = np.isin(population, [1, 2, 3])
    assert abs(int(informed[:half].sum()) - int(informed[half:].sum())) < 40


def test_labels_go_to_a_side_file(tmp_path):
    path = tmp_path / "labels.csv"
    write_labels(world=world(), path=path)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert len(rows) == 3_000
    assert rows[17]["external_id"] == external_id(17) == "sim_000017"
    number = int(np.flatnonzero(world().labels.syndicate == 2)[0])
    assert rows[number]["population"] == "syndicate"
    assert rows[number]["syndicate"] == "2"
    assert rows[number]["edge_points"] == f"{world().labels.edge[number] * 100:.2f}"


def test_what_the_scorer_may_see_holds_no_label():
    seen = {field.name for part in (world().users, world().intents, world().markets) for field in fields(part)}
    assert not seen & {field.name for field in fields(world().labels)}


def test_too_little_to_trade_is_said():
    decided = {name: replace(kind, information_per_day=1e6) for name, kind in small().categories.items()}
    with pytest.raises(ValueError, match="too few moments"):
        simulate(parameters=small(categories=decided), seed=1)
