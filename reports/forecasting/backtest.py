"""The forecast's model on one series by itself: the same models, origins, score and interval, without operators."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from predictu import money
from reports.forecasting import evaluation, models
from reports.forecasting.models import SEASONAL_NAIVE, THETA_ETS, Days


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many intervals could be tested, the first ones having no finished forecasts to be made from, and held."""

    tested: int
    held: int

    @property
    def pct(self) -> Decimal | None:
        return money.percent(Decimal(self.held), Decimal(self.tested)) if self.tested else None


@dataclass(frozen=True, slots=True)
class Backtest:
    """``mase`` is the statistical model's, the coverage that of the forecast which would be stored: ``model``.

    ``whole`` counts the intervals of the sum over the horizon. They overlap: on a short series a handful of errors
    decides all of them. ``shorter`` counts those of the sums of its first day, its first two and so on to all of them,
    each calibrated by its own past errors; of short sums many more are over, and hardly overlap.
    """

    mase: Decimal | None
    whole: Coverage
    shorter: Coverage
    origins: int
    model: str | None


ENOUGH = 40
"""With fewer origins too few intervals are tested to tell one that holds in 80 of 100 from one that always does."""


def run(values: Days, *, horizon: int, most: int, every: int | None = None) -> Backtest:
    """Rolling origins over ``values``; ``model`` is None when there are no past days to score ``horizon`` days on.

    ``every`` is the days between origins: when None as many as in the stored forecast's own score, one a day where that
    would not be ENOUGH origins.
    """
    at = evaluation.origins(len(values), horizon=horizon, lead=0, most=most, every=every or evaluation.STEP)
    if every is None and len(at) < ENOUGH:
        at = evaluation.origins(len(values), horizon=horizon, lead=0, most=most, every=1)
    if not at:
        return Backtest(None, Coverage(0, 0), Coverage(0, 0), 0, None)
    model = _kept(lambda origin: models.theta_ets(values[:origin], horizon))
    naive = _kept(lambda origin: models.seasonal_naive(values[:origin], horizon))
    verdict = evaluation.judge(values, model, naive, at=at, horizon=horizon, lead=0)
    stored = model if verdict.wins else naive
    shorter = [
        evaluation.calibrate(evaluation.replay(values, stored, at=at, horizon=days, lead=0), now=len(values))
        for days in range(1, horizon + 1)
    ]
    return Backtest(
        mase=verdict.mase,
        whole=Coverage(verdict.calibration.tested, verdict.calibration.held),
        shorter=Coverage(sum(each.tested for each in shorter), sum(each.held for each in shorter)),
        origins=len(at),
        model=THETA_ETS if verdict.wins else SEASONAL_NAIVE,
    )


def _kept(path_at: Callable[[int], Days]) -> Callable[[int], Days]:
    """Every origin's path is made once."""
    return lru_cache(maxsize=None)(path_at)
