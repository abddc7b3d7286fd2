"""``manage.py backtest_forecast --csv FILE``: how the forecast's model does on any daily series."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reports.forecasting import backtest, daily_csv


class Command(BaseCommand):
    help = (
        "Rolling-origin evaluation of the revenue forecast on the daily series of a CSV file: MASE against seasonal "
        "naive, and how often the 80 % interval of the sum held. Columns: a date, one or more of numbers, and "
        "optionally text columns that name the series. Days that are absent count as zero."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--csv", required=True, type=Path, help="the file to read")
        parser.add_argument("--horizon", type=int, default=30, help="days ahead (30)")
        parser.add_argument("--origins", type=int, default=200, help="at most so many origins (200)")

    def handle(self, *, csv: Path, horizon: int, origins: int, **options: Any) -> None:
        if horizon < 1 or origins < 1:
            raise CommandError("--horizon and --origins take positive numbers")
        try:
            with csv.open(encoding="utf-8", newline="") as stream:
                series = daily_csv.read(stream)
        except (OSError, ValueError) as problem:
            raise CommandError(f"{csv}: {problem}") from problem
        width = max(len(one.name) for one in series)
        self.stdout.write(f"{'series':<{width}}   days  filled  origins    mase  coverage_pct  forecast")
        for one in series:
            result = backtest.run(one.values, horizon=horizon, most=origins)
            self.stdout.write(
                f"{one.name:<{width}}  {len(one.values):>5}  {one.filled:>6}  {result.origins:>7}  "
                f"{result.mase if result.mase is not None else '-':>6}  "
                f"{result.coverage_pct if result.coverage_pct is not None else '-':>12}  {result.model or 'too short'}"
            )
