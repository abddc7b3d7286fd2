import math
from decimal import Decimal as D

import numpy as np
import pytest

from reports.forecasting import evaluation
from reports.forecasting.evaluation import PastForecast


def past(origin, projected, actual, *, due=None):
    return PastForecast(origin, due if due is not None else origin, projected, actual, 0.0)


def test_origins_lie_eight_days_apart_back_from_the_end():
    assert evaluation.origins(100, horizon=30, lead=1, most=26) == [28, 36, 44, 52, 60, 68]
    assert evaluation.origins(100, horizon=32, lead=0, most=26) == [28, 36, 44, 52, 60, 68]
    assert evaluation.origins(100, horizon=33, lead=0, most=26) == [28, 36, 44, 52, 60]
    assert evaluation.origins(58, horizon=30, lead=1, most=26) == []


def test_too_many_origins_become_every_other_one():
    assert evaluation.origins(100, horizon=30, lead=1, most=5) == [36, 52, 68]
    assert evaluation.origins(100, horizon=30, lead=1, most=2) == [52, 68]


@pytest.mark.parametrize(
    ("length", "horizon", "scored"),
    [(59, 30, None), (60, 30, 7), (67, 30, 7), (68, 30, 15), (84, 30, 30), (84, 90, 31), (400, 90, 90)],
)
def test_a_short_history_is_scored_over_the_longest_horizon_four_forecasts_allow(length, horizon, scored):
    assert evaluation.scorable_horizon(length, horizon=horizon, lead=1) == scored
    if scored:
        assert len(evaluation.origins(length, horizon=scored, lead=1, most=99)) >= 4


def test_a_forecast_is_replayed_from_what_was_known_and_skips_the_lead():
    actual = np.arange(10.0)

    def path_at(origin):
        return np.full(5, float(origin))

    assert evaluation.replay(actual, path_at, at=[3, 5], horizon=3, lead=1) == [
        PastForecast(3, 7, 9.0, 15.0, 2.0),
        PastForecast(5, 9, 15.0, 21.0, 2.0),
    ]


def test_mase_is_the_error_over_seasonal_naives():
    model = [PastForecast(0, 1, 0, 0, 1.0), PastForecast(1, 2, 0, 0, 2.0)]
    naive = [PastForecast(0, 1, 0, 0, 4.0), PastForecast(1, 2, 0, 0, 5.0)]
    assert evaluation.mase(model, naive) == D("0.33")
    assert evaluation.mase(model, [PastForecast(0, 1, 0, 0, 0.0)]) is None


@pytest.mark.parametrize(
    ("projected", "actual", "factor"),
    [(100, 200, 2), (200, 100, 2), (0, 0, 1), (100, 0, 20), (0, 100, 20), (-5, 100, 20), (1, 1000, 20)],
)
def test_twice_too_much_is_as_wrong_as_twice_too_little(projected, actual, factor):
    assert past(0, projected, actual).wrongness == pytest.approx(math.log(factor))


def test_the_interval_is_a_factor_either_way():
    assert evaluation.interval(100, math.log(2)) == pytest.approx((50, 200))
    assert evaluation.interval(-100, math.log(2)) == pytest.approx((-200, -50))
    assert evaluation.interval(0, 1) == (0, 0)


def test_the_widest_interval_is_twentyfold_and_reaches_down_to_nothing():
    assert evaluation.interval(100, evaluation.WORST) == pytest.approx((0, 2_000))
    assert evaluation.interval(-100, evaluation.WORST) == pytest.approx((-2_000, 0))
    nothing = [past(day, 100, 0, due=day) for day in range(500)]
    assert 75 <= evaluation.calibrate(nothing, now=500).coverage_pct <= 85
    often = [past(day, 100, 0 if day % 2 else 100_000, due=day) for day in range(500)]
    assert evaluation.calibrate(often, now=500).width == evaluation.WORST, "many misses do not widen it for ever"


def test_four_finished_forecasts_make_an_interval_and_fewer_do_not():
    four = [past(day, 100, 100 * factor, due=50) for day, factor in ((1, 1.1), (2, 1.4), (3, 1.2), (4, 1.3))]
    assert evaluation.calibrate(four, now=50).width == pytest.approx(math.log(1.4))
    assert evaluation.calibrate(four, now=49).width is None
    assert evaluation.calibrate(four[:3], now=50).width is None


def test_an_older_error_weighs_less():
    old = [past(day, 100, 300, due=0) for day in range(2)]
    new = [past(10 + day, 100, 110, due=364) for day in range(4)]
    assert evaluation.calibrate(old + new, now=364).width == pytest.approx(math.log(1.1))


def test_a_miss_widens_the_interval_and_a_hit_narrows_it():
    four = [past(day, 100, 110, due=10) for day in range(4)]
    hit = evaluation.calibrate([*four, past(20, 100, 105, due=30)], now=30)
    assert (hit.tested, hit.held, hit.coverage_pct) == (1, 1, D("100.0"))
    assert hit.width == pytest.approx(math.log(1.1) * math.exp(-0.2 * 0.2))
    miss = evaluation.calibrate([*four, past(20, 100, 130, due=30)], now=30)
    assert (miss.tested, miss.held, miss.coverage_pct) == (1, 0, D("0.0"))
    # the four older errors are 77 % of the weight, so the 80 % quantile is the miss itself
    assert miss.width == pytest.approx(math.log(1.3) * math.exp(0.2 * 0.8))


def test_no_interval_sees_an_outcome_that_was_not_known_yet():
    four = [past(day, 100, 110, due=10) for day in range(4)]
    later = [past(20, 100, 500, due=60), past(30, 100, 111, due=70)]
    assert evaluation.calibrate([*four, *later], now=45) == evaluation.calibrate(
        [*four, past(20, 100, 900, due=60), later[1]], now=45
    )
    assert evaluation.calibrate([*four, *later], now=45).held == 0


def test_the_better_of_two_is_used_and_calibrated():
    actual = np.full(100, 10.0)
    at = list(range(30, 70, 8))
    close, far = (lambda origin: np.full(20, 11.0)), (lambda origin: np.full(20, 14.0))
    won = evaluation.judge(actual, close, far, at=at, horizon=20, lead=0)
    assert (won.mase, won.wins) == (D("0.25"), True)
    assert won.calibration.width == pytest.approx(math.log(1.1) * math.exp(-0.2 * 0.2 * won.calibration.tested))
    lost = evaluation.judge(actual, far, close, at=at, horizon=20, lead=0)
    assert (lost.mase, lost.wins) == (D("4.00"), False)
    assert lost.calibration == won.calibration
    assert not evaluation.judge(actual, close, close, at=at, horizon=20, lead=0).wins
