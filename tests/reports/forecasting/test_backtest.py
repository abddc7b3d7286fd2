import numpy as np

from reports.forecasting import backtest
from reports.forecasting.backtest import Backtest, Coverage
from tests.reports.forecasting import series


def test_five_kinds_of_series_are_beaten_and_covered():
    results = {kind.__name__: backtest.run(kind(1), horizon=30, most=200) for kind in series.KINDS}
    assert {name: one.model for name, one in results.items()} == dict.fromkeys(results, "theta+ets")
    assert all(one.origins == 43 for one in results.values())
    assert all(one.mase < 1 for one in results.values()), results
    covered = [name for name, one in results.items() if 70 <= one.whole.pct <= 90]
    assert len(covered) >= 4, results
    assert all(70 <= one.shorter.pct <= 90 for one in results.values()), results
    assert all((one.whole.tested, one.shorter.tested > 1_000) == (36, True) for one in results.values())


def test_a_pure_week_leaves_nothing_to_beat():
    week = np.tile([10.0, 20, 30, 40, 50, 60, 70], 20)
    assert backtest.run(week, horizon=30, most=200, every=8) == Backtest(
        None, Coverage(4, 4), Coverage(168, 168), 11, "seasonal_naive"
    )


def test_a_short_series_is_forecast_from_every_day():
    weeks = np.tile([10.0, 20, 30, 40, 50, 60, 70], 7)
    found, daily, weekly = (backtest.run(weeks, horizon=7, most=200, every=every) for every in (None, 1, 8))
    assert found == daily != weekly
    assert found.origins == 49 - 28 - 7 + 1


def test_a_series_too_short_for_the_horizon_is_not_scored():
    assert backtest.run(np.ones(57), horizon=30, most=200) == Backtest(None, Coverage(0, 0), Coverage(0, 0), 0, None)
