"""The worlds the simulator's tests look at, each made once for a run."""

from dataclasses import replace
from functools import cache

from reports.simulation.parameters import PARAMETER_SETS, Parameters
from reports.simulation.world import World, simulate

SMALL = {"days": 40, "users": 3_000, "trades": 40_000, "markets": 300, "operators": 4}


def small(name: str = "default", **changes: object) -> Parameters:
    return replace(PARAMETER_SETS[name], **{**SMALL, **changes})


@cache
def world(name: str = "default", seed: int = 5) -> World:
    return simulate(parameters=small(name), seed=seed)


@cache
def odd_world() -> World:
    """One in which markets are often cancelled or split."""
    return simulate(parameters=small(cancelled_share=0.05, split_share=0.05), seed=5)
