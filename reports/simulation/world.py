"""The whole simulated world in one call."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reports.simulation import intents as trade_intents
from reports.simulation import markets as all_markets
from reports.simulation import players
from reports.simulation.intents import Intents
from reports.simulation.markets import Markets
from reports.simulation.parameters import POPULATIONS, Parameters
from reports.simulation.players import NOBODY, Labels, Users


@dataclass(frozen=True, slots=True)
class World:
    """``labels`` is the truth; everything else is what a platform would have seen."""

    parameters: Parameters
    seed: int
    markets: Markets
    users: Users
    intents: Intents
    labels: Labels


def simulate(*, parameters: Parameters, seed: int) -> World:
    """The world of these parameters and this seed. Raises ValueError when there is too little to trade."""
    streams = [np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(3)]
    markets = all_markets.make(parameters=parameters, rng=streams[0])
    users, habits, labels = players.make(parameters=parameters, rng=streams[1])
    intents = trade_intents.make(
        parameters=parameters,
        markets=markets,
        cells=all_markets.cells(markets),
        users=users,
        habits=habits,
        labels=labels,
        rng=streams[2],
    )
    return World(parameters, seed, markets, users, intents, labels)


def external_id(user: int) -> str:
    """The operator's name for a simulated player: what the side file and the platform have in common."""
    return f"sim_{user:06d}"


def write_labels(*, world: World, path: Path) -> None:
    """The side file: one line for each player with his population, edge in points and syndicate."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("external_id", "population", "edge_points", "syndicate"))
        labels = world.labels
        for user, (population, edge, syndicate) in enumerate(
            zip(labels.population.tolist(), labels.edge.tolist(), labels.syndicate.tolist(), strict=True)
        ):
            group = "" if syndicate == NOBODY else syndicate
            rows.writerow((external_id(user), POPULATIONS[population], f"{edge * 100:.2f}", group))
