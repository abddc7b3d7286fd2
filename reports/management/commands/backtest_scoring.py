"""Judge the score: on the platform's own history by what players won since, or by who is known to be informed."""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from predictu import clock
from reports import backtest
from reports.queries import scoring_history
from reports.simulation.appraisal import appraise, points
from reports.simulation.markets import DAY_MS, Flags, Floats, start_ms
from reports.simulation.parameters import PARAMETER_SETS, POPULATIONS
from reports.simulation.world import simulate
from risk.scoring import Thresholds
from risk.services import scores


class Command(BaseCommand):
    help = (
        "Scores players as of a moment and prints AUC and lift by tenth against what came after: who won money by the "
        "trades made since, or with --labels who is informed. --simulated does it in memory, on a world of its own."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", type=clock.parse, help="the moment of the scores (default: 30 days ago)")
        parser.add_argument("--days", type=int, default=30, help="days after it whose trades are looked at")
        parser.add_argument("--later", type=int, default=10, help="resolved trades a player needs after it")
        parser.add_argument("--labels", type=Path, help="side file of `simulate`: judge by it instead of by money")
        parser.add_argument("--simulated", choices=sorted(PARAMETER_SETS), help="parameter set of a world in memory")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--day", type=int, default=90, help="of a world in memory: scored at this day's start")
        parser.add_argument("--resolved", type=int, default=30, help="resolved trades a player needs before it")
        parser.add_argument(
            "--informed",
            nargs="+",
            choices=POPULATIONS[1:],
            default=["sharp"],
            help="populations to be told from the recreational one",
        )
        parser.add_argument("--png", type=Path, help="where to draw ROC and lift")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["simulated"]:
            title, others, values, sharp = _in_memory(options)
        elif options["labels"]:
            title, others, values, sharp = _by_labels(options)
        else:
            title, others, values, sharp = _by_money(options)
        try:
            result = backtest.judge(scores=values, sharp=sharp, rng=np.random.default_rng(options["seed"]))
        except ValueError as error:
            raise CommandError(str(error)) from None
        self._print(title, others, result)
        if options["png"]:
            backtest.plot(backtest=result, title=title, path=options["png"])

    def _print(self, title: str, others: str, result: backtest.Backtest) -> None:
        self.stdout.write(f"{title} ({result.sharp}) against {others} ({result.others})")
        self.stdout.write(f"{'':16}{'AUC':>7}   lift by tenth, highest scores first")
        for verdict in result.verdicts:
            lifts = " ".join(f"{lift:5.2f}" for lift in verdict.lift)
            self.stdout.write(f"{verdict.name:16}{verdict.auc:7.4f}   {lifts}")
        self.stdout.write(f"{'shuffled labels':16}{result.shuffled_auc:7.4f}")


_Judged = tuple[str, str, Mapping[str, Floats], Flags]


def _in_memory(options: dict[str, Any]) -> _Judged:
    """A world that never met the database, and its truth."""
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
    title = f"{options['simulated']}, seed {options['seed']}, day {options['day']}: {' + '.join(options['informed'])}"
    values = {name: column[kept] for name, column in found.scores().items()}
    return title, "recreational", values, np.isin(population[kept], informed)


def _by_labels(options: dict[str, Any]) -> _Judged:
    at = options["at"] or clock.now() - timedelta(days=options["days"])
    judged = scoring_history.scored(at=at, resolved_from=options["resolved"], thresholds=scores.thresholds())
    population = scoring_history.labelled(options["labels"], list(judged))
    wanted = ("recreational", *options["informed"])
    players = [player_id for player_id in judged if population.get(player_id) in wanted]
    title = f"{clock.seconds(at)}: {' + '.join(options['informed'])}"
    sharp = np.array([population[player_id] != "recreational" for player_id in players], dtype=np.bool_)
    return title, "recreational", points([judged[player_id] for player_id in players]), sharp


def _by_money(options: dict[str, Any]) -> _Judged:
    at = options["at"] or clock.now() - timedelta(days=options["days"])
    until = at + timedelta(days=options["days"])
    judged = scoring_history.scored(at=at, resolved_from=options["resolved"], thresholds=scores.thresholds())
    since = scoring_history.later(since=at, until=until)
    players = [name for name in judged if name in since and since[name].resolved >= options["later"]]
    title = f"{clock.seconds(at)}: in profit by trades of the {options['days']} days since"
    sharp = np.array([since[player_id].pnl_usd > 0 for player_id in players], dtype=np.bool_)
    return title, "not in profit", points([judged[player_id] for player_id in players]), sharp
