"""``manage.py simulate``: a platform with a past, made of simulated players, in an empty database."""

from argparse import ArgumentParser
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Player
from operators.models import Operator
from predictu import clock
from predictu.platform import relay
from reports.simulated import aftermath, bulk, served
from reports.simulation.parameters import PARAMETER_SETS, Parameters
from reports.simulation.world import simulate, write_labels

SERVED_UP_TO = 5_000
"""Trades that are made through the services where nothing else is asked for: about a hundred a second."""
_TRADES_A_MARKET = 800
_MARKETS = (40, 1_200)


class Command(BaseCommand):
    help = "Simulates players and writes what they did: small worlds through the services, large ones by COPY."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--trades", type=int, default=1_000_000)
        parser.add_argument("--users", type=int, default=50_000)
        parser.add_argument("--operators", type=int, default=12)
        parser.add_argument("--days", type=int, default=120)
        parser.add_argument("--markets", type=int, help="default: one for every 800 trades, 40 to 1,200")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--set", choices=sorted(PARAMETER_SETS), default="default", help="parameter set")
        parser.add_argument("--until", type=clock.parse, help="the midnight the world ends at (default: the last one)")
        parser.add_argument("--labels", type=Path, help="the side file that says who is informed")
        parser.add_argument("--way", choices=("services", "copy"), help=f"default: services up to {SERVED_UP_TO:,}")
        parser.add_argument("--beside", action="store_true", help="also into a database that is not empty")
        parser.add_argument("--scores", type=int, default=4, help="weeks, the last ones, at whose end users are scored")

    def handle(self, *args: Any, **options: Any) -> None:
        parameters = _parameters(options)
        way = options["way"] or ("services" if parameters.trades <= SERVED_UP_TO else "copy")
        self._require_room(way, beside=options["beside"])
        world = self._timed("simulated", lambda: _simulated(parameters, options["seed"]))
        if options["labels"]:
            write_labels(world=world, path=options["labels"])
        write = bulk.load if way == "copy" else served.live
        self._timed("written", lambda: write(world))
        self._timed("rounded off", lambda: aftermath.follow(world=world, scored_weeks=options["scores"]))
        self._timed("numbered", relay.sweep)
        self.stdout.write(f"{parameters.trades:,} trades of {parameters.users:,} users, seed {options['seed']}")

    def _require_room(self, way: str, *, beside: bool) -> None:
        if not (Operator.objects.exists() or Player.objects.exists()):
            return
        if not beside:
            raise CommandError("The database is not empty; --beside writes into it all the same.")
        if way == "copy":
            raise CommandError("Only an empty database is written by COPY: its sums are made of what is loaded.")

    def _timed(self, what: str, work: Any) -> Any:
        begun = clock.now()
        found = work()
        self.stdout.write(f"{what} in {(clock.now() - begun).total_seconds():.1f} s")
        return found


def _parameters(options: dict[str, Any]) -> Parameters:
    until: datetime = options["until"] or clock.now()
    days, trades = options["days"], options["trades"]
    low, high = _MARKETS
    return replace(
        PARAMETER_SETS[options["set"]],
        start=clock.day_start(until.astimezone(UTC)) - timedelta(days=days),
        days=days,
        operators=options["operators"],
        users=options["users"],
        trades=trades,
        markets=options["markets"] or min(high, max(low, trades // _TRADES_A_MARKET)),
    )


def _simulated(parameters: Parameters, seed: int) -> Any:
    try:
        return simulate(parameters=parameters, seed=seed)
    except ValueError as error:
        raise CommandError(f"{error}: ask for fewer trades, or more days or markets") from None
