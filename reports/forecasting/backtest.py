"""The forecast's model on one series by itself: the same models, origins, score and interval, without operators."""

from dataclasses import dataclass
from decimal import Decimal

from reports.forecasting import evaluation, models
from reports.forecasting.models import SEASONAL_NAIVE, THETA_ETS, Days


@dataclass(frozen=True, slots=True)
class Backtest:
    """``mase`` is the statistical model's, ``coverage_pct`` that of the forecast which would be stored: ``model``."""

    mase: Decimal | None
    coverage_pct: Decimal | None
    origins: int
    model: str | None


def run(values: Days, *, horizon: int, most: int) -> Backtest:
    """Rolling origins over ``values``; ``model`` is None when there are no past days to score ``horizon`` days on."""
    at = evaluation.origins(len(values), horizon=horizon, lead=0, most=most)
    if not at:
        return Backtest(None, None, 0, None)
    verdict = evaluation.judge(
        values,
        lambda origin: models.theta_ets(values[:origin], horizon),
        lambda origin: models.seasonal_naive(values[:origin], horizon),
        at=at,
        horizon=horizon,
        lead=0,
    )
    stored = THETA_ETS if verdict.wins else SEASONAL_NAIVE
    return Backtest(verdict.mase, verdict.calibration.coverage_pct, len(at), stored)
