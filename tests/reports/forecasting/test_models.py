import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.forecasting import models
from tests.reports.forecasting import series

WEEK = np.array([10.0, 20, 30, 40, 50, 60, 70])


def test_seasonal_naive_repeats_the_last_week():
    history = np.concatenate([np.zeros(30), WEEK])
    assert list(models.seasonal_naive(history, 9)) == [10, 20, 30, 40, 50, 60, 70, 10, 20]


def test_the_weekly_profile_is_the_mean_of_four_weeks_by_weekday():
    history = np.concatenate([np.full(10, 999.0), WEEK, WEEK + 4, WEEK + 8, WEEK + 12])
    assert list(models.weekly_profile(history, 8)) == [16, 26, 36, 46, 56, 66, 76, 16]


def test_a_short_history_carries_its_mean_day_on_by_the_platforms_week():
    week = np.array([1.0, 1, 1, 1, 1, 0.5, 1.5])  # the last day's weekday is the strong one
    assert list(models.recent_mean(np.array([10.0, 30]), week, 8)) == [20, 20, 20, 20, 20, 10, 30, 20]
    assert list(models.recent_mean(np.array([]), week, 2)) == [0, 0]


def test_weekday_factors_average_one_and_follow_the_history():
    assert list(models.weekday_factors(np.tile(WEEK, 9))) == pytest.approx(WEEK / 40)
    assert list(models.weekday_factors(np.tile(WEEK, 2)[:13])) == [1] * 7
    assert list(models.weekday_factors(np.zeros(60))) == [1] * 7
    assert list(models.weekday_factors(np.tile(WEEK - 15, 8))) == [1] * 7


def test_theta_ets_continues_a_pure_week():
    assert models.theta_ets(np.tile(WEEK, 20), 30) == pytest.approx(np.resize(WEEK, 30), rel=0.01)


def test_theta_ets_continues_a_line_upwards():
    path = models.theta_ets(1000 + 10.0 * np.arange(200), 30)
    assert path[0] == pytest.approx(3000, rel=0.02)
    assert path[-1] > path[0] + 50


@pytest.mark.parametrize("history", [np.zeros(60), np.zeros(400)])
def test_nothing_earned_is_nothing_projected(history):
    assert not models.theta_ets(history, 90).any()


@pytest.mark.parametrize("history", [np.full(28, 5.0), np.full(400, 0.01), np.array([0.0] * 399 + [500.0])])
def test_degenerate_histories_stay_finite_and_not_negative(history):
    path = models.theta_ets(history, 90)
    assert np.isfinite(path).all()
    assert path.min() >= 0


def test_one_spike_does_not_outgrow_twice_the_best_four_weeks():
    history = np.full(200, 100.0)
    history[-1] = 100_000
    best = history[-28:].mean()
    assert models.theta_ets(history, 90).mean() <= 2 * best * (1 + 1e-9)


def test_days_taken_back_are_modelled_as_they_are():
    history = np.tile([100.0, 120, 90, 110, 100, -40, 95], 20)
    path = models.theta_ets(history, 14)
    assert path[5] == pytest.approx(-40, abs=5)
    assert path[0] == pytest.approx(100, abs=5)


def test_the_same_history_gives_the_same_path():
    history = series.weekly_season(5)
    assert (models.theta_ets(history, 91) == models.theta_ets(history.copy(), 91)).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=28, max_size=120))
def test_no_history_without_losses_projects_one(history):
    path = models.theta_ets(np.array(history), 91)
    assert np.isfinite(path).all()
    assert path.min() >= 0
