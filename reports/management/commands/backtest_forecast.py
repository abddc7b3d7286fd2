"""``manage.py backtest_forecast --csv FILE``: how the forecast's model does on any daily series."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reports.forecasting import backtest, daily_csv
from reports.forecasting.backtest import ENOUGH
from reports.forecasting.evaluation import STEP


class Command(BaseCommand):
    help = (
        "Rolling-origin evaluation of the revenue forecast on the daily series of a CSV file: MASE against seasonal "
        "naive, and how often the 80 % interval held: that of the sum over the horizon, and those of the sums of its "
        "first day, first two and so on, with how many they were. Columns: a date, one or more of numbers, and "
        "optionally text columns that name the series. Days that are absent count as zero."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--csv", required=True, type=Path, help="the file to read")
        parser.add_argument("--horizon", type=int, default=30, help="days ahead (30)")
        parser.add_argument("--origins", type=int, default=200, help="at most so many origins (200)")
        parser.add_argument(
            "--every", type=int, help=f"days between origins ({STEP}, or 1 where that would be fewer than {ENOUGH})"
        )

    def handle(self, *, csv: Path, horizon: int, origins: int, every: int | None, **options: Any) -> None:
        if min(horizon, origins, STEP if every is None else every) < 1:
            raise CommandError("--horizon, --origins and --every take positive numbers")
        try:
            with csv.open(encoding="utf-8", newline="") as stream:
                series = daily_csv.read(stream)
        except (OSError, ValueError) as problem:
            raise CommandError(f"{csv}: {problem}") from problem
        width = max(len(one.name) for one in series)
        self.stdout.write(
            _row(width, "series", "days", "filled", "origins", "mase", "held", "held_shorter", "forecast")
        )
        for one in series:
            result = backtest.run(one.values, horizon=horizon, most=origins, every=every)
            self.stdout.write(
                _row(
                    width,
                    one.name,
                    len(one.values),
                    one.filled,
                    result.origins,
                    "-" if result.mase is None else result.mase,
                    _held(result.whole),
                    _held(result.shorter),
                    result.model or "too short",
                )
            )


def _row(width: int, name: str, *cells: Any) -> str:
    days, filled, origins, mase, held, shorter, model = cells
    return f"{name:<{width}}  {days:>5}  {filled:>6}  {origins:>7}  {mase:>6}  {held:>15}  {shorter:>19}  {model}"


def _held(coverage: backtest.Coverage) -> str:
    """77.8 % of 36."""
    return "-" if coverage.pct is None else f"{coverage.pct} % of {coverage.tested:,}"
