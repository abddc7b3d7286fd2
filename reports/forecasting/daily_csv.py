"""Daily series out of a CSV file whose columns are told by what is in them."""

import csv
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TextIO

import numpy as np

from predictu import clock
from reports.forecasting.models import Days

LABEL_NAMES = frozenset({"series", "series_id", "unique_id", "id", "key", "name"})
"""Columns that name the series even when their values look like numbers."""

Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class DailySeries:
    """A series without gaps; ``filled`` days were absent from the file and count as zero."""

    name: str
    values: Days
    filled: int


def read(stream: TextIO) -> list[DailySeries]:
    """Every series of the file: one a value column, and one a value of the text columns.

    The first column of dates is the date, columns of numbers are values, the rest names the series. Amounts of one day
    and series add up. Raises ValueError when there is no date or no value column.
    """
    text = stream.read().lstrip("\ufeff")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = [
        {name.strip(): (cell or "").strip() for name, cell in row.items() if name is not None}
        for row in csv.DictReader(text.splitlines(), delimiter=delimiter)
    ]
    day_column, value_columns, label_columns = _columns(rows)
    amounts: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        labels = [row[name] for name in label_columns]
        for column in value_columns:
            if row[column]:
                named = [*labels, column] if len(value_columns) > 1 or not labels else labels
                amounts["/".join(named)][clock.parse(row[day_column]).date()] += float(row[column])
    return [_series(name, by_day) for name, by_day in amounts.items()]


def _columns(rows: Rows) -> tuple[str, list[str], list[str]]:
    names = list(rows[0]) if rows else []
    day_column = next((name for name in names if _every(rows, name, _is_day)), None)
    if day_column is None:
        raise ValueError("no column of ISO dates")
    rest = [name for name in names if name != day_column]
    values = [name for name in rest if name.lower() not in LABEL_NAMES and _every(rows, name, _is_number)]
    if not values:
        raise ValueError("no column of numbers")
    return day_column, values, [name for name in rest if name not in values]


def _every(rows: Rows, name: str, test: Callable[[str], bool]) -> bool:
    cells = [row[name] for row in rows if row.get(name)]
    return bool(cells) and all(test(cell) for cell in cells)


def _is_day(cell: str) -> bool:
    try:
        clock.parse(cell)
    except ValueError:
        return False
    return True


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _series(name: str, by_day: Mapping[date, float]) -> DailySeries:
    first = min(by_day)
    values = np.zeros((max(by_day) - first).days + 1)
    for day, amount in by_day.items():
        values[(day - first).days] = amount
    return DailySeries(name, values, len(values) - len(by_day))
