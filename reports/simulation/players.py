"""Who plays: what a platform sees of a player, what only the simulator knows, and the label of each."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reports.simulation.markets import DAY_MS, HOUR_MS, Flags, Floats, Ints, finish_ms, start_ms
from reports.simulation.parameters import CATEGORIES, CHANNELS, DEVICES, POPULATIONS, Parameters, Range

NOBODY = -1
_Number = TypeVar("_Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True)
class Users:
    """A row for each player, as the platform would know him."""

    operator: Ints
    signup_ms: Ints
    vip: Flags
    """Has the limit tier vip from the start."""
    channel: Ints
    """Index into CHANNELS."""
    device: Ints
    """Index into DEVICES: what he trades with."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The truth about each player: for a side file and the judging of scores, never for a scorer."""

    population: Ints
    """Index into POPULATIONS."""
    edge: Floats
    """The mean gain of his bets, in price; 0 for the uninformed. A syndicate's is that of the common bets. Where a
    population's tips are worth less than this, its players have what the tips give."""
    syndicate: Ints
    """Number of his syndicate, NOBODY without one."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What drives each player in the simulation; each field is drawn from his population's Behaviour."""

    activity: Floats
    begins_ms: Ints
    ends_ms: Ints
    horizon_ms: Ints
    chase_share: Floats
    live_share: Floats
    favourite: Floats
    categories: Floats
    """Players × categories: probability of choosing each."""
    stake_usd: Floats
    stake_log_sd: Floats
    round_stakes: Flags
    sell_share: Floats


def make(*, parameters: Parameters, rng: np.random.Generator) -> tuple[Users, Habits, Labels]:
    """All players, in random order: nothing in a player's number tells his population."""
    population = rng.permutation(_populations(parameters))
    count = len(population)
    syndicate = _syndicates(parameters, rng, population)
    operator = rng.choice(parameters.operators, size=count, p=_skewed(parameters.operators, parameters.operator_skew))
    members = np.flatnonzero(syndicate != NOBODY)
    operator[members] = rng.integers(0, parameters.operators, len(members))

    behaviours = [parameters.behaviours[name] for name in POPULATIONS]
    edge = _drawn(rng, [b.edge for b in behaviours], population)
    edge = _shared(edge, syndicate)
    signup, begins, ends = _lives(parameters, rng, population, syndicate)
    channel = rng.choice(len(CHANNELS), size=count, p=[0.4, 0.25, 0.15, 0.12, 0.08])
    promo = population == POPULATIONS.index("promo")
    channel[promo] = rng.choice(len(CHANNELS), size=int(promo.sum()), p=[0.05, 0.75, 0.1, 0.1, 0.0])

    users = Users(
        operator=operator.astype(np.int64),
        signup_ms=signup,
        vip=rng.random(count) < _of(population, [b.vip_share for b in behaviours]),
        channel=channel.astype(np.int64),
        device=rng.choice(len(DEVICES), size=count, p=[0.62, 0.32, 0.06]).astype(np.int64),
    )
    flat = rng.random(count) < _of(population, [b.flat_share for b in behaviours])
    tastes = rng.gamma(
        0.6 * np.array([parameters.categories[name].preference for name in CATEGORIES]), 1.0, (count, len(CATEGORIES))
    )
    habits = Habits(
        activity=_of(population, [b.activity for b in behaviours])
        * np.exp(rng.normal(0, parameters.activity_spread, count)),
        begins_ms=begins,
        ends_ms=ends,
        horizon_ms=_horizons(parameters, rng, population, syndicate),
        chase_share=_drawn(rng, [b.chase_share for b in behaviours], population),
        live_share=_drawn(rng, [b.live_share for b in behaviours], population),
        favourite=_drawn(rng, [b.favourite for b in behaviours], population),
        categories=(tastes + 1e-9) / (tastes + 1e-9).sum(axis=1, keepdims=True),
        stake_usd=_of(population, [b.stake_usd for b in behaviours])
        * np.exp(rng.normal(0, 1, count) * _of(population, [b.stake_between for b in behaviours])),
        stake_log_sd=np.where(flat, 0.0, _drawn(rng, [b.stake_within for b in behaviours], population)),
        round_stakes=_of(population, [float(b.round_stakes) for b in behaviours]) > 0,
        sell_share=_of(population, [b.sell_share for b in behaviours]),
    )
    return users, habits, Labels(population=population, edge=edge, syndicate=syndicate)


def _populations(parameters: Parameters) -> Ints:
    """The label of each player by largest remainder, in the order of POPULATIONS."""
    shares = np.array([parameters.behaviours[name].share for name in POPULATIONS])
    exact = shares / shares.sum() * parameters.users
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: parameters.users - counts.sum()]] += 1
    return np.repeat(np.arange(len(POPULATIONS)), counts)


def _syndicates(parameters: Parameters, rng: np.random.Generator, population: Ints) -> Ints:
    """Accounts in groups of the given sizes. Fewer accounts than the smallest group stay alone."""
    low, high = parameters.syndicate_accounts
    accounts = np.flatnonzero(population == POPULATIONS.index("syndicate"))
    result = np.full(len(population), NOBODY, dtype=np.int64)
    position, number = 0, 0
    while len(accounts) - position >= low:
        size = min(int(rng.integers(low, high + 1)), len(accounts) - position)
        left = len(accounts) - position - size
        if 0 < left < low:
            size += left if size + left <= high else left - low
        result[accounts[position : position + size]] = number
        position, number = position + size, number + 1
    return result


def _lives(
    parameters: Parameters, rng: np.random.Generator, population: Ints, syndicate: Ints
) -> tuple[Ints, Ints, Ints]:
    """Registration, and the first and last moment of play within the simulated days.

    A syndicate opens its accounts within five days and plays as long as its first member does.
    """
    begin, finish = start_ms(parameters), finish_ms(parameters)
    count = len(population)
    early = rng.random(count) < parameters.early_share
    promo = population == POPULATIONS.index("promo")
    later = begin + np.sqrt(rng.random(count)) * (finish - begin - DAY_MS)
    days = np.arange(parameters.promo_every_days, parameters.days, parameters.promo_every_days)
    if len(days):
        offered = begin + (rng.choice(days, size=count) - rng.random(count)) * DAY_MS
        later = np.where(promo, offered, later)
    signup = np.where(early & ~promo, begin - rng.random(count) * 90 * DAY_MS, later).astype(np.int64)
    begins = np.maximum(signup + 5 * 60_000, begin)
    mean = _of(population, [parameters.behaviours[name].life_days for name in POPULATIONS])
    ends = begins + np.maximum(HOUR_MS, rng.exponential(mean) * DAY_MS).astype(np.int64)
    opened = _shared(signup.copy(), syndicate) - (rng.random(count) * 5 * DAY_MS).astype(np.int64)
    signup = np.where(syndicate == NOBODY, signup, opened)
    return signup, _shared(begins, syndicate), np.minimum(_shared(ends, syndicate), finish)


def _horizons(parameters: Parameters, rng: np.random.Generator, population: Ints, syndicate: Ints) -> Ints:
    """How far ahead each informed player sees, 0 for the others; a syndicate sees with one pair of eyes."""
    result = np.zeros(len(population), dtype=np.int64)
    for number, name in enumerate(POPULATIONS):
        minutes = parameters.behaviours[name].horizon_minutes
        if minutes:
            mine = np.flatnonzero(population == number)
            result[mine] = rng.choice(np.array(minutes) * 60_000, size=len(mine))
    return _shared(result, syndicate)


def _shared(values: NDArray[_Number], syndicate: Ints) -> NDArray[_Number]:
    """Every member gets the value of his syndicate's first member."""
    members = np.flatnonzero(syndicate != NOBODY)
    if len(members):
        _, first = np.unique(syndicate[members], return_index=True)
        values[members] = values[members[first]][syndicate[members]]
    return values


def _of(population: Ints, values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64)[population]


def _drawn(rng: np.random.Generator, ranges: list[Range], population: Ints) -> Floats:
    """One uniform draw for each player from his population's range."""
    low, high = np.array(ranges, dtype=np.float64).T
    return low[population] + rng.random(len(population)) * (high - low)[population]


def _skewed(count: int, power: float) -> Floats:
    weights = 1.0 / np.arange(1, count + 1) ** power
    return weights / weights.sum()
