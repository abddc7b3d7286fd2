"""The models: from a daily history, the mean path of the days that follow. statsmodels does the statistics.

A history is an array of dollars a day whose last element is the last known day; a path is an array of the days after.
"""

import warnings

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.float64]

THETA_ETS = "theta+ets"
SEASONAL_NAIVE = "seasonal_naive"
RECENT_MEAN = "recent_mean"

WEEK = 7
MIN_HISTORY = 28
"""Below four weeks there is neither a trend nor a season to estimate."""

WINDOW = 26 * WEEK
"""What the statistical model looks at: half a year. Older days say more about what the business was than what it is."""

MAX_GROWTH = 2
"""A path averages at most this multiple of the best four weeks on record: one spike is not the new normal."""


def seasonal_naive(history: Days, days: int) -> Days:
    """The last week again and again: what every model has to beat."""
    return _repeat(history[-WEEK:], days)


def weekly_profile(history: Days, days: int) -> Days:
    """The weekday means of the last four weeks, repeated: business as it has just been, without a trend."""
    return _repeat(_weekday_means(history, weeks=4), days)


def theta_ets(history: Days, days: int) -> Days:
    """The mean of a Theta model and of additive seasonal exponential smoothing, over the last half year.

    Theta runs on the square root of revenue, seasonally adjusted by STL: the root keeps the noise even while a business
    grows, the trend is half the least-squares slope. Exponential smoothing runs on revenue itself and follows the level
    and a changing week. In rolling-origin trials on trending, seasonal, shifting, intermittent and flat series no other
    pair did better throughout. A history with negative days (more taken back than earned) is modelled as it is, without
    the root and without the floor at zero.
    """
    window = history[-WINDOW:]
    if not window.any():
        return np.zeros(days)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = (_theta(window, days) + _seasonal_smoothing(window, days)) / 2
    if not np.isfinite(path).all():
        return weekly_profile(history, days)
    return _bounded(history, path)


def recent_mean(since_start: Days, week: Days, days: int) -> Days:
    """A short history carried on: its mean day, shaped by ``week``, without a trend.

    ``week`` holds the platform's weekday factors in the order of the history's last seven days.
    """
    weight = np.resize(week[::-1], len(since_start)).sum()
    level = since_start.sum() / weight if weight > 0 else 0.0
    return level * _repeat(week, days)


def weekday_factors(history: Days) -> Days:
    """The last seven days' weekdays against the mean day, over up to eight weeks; ones when there is no telling."""
    if len(history) < 2 * WEEK:
        return np.ones(WEEK)
    means = _weekday_means(history, weeks=8)
    if means.min() < 0 or means.sum() <= 0:
        return np.ones(WEEK)
    return means / means.mean()


def _theta(window: Days, days: int) -> Days:
    # statsmodels takes seconds and 150 MB to load, which a process that forecasts nothing is spared.
    from statsmodels.tsa.forecasting.theta import ThetaModel
    from statsmodels.tsa.seasonal import STL

    rooted = window.min() >= 0
    values = np.sqrt(window) if rooted else window
    parts = STL(values, period=WEEK, seasonal=5 * WEEK, trend=4 * WEEK + 1).fit()
    season = np.asarray(parts.seasonal)
    model = ThetaModel(values - season, period=WEEK, deseasonalize=False).fit()
    path = np.asarray(model.forecast(days), dtype=float) + _repeat(season[-WEEK:], days)
    if not rooted:
        return path
    # Squaring a mean of roots gives less than the mean of revenue; the past says by how much.
    smooth = np.maximum(season + np.asarray(parts.trend), 0) ** 2
    return np.maximum(path, 0) ** 2 * (window.sum() / smooth.sum() if smooth.any() else 1.0)


def _seasonal_smoothing(window: Days, days: int) -> Days:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    model = ExponentialSmoothing(window, seasonal="add", seasonal_periods=WEEK, initialization_method="heuristic")
    return np.asarray(model.fit(use_brute=False).forecast(days), dtype=float)


def _bounded(history: Days, path: Days) -> Days:
    if history.min() < 0:
        return path
    path = np.maximum(path, 0)
    best = np.convolve(history, np.full(MIN_HISTORY, 1 / MIN_HISTORY), "valid").max()
    mean = path.mean()
    return path * min(1.0, MAX_GROWTH * best / mean) if mean > 0 else path


def _weekday_means(history: Days, *, weeks: int) -> Days:
    whole = min(weeks, len(history) // WEEK)
    return history[-whole * WEEK :].reshape(whole, WEEK).mean(axis=0)


def _repeat(week: Days, days: int) -> Days:
    return np.resize(week, days)
