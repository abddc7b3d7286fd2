"""Rolling-origin evaluation: what the forecasts of the past would have been, how wrong, and the interval that follows.

Days are counted from the start of the history; a forecast with origin ``k`` was made knowing the days before ``k``.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from predictu import money
from reports.forecasting.models import MIN_HISTORY, Days

CONFIDENCE = 0.8
STEP = 8
"""Days between origins: a week and a day, so that every weekday has its turn."""

MIN_PAST = 4
"""Four finished forecasts are the fewest whose 80 % quantile is not simply beyond the worst of them."""

HALF_LIFE_DAYS = 91
"""An error a quarter older weighs half: forecasts get better as history grows, and businesses change."""

GAIN = 0.2
"""How much one miss widens the interval (log scale); a hit narrows it by a quarter of that, so four in five hold."""

WORST = math.log(20)
"""Beyond a factor of 20 (or a zero on either side) being more wrong is not counted as more wrong."""


@dataclass(frozen=True, slots=True)
class PastForecast:
    """One forecast made again at an earlier day, with what happened: sums over the horizon, mean daily error."""

    origin: int
    due: int
    projected: float
    actual: float
    daily_error: float

    @property
    def wrongness(self) -> float:
        """|log(actual ÷ projected)|: the same for twice too much and twice too little."""
        if self.actual == self.projected:
            return 0.0
        if self.actual <= 0 or self.projected <= 0:
            return WORST
        return min(WORST, abs(math.log(self.actual / self.projected)))


def origins(length: int, *, horizon: int, lead: int, most: int, every: int = STEP) -> list[int]:
    """Days to forecast from again, newest last: ``every`` so many, or twice that where it would be over ``most``."""
    steps = list(range(math.ceil((horizon + lead) / every), (length - MIN_HISTORY) // every + 1))
    if len(steps) > most:
        steps = steps[::2][:most]
    return [length - every * step for step in reversed(steps)]


def scorable_horizon(length: int, *, horizon: int, lead: int) -> int | None:
    """The horizon that can be scored: the wanted one, or the longest that has enough finished forecasts behind it."""
    steps = (length - MIN_HISTORY) // STEP - (MIN_PAST - 1)
    return min(horizon, steps * STEP - lead) if steps > 0 else None


PathAt = Callable[[int], Days]
"""The path some model gives from an origin: it begins with the origin's own day."""


def replay(actual: Days, path_at: PathAt, *, at: Sequence[int], horizon: int, lead: int) -> list[PastForecast]:
    """The forecasts from each origin in ``at`` against what happened; a path's first ``lead`` days belong to none."""
    past = []
    for origin in at:
        first, due = origin + lead, origin + lead + horizon
        path, happened = path_at(origin)[lead : lead + horizon], actual[first:due]
        error = float(np.abs(happened - path).mean())
        past.append(PastForecast(origin, due, float(path.sum()), float(happened.sum()), error))
    return past


def mase(model: Sequence[PastForecast], naive: Sequence[PastForecast]) -> Decimal | None:
    """Mean absolute daily error against seasonal naive's over the same days, to two places.

    None when seasonal naive made no error, so that nothing can be better.
    """
    reference = sum(one.daily_error for one in naive)
    return money.rounded(Decimal(sum(one.daily_error for one in model) / reference), 2) if reference > 0 else None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The interval in force: ``width`` on the log scale (None: too few finished forecasts), and how it did so far."""

    width: float | None
    tested: int
    held: int

    @property
    def coverage_pct(self) -> Decimal | None:
        return money.percent(Decimal(self.held), Decimal(self.tested)) if self.tested else None


def calibrate(past: Sequence[PastForecast], *, now: int) -> Calibration:
    """An adaptive conformal interval of the sum, and its coverage had it been used all along.

    At every origin the width is the 80 % quantile of the errors then known, recent ones weighing more, widened for each
    earlier interval that missed and narrowed for each that held. No interval sees its own outcome or a later one.
    """
    verdicts: dict[int, bool] = {}
    for one in past:
        width = _width(past, verdicts, now=one.origin)
        if width is not None:
            low, high = interval(one.projected, width)
            verdicts[one.origin] = low <= one.actual <= high
    return Calibration(_width(past, verdicts, now=now), len(verdicts), sum(verdicts.values()))


def interval(projected: float, width: float) -> tuple[float, float]:
    """``projected`` divided and multiplied by the factor a width stands for; WORST reaches down to nothing at all."""
    ends = projected * math.exp(-width) if width < WORST else 0.0, projected * math.exp(width)
    return min(ends), max(ends)


def _width(past: Sequence[PastForecast], verdicts: dict[int, bool], *, now: int) -> float | None:
    known = sorted((one for one in past if one.due <= now), key=lambda one: one.wrongness)
    if len(known) < MIN_PAST:
        return None
    weights = np.array([0.5 ** ((now - one.due) / HALF_LIFE_DAYS) for one in known])
    rank = int(np.searchsorted(np.cumsum(weights) / weights.sum(), CONFIDENCE))
    judged = [verdicts[one.origin] for one in known if one.origin in verdicts]
    misses = judged.count(False)
    drift = misses * CONFIDENCE - (len(judged) - misses) * (1 - CONFIDENCE)
    return min(WORST, known[min(rank, len(known) - 1)].wrongness * math.exp(GAIN * drift))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What rolling origins say of a model: it ``wins`` where its MASE is below 1; the calibration is the winner's."""

    mase: Decimal | None
    wins: bool
    calibration: Calibration


def judge(actual: Days, model: PathAt, naive: PathAt, *, at: Sequence[int], horizon: int, lead: int) -> Verdict:
    """``model`` against ``naive`` from the same origins, and the interval of whichever is to be used."""
    tried = replay(actual, model, at=at, horizon=horizon, lead=lead)
    reference = replay(actual, naive, at=at, horizon=horizon, lead=lead)
    ratio = mase(tried, reference)
    wins = ratio is not None and ratio < 1
    return Verdict(ratio, wins, calibrate(tried if wins else reference, now=len(actual)))
