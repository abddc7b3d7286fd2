"""Projected gross revenue of the days that begin tomorrow: bottom-up, scored against its own past, exact to the cent.

A pure module: the operators' daily revenue and the instant go in, the documented answer comes out. A model that does
not beat seasonal naive over its rolling origins is not used, and the answer says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from predictu import clock, money
from reports.forecasting import evaluation, models
from reports.forecasting.evaluation import CONFIDENCE, Verdict
from reports.forecasting.models import MIN_HISTORY, RECENT_MEAN, SEASONAL_NAIVE, THETA_ETS
from reports.forecasting.portfolio import Column, Operator, Portfolio

__all__ = ["HORIZONS", "Accuracy", "Driver", "Forecast", "Operator", "project"]

HORIZONS = (30, 60, 90)
LEAD = 1
"""Today is not over: it is neither history nor forecast."""

PATH_DAYS = LEAD + HORIZONS[-1]
"""Every path is as long as the longest horizon, so that all horizons share their fits."""

MOST_ORIGINS = 26
"""At most so many past forecasts are made again: enough for an 80 % quantile, and quick for many operators."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One part of the projection. Drivers add up to it."""

    factor: str
    impact_usd: Decimal


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How the stored model did from ``origins`` earlier days.

    ``mase`` is its mean absolute daily error over seasonal naive's, ``coverage_pct`` how often the interval held; None
    where history is too short to know. ``note`` says in words what the numbers cannot.
    """

    model: str
    mase: Decimal | None
    coverage_pct: Decimal | None
    origins: int
    note: str | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """A projection of ``horizon_days`` days. ``by_operator`` and ``series`` each add up to ``projected_usd``."""

    horizon_days: int
    generated_at: datetime
    projected_usd: Decimal
    low_usd: Decimal
    high_usd: Decimal
    growth_rate_pct: Decimal | None
    drivers: tuple[Driver, ...]
    by_operator: tuple[tuple[str, Decimal], ...]
    series: tuple[tuple[date, Decimal], ...]
    accuracy: Accuracy

    def document(self) -> dict[str, Any]:
        """The documented answer; amounts and percentages are Decimals."""
        return {
            "horizon": f"{self.horizon_days}d",
            "projected_revenue_usd": self.projected_usd,
            "confidence_interval": {
                "low_usd": self.low_usd,
                "high_usd": self.high_usd,
                "confidence_pct": round(CONFIDENCE * 100),
            },
            "growth_rate_pct": self.growth_rate_pct,
            "drivers": [{"factor": one.factor, "impact_usd": one.impact_usd} for one in self.drivers],
            "by_operator": [{"operator_slug": slug, "projected_usd": usd} for slug, usd in self.by_operator],
            "series": [{"date": day.isoformat(), "projected_usd": usd} for day, usd in self.series],
            "accuracy": {
                "mase": self.accuracy.mase,
                "coverage_pct": self.accuracy.coverage_pct,
                "origins": self.accuracy.origins,
                "model": self.accuracy.model,
                "note": self.accuracy.note,
            },
            "generated_at": clock.seconds(self.generated_at),
        }


def project(operators: Sequence[Operator], *, now: datetime) -> dict[int, Forecast]:
    """A forecast for each horizon in days. Revenue of today and later is not looked at."""
    portfolio = Portfolio(operators, yesterday=clock.day_start(now).date() - clock.DAY)
    return {days: _forecast(portfolio, days, now=now) for days in HORIZONS}


def _forecast(portfolio: Portfolio, days: int, *, now: datetime) -> Forecast:
    score = _score(portfolio, days)
    model = score.accuracy.model
    paths = [
        portfolio.operator_path(column, model, origin=portfolio.length, days=PATH_DAYS)[LEAD : LEAD + days]
        for column in portfolio.columns
    ]
    amounts = [_cents(path.sum()) for path in paths]
    projected = sum(amounts, money.ZERO)
    low, high = score.range_of(float(projected))
    by_day = money.split(projected, [Decimal(float(usd)) for usd in sum(paths, np.zeros(days))])
    tomorrow = clock.day_start(now).date() + clock.DAY
    by_operator = zip((column.operator.slug for column in portfolio.columns), amounts, strict=True)
    return Forecast(
        horizon_days=days,
        generated_at=now,
        projected_usd=projected,
        low_usd=_cents(low),
        high_usd=_cents(high),
        growth_rate_pct=_growth(projected, _cents(portfolio.total[-days:].sum())),
        drivers=tuple(_drivers(portfolio, amounts, days)),
        by_operator=tuple(sorted(by_operator, key=lambda pair: (-pair[1], pair[0]))),
        series=tuple((tomorrow + offset * clock.DAY, usd) for offset, usd in enumerate(by_day)),
        accuracy=score.accuracy,
    )


@dataclass(frozen=True, slots=True)
class _Score:
    """The model chosen and how sure it is: a tested ``width``, or else ``days_range``, the spread of single days."""

    accuracy: Accuracy
    width: float | None
    days_range: tuple[float, float]

    def range_of(self, projected: float) -> tuple[float, float]:
        if self.width is not None:
            return evaluation.interval(projected, self.width)
        return min(projected, self.days_range[0]), max(projected, self.days_range[1])


def _score(portfolio: Portfolio, days: int) -> _Score:
    known = portfolio.length
    tail = (1 - CONFIDENCE) / 2
    spread = np.quantile(portfolio.total, [tail, 1 - tail]) * days if known else np.zeros(2)
    days_range = float(spread[0]), float(spread[1])
    scored = evaluation.scorable_horizon(known, horizon=days, lead=LEAD)
    if scored is None:
        return _Score(Accuracy(RECENT_MEAN, None, None, 0, _too_short(known)), None, days_range)

    at = evaluation.origins(known, horizon=scored, lead=LEAD, most=MOST_ORIGINS)
    verdict = evaluation.judge(
        portfolio.total,
        lambda origin: portfolio.path(THETA_ETS, origin=origin, days=PATH_DAYS),
        lambda origin: portfolio.path(SEASONAL_NAIVE, origin=origin, days=PATH_DAYS),
        at=at,
        horizon=scored,
        lead=LEAD,
    )
    held = verdict.calibration
    accuracy = Accuracy(
        model=THETA_ETS if verdict.wins else SEASONAL_NAIVE,
        mase=verdict.mase if verdict.wins else money.rounded(money.ONE, 2),
        coverage_pct=held.coverage_pct,
        origins=len(at),
        note=_note(verdict, scored, days, known),
    )
    # Errors of a sum of equally uncertain days grow at least with the root of their number.
    width = held.width * (days / scored) ** 0.5 if held.width is not None else None
    return _Score(accuracy, width, days_range)


def _drivers(portfolio: Portfolio, amounts: Sequence[Decimal], days: int) -> list[Driver]:
    """New and suspended operators by name, the trend of the others, and the last four weeks carried on."""
    known = portfolio.length
    new, suspended, run_rate = [], [], []
    for column, amount in zip(portfolio.columns, amounts, strict=True):
        if column.suspended is not None:
            usual = _run_rate(column, known, days)
            suspended.append(Driver(f"Suspended operator ({column.operator.name})", -usual))
            run_rate.append(usual)
        elif column.is_young_at(known):
            new.append(Driver(f"New operator ({column.operator.name}) onboarding", amount))
        else:
            run_rate.append(_run_rate(column, known, days))
    baseline = sum(run_rate, money.ZERO)
    named = [one for one in (*new, *suspended) if one.impact_usd]
    trend = sum(amounts, money.ZERO) - baseline - sum((one.impact_usd for one in named), money.ZERO)
    if trend:
        named.append(Driver("Trend of established operators", trend))
    return [*named, Driver("Seasonal baseline", baseline)]


def _run_rate(column: Column, known: int, days: int) -> Decimal:
    history = np.concatenate([np.zeros(max(0, MIN_HISTORY - known)), column.values])
    return _cents(models.weekly_profile(history, LEAD + days)[LEAD:].sum())


def _growth(projected: Decimal, before: Decimal) -> Decimal | None:
    return money.percent(projected - before, before) if before > 0 else None


def _cents(amount: float) -> Decimal:
    return money.half_up(Decimal(float(amount)))


def _too_short(known: int) -> str:
    if not known:
        return "No revenue yet: there is nothing to project from."
    have = f"Only {known} {'day' if known == 1 else 'days'} of history"
    range_is = "and the range is the spread of single days, not a tested interval."
    if known < MIN_HISTORY:
        return f"{have}, {MIN_HISTORY} are needed for a trend: the mean day so far is carried on, {range_is}"
    return f"{have}, too few to score a forecast: the last four weeks are carried on, {range_is}"


def _note(verdict: Verdict, scored: int, days: int, known: int) -> str | None:
    notes = []
    if verdict.mase is None:
        notes.append("Seasonal naive made no error, so the forecast is the seasonal-naive one.")
    elif not verdict.wins:
        notes.append(
            f"The statistical model scored {verdict.mase} against seasonal naive, so the forecast is the "
            "seasonal-naive one."
        )
    if scored < days:
        notes.append(f"Scored over {scored} days ahead: {known} days of history are too few to score {days}.")
    if not verdict.calibration.tested:
        notes.append("No interval has been tested yet.")
    return " ".join(notes) or None
