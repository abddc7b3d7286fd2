"""The operators' daily revenue on one calendar, and what each was to be expected to earn as of any day of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

import numpy as np

from reports.forecasting import models
from reports.forecasting.models import MIN_HISTORY, Days


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """What the forecast is told of an operator: gross revenue by UTC day (days without any may be absent).

    ``live_on`` is the day it went live; without it its first day with revenue stands in. ``suspended_on`` is the day an
    operator that is suspended now was suspended.
    """

    slug: str
    name: str
    revenue: Mapping[date, Decimal]
    live_on: date | None = None
    suspended_on: date | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One operator's days on the portfolio's calendar; ``start`` and ``suspended`` are indexes into it."""

    operator: Operator
    values: Days
    start: int
    suspended: int | None

    def earns_at(self, origin: int) -> bool:
        """Whether someone standing at ``origin`` would expect revenue: it has begun, and is not suspended by then."""
        return self.start < origin and (self.suspended is None or self.suspended > origin)

    def is_young_at(self, origin: int) -> bool:
        return origin - self.start < MIN_HISTORY


class Portfolio:
    """All operators from the platform's first day with revenue to ``yesterday``, the last whole day."""

    def __init__(self, operators: Sequence[Operator], *, yesterday: date) -> None:
        first = min((_first_day(one, yesterday) for one in operators), default=yesterday + timedelta(days=1))
        self.length = (yesterday - first).days + 1
        self.columns = [self._column(one, first) for one in sorted(operators, key=lambda one: one.slug)]
        self.total: Days = sum((column.values for column in self.columns), np.zeros(self.length))
        self._fitted = lru_cache(maxsize=None)(self._fit)

    def _column(self, operator: Operator, first: date) -> Column:
        values = np.zeros(self.length)
        for day, amount in operator.revenue.items():
            if 0 <= (day - first).days < self.length:
                values[(day - first).days] = float(amount)
        earned = np.flatnonzero(values)
        start = int(earned[0]) if len(earned) else self.length
        if operator.live_on is not None:
            start = min(start, max(0, (operator.live_on - first).days))
        suspended = max(0, (operator.suspended_on - first).days) if operator.suspended_on is not None else None
        return Column(operator, values, start, suspended)

    def operator_path(self, column: Column, model: str, *, origin: int, days: int) -> Days:
        """The days from ``origin`` on, from what was known before it: zeros when nothing was to be expected. Kept."""
        return self._fitted(column, model, origin, days)

    def path(self, model: str, *, origin: int, days: int) -> Days:
        """The sum over the operators."""
        paths = (self.operator_path(column, model, origin=origin, days=days) for column in self.columns)
        return sum(paths, np.zeros(days))

    def _fit(self, column: Column, model: str, origin: int, days: int) -> Days:
        if not column.earns_at(origin):
            return np.zeros(days)
        if model == models.SEASONAL_NAIVE:
            return models.seasonal_naive(column.values[:origin], days)
        if model == models.RECENT_MEAN or column.is_young_at(origin):
            recent = column.values[max(column.start, origin - MIN_HISTORY) : origin]
            return models.recent_mean(recent, models.weekday_factors(self.total[:origin]), days)
        return models.theta_ets(column.values[column.start : origin], days)


def _first_day(operator: Operator, yesterday: date) -> date:
    earned = (day for day, amount in operator.revenue.items() if amount and day <= yesterday)
    return min(earned, default=yesterday + timedelta(days=1))
