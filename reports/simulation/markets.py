"""Markets with mids that are fair: at every moment the mid is the probability of yes, given all that is public.

The outcome is drawn first. The public then observes a signal about it whose information arrives evenly, in news and in
games; the log odds of an observer who knows nothing else move by ``(outcome - 1/2) dA + sqrt(dA) N(0, 1)`` while the
information A grows. So the mid is a martingale, and a market whose last mid is 0.7 resolves to yes with probability
0.7.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from reports.simulation.parameters import CATEGORIES, Category, Parameters

NO, YES, SPLIT, CANCELLED, UNRESOLVED = 0, 1, 2, 3, -1
NEVER = -1
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
_AFTERSHOCKS = np.array([0.75, 0.15, 0.07, 0.03])

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Markets:
    """A row for each market; the mids of all markets lie in one array, market after market."""

    category: Ints
    """Index into CATEGORIES."""
    popularity: Floats
    """Relative weight in players' choice."""
    opens_ms: Ints
    closes_ms: Ints
    """Trading ends. Later than the end of the simulated time for markets still open then."""
    end_ms: Ints
    """The planned end date that players see; the market may close long before."""
    game_start_ms: Ints
    """NEVER where there is no game."""
    resolves_ms: Ints
    """When the resolution is final; NEVER where that is not known at the end of the simulated time."""
    resolution: Ints
    """YES, NO, SPLIT, CANCELLED or UNRESOLVED."""
    first: Ints
    """Index of the market's first mid; row ``len(category)`` ends the last market."""
    first_ms: Ints
    """Time of the first mid."""
    mids: Ints
    """Mid of yes on the grid, in 0.0001 dollars; between two points the earlier one holds."""
    grid_ms: int

    def cell(self, market: Ints, time_ms: Ints) -> Ints:
        """Index into ``mids`` of the mid in force at each moment, the nearest one outside the market's life."""
        steps = (time_ms - self.first_ms[market]) // self.grid_ms
        return np.clip(self.first[market] + steps, self.first[market], self.first[market + 1] - 1)

    def mid_at(self, market: Ints, time_ms: Ints) -> Ints:
        """The mid of yes in force."""
        return self.mids[self.cell(market, time_ms)]


@dataclass(frozen=True, slots=True)
class Cells:
    """What belongs to each point of the mids' grid: market, time, whether one can trade there, whether a game is on."""

    market: Ints
    time_ms: Ints
    tradeable: Flags
    live: Flags


def start_ms(parameters: Parameters) -> int:
    return int(parameters.start.timestamp() * 1000)


def finish_ms(parameters: Parameters) -> int:
    return int((parameters.start + timedelta(days=parameters.days)).timestamp() * 1000)


def make(*, parameters: Parameters, rng: np.random.Generator) -> Markets:
    """All markets that are open at some time of the simulated days, with their mids."""
    begin, finish = start_ms(parameters), finish_ms(parameters)
    grid = parameters.grid_minutes * MINUTE_MS
    kinds = list(parameters.categories.values())
    count = parameters.markets
    category = np.sort(rng.choice(len(kinds), size=count, p=_normal([kind.share for kind in kinds])))

    low, high = (np.log([kind.life_days[side] for kind in kinds])[category] for side in (0, 1))
    life = np.exp(rng.uniform(low, high)) * DAY_MS
    opens = begin - life + rng.random(count) * (finish - begin + life - grid)
    opens = (opens // grid * grid).astype(np.int64)
    closes = opens + np.maximum(2, (life // grid).astype(np.int64)) * grid
    closes = np.maximum(closes, begin + 2 * grid)

    game_ms = np.array([kind.game_hours * HOUR_MS for kind in kinds])[category].astype(np.int64)
    game_start = np.where(game_ms > 0, np.maximum(opens, closes - game_ms), NEVER)
    announced = rng.random(count) < np.array([kind.announced_share for kind in kinds])[category]
    announcement = np.where(announced, closes - (rng.uniform(0.5, 12, count) * HOUR_MS).astype(np.int64), NEVER)
    end = closes + HOUR_MS + np.where(announced, rng.integers(0, 30 * DAY_MS, count), 0)

    first_ms = np.maximum(opens, begin)
    lengths = np.maximum(1, (np.minimum(closes, finish) - first_ms) // grid)
    first = np.concatenate([[0], np.cumsum(lengths)])
    owner = np.repeat(np.arange(count), lengths)
    times = first_ms[owner] + (np.arange(first[-1]) - first[owner]) * grid

    information = _information(parameters, rng, category[owner], times, grid)
    in_game = (game_start[owner] != NEVER) & (times >= game_start[owner])
    information += _game_information(kinds, rng, category[owner], in_game, grid)
    announced_at = np.flatnonzero((announcement >= first_ms) & (announcement < first_ms + lengths * grid))
    information[first[announced_at] + (announcement[announced_at] - first_ms[announced_at]) // grid] += (
        parameters.announcement_information
    )

    opening = rng.normal(-0.4, 1.0, count)
    outcome = (rng.random(count) < _probability(opening)).astype(np.int64)
    mids = _walk(rng, opening, outcome, owner, first, information)

    resolves = closes + (rng.uniform(2, 8, count) * HOUR_MS).astype(np.int64)
    resolves += np.where(rng.random(count) < 0.1, rng.uniform(1, 3, count) * DAY_MS, 0).astype(np.int64)
    odd = rng.random(count)
    resolution = np.where(odd < parameters.cancelled_share, CANCELLED, outcome)
    resolution = np.where(odd > 1 - parameters.split_share, SPLIT, resolution)
    known = resolves < finish
    ranks = rng.permutation(count)
    return Markets(
        category=category.astype(np.int64),
        popularity=(1.0 / (1.0 + ranks) ** parameters.market_skew).astype(np.float64),
        opens_ms=opens,
        closes_ms=closes,
        end_ms=end,
        game_start_ms=game_start,
        resolves_ms=np.where(known, resolves, NEVER),
        resolution=np.where(known, resolution, UNRESOLVED),
        first=first,
        first_ms=first_ms,
        mids=mids,
        grid_ms=grid,
    )


def cells(markets: Markets) -> Cells:
    """Every grid point. One can trade with the mid within 0.02 and 0.98 and the end more than an hour away."""
    owner = np.repeat(np.arange(len(markets.category)), np.diff(markets.first))
    times = markets.first_ms[owner] + (np.arange(markets.first[-1]) - markets.first[owner]) * markets.grid_ms
    open_still = times + markets.grid_ms <= np.minimum(markets.closes_ms, markets.end_ms - HOUR_MS)[owner]
    game = markets.game_start_ms[owner]
    return Cells(
        market=owner,
        time_ms=times,
        tradeable=(markets.mids >= 200) & (markets.mids <= 9800) & open_still,
        live=(game != NEVER) & (times >= game),
    )


def _information(parameters: Parameters, rng: np.random.Generator, category: Ints, times: Ints, grid: int) -> Floats:
    """Information of each grid step, even and in news; a piece of news goes on being understood for a few steps."""
    kinds = [parameters.categories[name] for name in CATEGORIES]
    days = grid / DAY_MS
    rate = np.array([kind.news_per_day for kind in kinds]) * days
    size = np.array([kind.news_information for kind in kinds])
    news = np.flatnonzero(rng.random(len(times)) < rate[category])
    lumps = np.zeros(len(times))
    lumps[news] = rng.exponential(size[category[news]])
    even = np.array([kind.information_per_day for kind in kinds]) * days
    return even[category] + np.convolve(lumps, _AFTERSHOCKS)[: len(times)]


def _game_information(
    kinds: list[Category], rng: np.random.Generator, category: Ints, in_game: Flags, grid: int
) -> Floats:
    """A game tells half of what it has to tell evenly, half in scores, three on average."""
    result = np.zeros(len(category))
    playing = np.flatnonzero(in_game)
    steps = np.array([max(1.0, kind.game_hours * HOUR_MS / grid) for kind in kinds])[category[playing]]
    whole = np.array([kind.game_information for kind in kinds])[category[playing]]
    scores = rng.random(len(playing)) < 3.0 / steps
    result[playing] = whole / 2 / steps + scores * rng.exponential(whole / 6)
    return result


def _walk(
    rng: np.random.Generator, opening: Floats, outcome: Ints, owner: Ints, first: Ints, information: Floats
) -> Ints:
    """Mids of yes: the log odds gather each step's information from the market's opening on."""
    steps = (outcome[owner] - 0.5) * information + np.sqrt(information) * rng.standard_normal(len(information))
    steps[first[:-1]] = 0.0
    walked = np.cumsum(steps)
    odds = opening[owner] + walked - walked[first[:-1]][owner]
    return np.clip(np.rint(_probability(odds) * 10_000), 10, 9_990).astype(np.int64)


def _probability(log_odds: Floats) -> Floats:
    return 0.5 + 0.5 * np.tanh(log_odds / 2)


def _normal(weights: list[float]) -> Floats:
    array = np.array(weights, dtype=np.float64)
    return array / array.sum()
