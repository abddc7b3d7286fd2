from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from reports import backtest
from reports.simulation.appraisal import appraise
from reports.simulation.intents import BUY, Intents
from reports.simulation.markets import DAY_MS, NEVER, UNRESOLVED, start_ms
from reports.simulation.parameters import PARAMETER_SETS, POPULATIONS
from reports.simulation.world import simulate
from risk.scoring import Thresholds
from tests.reports.simulation.worlds import world

THRESHOLDS = Thresholds(sharp=60, restricted=80)
SECOND_SEED = 2026
"""Not looked at while the scorer was written."""


def _appraise(world, day, resolved_from=30):
    at_ms = start_ms(world.parameters) + day * DAY_MS
    return appraise(world=world, at_ms=at_ms, resolved_from=resolved_from, thresholds=THRESHOLDS)


def test_players_with_enough_resolved_trades_are_evaluated():
    found = _appraise(world(), 30)
    assert 50 < len(found.user) < 400
    assert min(evaluation.sample_size for evaluation in found.evaluations) >= 30
    scores = found.scores()
    assert list(scores) == ["score", "win_rate", "edge_detection", "timing", "volume_pattern", "correlation"]
    assert np.array_equal(scores["score"], sum(scores[name] for name in list(scores)[1:]))


def test_values_are_those_of_the_players_trades():
    here = world()
    found = _appraise(here, 30)
    at_ms = start_ms(here.parameters) + 30 * DAY_MS
    intents = here.intents
    for user, evaluation in zip(found.user[:40], found.evaluations[:40], strict=True):
        mine = (intents.user == user) & (intents.time_ms <= at_ms) & (intents.side == BUY)
        stakes = intents.stake_cents[mine]
        steady = max(0.0, 1 - stakes.std() / stakes.mean())
        assert float(evaluation.components["volume_pattern"].value) == pytest.approx(steady, abs=0.002)


def test_what_happens_later_is_not_known():
    here = world()
    at_ms = start_ms(here.parameters) + 30 * DAY_MS
    then = here.intents.time_ms <= at_ms
    markets = here.markets
    owner = np.repeat(np.arange(len(markets.category)), np.diff(markets.first))
    times = markets.first_ms[owner] + (np.arange(len(owner)) - markets.first[owner]) * markets.grid_ms
    open_still = markets.resolves_ms > at_ms
    past = replace(
        here,
        intents=Intents(*(getattr(here.intents, name)[then] for name in Intents.__slots__)),
        markets=replace(
            markets,
            mids=np.where(times <= at_ms, markets.mids, 1),
            resolution=np.where(open_still, UNRESOLVED, markets.resolution),
            resolves_ms=np.where(open_still, NEVER, markets.resolves_ms),
        ),
    )
    whole, cut = _appraise(here, 30), _appraise(past, 30)
    assert np.array_equal(whole.user, cut.user)
    assert whole.evaluations == cut.evaluations


@cache
def _second(name):
    """Scores at day 90 of the full-size world of the second seed, and each player's population."""
    there = simulate(parameters=PARAMETER_SETS[name], seed=SECOND_SEED)
    found = _appraise(there, 90)
    return found.scores(), there.labels.population[found.user]


def _against_recreational(name, *informed):
    scores, population = _second(name)
    informed = [POPULATIONS.index(kind) for kind in informed]
    kept = np.isin(population, [POPULATIONS.index("recreational"), *informed])
    return backtest.judge(
        scores={kind: values[kept] for kind, values in scores.items()},
        sharp=np.isin(population[kept], informed),
        rng=np.random.default_rng(1),
    )


@pytest.mark.slow
def test_five_points_of_edge_are_seen_better_than_by_any_component():
    found = _against_recreational("edge-5", "sharp")
    assert found.sharp > 250
    assert found.verdict("score").auc >= 0.9
    assert found.verdict("score").auc == max(verdict.auc for verdict in found.verdicts)
    assert found.verdict("score").lift[0] > 6
    assert abs(found.shuffled_auc - 0.5) <= 0.03


@pytest.mark.slow
def test_one_to_three_points_of_edge_are_seen_better_than_by_any_component():
    found = _against_recreational("edge-1-3", "sharp")
    assert found.sharp > 250
    assert found.verdict("score").auc >= 0.75
    assert found.verdict("score").auc == max(verdict.auc for verdict in found.verdicts)
    assert found.verdict("win_rate").auc > 0.5
    assert abs(found.shuffled_auc - 0.5) <= 0.03


@pytest.mark.slow
def test_all_the_informed_together_are_seen_with_one_to_three_points():
    found = _against_recreational("edge-1-3", "sharp", "value", "syndicate")
    assert found.verdict("score").auc >= 0.75
    assert found.verdict("score").auc == max(verdict.auc for verdict in found.verdicts)
