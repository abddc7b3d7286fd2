"""Judge the score: how well it told sharp players from recreational ones."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from reports import backtest
from reports.simulation.appraisal import appraise
from reports.simulation.markets import DAY_MS, start_ms
from reports.simulation.parameters import PARAMETER_SETS, POPULATIONS
from reports.simulation.world import simulate
from risk.scoring import Thresholds


class Command(BaseCommand):
    help = "Simulates a world, scores its players at a day, and prints AUC and lift by tenth against the truth."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--simulated", choices=sorted(PARAMETER_SETS), required=True, help="parameter set")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--day", type=int, default=90, help="day of the simulation at whose start players are scored"
        )
        parser.add_argument("--resolved", type=int, default=30, help="resolved trades a player needs")
        parser.add_argument(
            "--informed",
            nargs="+",
            choices=POPULATIONS[1:],
            default=["sharp"],
            help="populations to be told from the recreational one",
        )
        parser.add_argument("--png", type=Path, help="where to draw ROC and lift")

    def handle(self, *args: Any, **options: Any) -> None:
        parameters = PARAMETER_SETS[options["simulated"]]
        world = simulate(parameters=parameters, seed=options["seed"])
        found = appraise(
            world=world,
            at_ms=start_ms(parameters) + options["day"] * DAY_MS,
            resolved_from=options["resolved"],
            thresholds=Thresholds(sharp=60, restricted=80),
        )
        population = world.labels.population[found.user]
        informed = [POPULATIONS.index(name) for name in options["informed"]]
        kept = np.isin(population, [POPULATIONS.index("recreational"), *informed])
        try:
            result = backtest.judge(
                scores={name: values[kept] for name, values in found.scores().items()},
                sharp=np.isin(population[kept], informed),
                rng=np.random.default_rng(options["seed"]),
            )
        except ValueError as error:
            raise CommandError(str(error)) from None
        title = (
            f"{options['simulated']}, seed {options['seed']}, day {options['day']}: {' + '.join(options['informed'])}"
        )
        self._print(title, result)
        if options["png"]:
            backtest.plot(backtest=result, title=title, path=options["png"])

    def _print(self, title: str, result: backtest.Backtest) -> None:
        self.stdout.write(f"{title} ({result.sharp}) against recreational ({result.others})")
        self.stdout.write(f"{'':16}{'AUC':>7}   lift by tenth, highest scores first")
        for verdict in result.verdicts:
            lifts = " ".join(f"{lift:5.2f}" for lift in verdict.lift)
            self.stdout.write(f"{verdict.name:16}{verdict.auc:7.4f}   {lifts}")
        self.stdout.write(f"{'shuffled labels':16}{result.shuffled_auc:7.4f}")
