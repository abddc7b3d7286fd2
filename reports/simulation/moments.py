"""The moments at which simulated players trade, and the choice among them.

Every kind of occasion (news just broken, a game being played, a tip) is a list of moments ordered by time with weights.
A player takes one that lies in his own time on the platform, in proportion to the weights.
"""

from dataclasses import dataclass

import numpy as np

from reports.simulation.markets import DAY_MS, HOUR_MS, MINUTE_MS, Cells, Floats, Ints, Markets, finish_ms, start_ms
from reports.simulation.parameters import Behaviour, Parameters

UNDECIDED = -1
MOVE = 300
"""A move that people talk about: three points within one step of the grid."""
BUCKET_MS = 30 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Moments:
    """Occasions in the order of time. ``outcome`` is what is bought, or UNDECIDED."""

    time_ms: Ints
    market: Ints
    outcome: Ints
    cumulative: Floats
    """Sum of the weights up to and including each moment."""
    gain: float = 0.0
    """Weighted mean of what the bought outcome's mid gains over the horizon, in price."""

    def take(self, rng: np.random.Generator, begins_ms: Ints, ends_ms: Ints) -> Ints:
        """For each window the index of a moment in it, -1 where there is none."""
        sums = np.concatenate([[0.0], self.cumulative])
        low = sums[np.searchsorted(self.time_ms, begins_ms)]
        high = sums[np.searchsorted(self.time_ms, ends_ms)]
        place = low + rng.random(len(low)) * (high - low)
        index = np.searchsorted(self.cumulative, place, side="right")
        return np.where(high > low, np.minimum(index, len(self.time_ms) - 1), -1)


def _moments(times: Ints, market: Ints, outcome: Ints, weight: Floats, gain: float = 0.0) -> Moments:
    order = np.argsort(times, kind="stable")
    return Moments(times[order], market[order], outcome[order], np.cumsum(weight[order]), gain)


def moves(*, markets: Markets, cells: Cells) -> Moments:
    """Just after the mid moved by MOVE, the direction being where it went."""
    change = np.diff(markets.mids, prepend=markets.mids[:1])
    change[markets.first[:-1]] = 0
    at = np.flatnonzero((np.abs(change) >= MOVE) & cells.tradeable)
    market = cells.market[at]
    return _moments(cells.time_ms[at], market, (change[at] > 0).astype(np.int64), markets.popularity[market])


def games(*, markets: Markets, cells: Cells) -> Moments:
    """Every step of every game."""
    at = np.flatnonzero(cells.live & cells.tradeable)
    market = cells.market[at]
    return _moments(cells.time_ms[at], market, np.full(len(at), UNDECIDED), markets.popularity[market])


def anywhere(*, markets: Markets, cells: Cells, rng: np.random.Generator) -> Moments:
    """Any step of any market, with an outcome by the toss of a coin: a guess that passes for a tip."""
    at = np.flatnonzero(cells.tradeable)
    at = at[rng.random(len(at)) < min(1.0, 400_000 / max(1, len(at)))]
    market = cells.market[at]
    return _moments(cells.time_ms[at], market, rng.integers(0, 2, len(at)), markets.popularity[market])


def tips(*, markets: Markets, cells: Cells, behaviour: Behaviour, horizon_ms: int, rng: np.random.Generator) -> Moments:
    """Steps at which the mid of ``horizon_ms`` later, seen with noise, is far enough from the mid of now.

    Beyond the market's last mid there is nothing to see: the last mid stands for it.
    """
    at = np.flatnonzero(cells.tradeable)
    market = cells.market[at]
    later = np.minimum(at + horizon_ms // markets.grid_ms, markets.first[market + 1] - 1)
    change = (markets.mids[later] - markets.mids[at]) / 10_000
    seen = change + rng.normal(0.0, behaviour.noise, len(at))
    worth = np.abs(seen) >= behaviour.threshold
    at, market, change, seen = at[worth], market[worth], change[worth], seen[worth]
    weight = markets.popularity[market]
    gain = float(np.average(change * np.sign(seen), weights=weight)) if len(at) else 0.0
    return _moments(cells.time_ms[at], market, (seen > 0).astype(np.int64), weight, gain)


def promotions(*, parameters: Parameters, markets: Markets, rng: np.random.Generator) -> Moments:
    """The hours in which each promotion's market is offered, one of the ten most popular then open."""
    times, market = [], []
    for day in range(parameters.promo_every_days, parameters.days, parameters.promo_every_days):
        opens = start_ms(parameters) + day * DAY_MS + 18 * HOUR_MS
        closes = opens + int(parameters.promo_hours * HOUR_MS)
        on = np.flatnonzero((markets.first_ms <= opens) & (markets.closes_ms > closes + HOUR_MS))
        mids = markets.mid_at(on, np.full(len(on), opens))
        on = on[(mids > 1000) & (mids < 9000)]
        if len(on):
            best = on[np.argsort(-markets.popularity[on], kind="stable")[:10]]
            times.append(np.sort(rng.integers(opens, closes, 2_000)))
            market.append(np.full(2_000, rng.choice(best)))
    if not times:
        none = np.zeros(0, dtype=np.int64)
        return _moments(none, none, none, np.zeros(0))
    offered = np.concatenate(market)
    return _moments(np.concatenate(times), offered, np.full(len(offered), UNDECIDED), np.ones(len(offered)))


class Calendar:
    """When people are about, and which of the markets open then they take, by category and popularity."""

    def __init__(self, *, parameters: Parameters, markets: Markets) -> None:
        self._begin, finish = start_ms(parameters), finish_ms(parameters)
        edges = np.arange(self._begin, finish + 1, BUCKET_MS)
        weekday = (edges // DAY_MS + 3) % 7
        about = np.array(parameters.hours)[edges % DAY_MS // HOUR_MS] * np.array(parameters.weekdays)[weekday]
        self._edges, self._about = edges, np.concatenate([[0.0], np.cumsum(about[:-1])])
        last_ms = np.minimum(markets.closes_ms, markets.end_ms - HOUR_MS)
        opened = (markets.first_ms[:, None] <= edges[:-1]) & (last_ms[:, None] >= edges[1:])
        weights = opened.T * markets.popularity
        kinds = int(markets.category.max()) + 1
        columns = [np.flatnonzero(markets.category == kind) for kind in range(kinds)]
        self._all = _Choice(weights, np.arange(len(markets.category)))
        self._kinds = [_Choice(weights[:, mine], mine) for mine in columns]

    def times(self, rng: np.random.Generator, begins_ms: Ints, ends_ms: Ints) -> Ints:
        """A moment of each window, more often when people are about."""
        low = np.interp(begins_ms, self._edges, self._about)
        high = np.interp(ends_ms, self._edges, self._about)
        return np.interp(low + rng.random(len(low)) * (high - low), self._about, self._edges).astype(np.int64)

    def pick(self, rng: np.random.Generator, time_ms: Ints, category: Ints) -> Ints:
        """An open market of the category, of any category where it has none; -1 where nothing is open."""
        row = np.clip((time_ms - self._begin) // BUCKET_MS, 0, len(self._edges) - 2)
        result = self._all.pick(rng, row)
        for kind, choice in enumerate(self._kinds):
            mine = np.flatnonzero(category == kind)
            found = choice.pick(rng, row[mine])
            result[mine] = np.where(found >= 0, found, result[mine])
        return result


class _Choice:
    """Weighted choice of a column, for many rows at once: all rows' normalised sums lie in one ascending array."""

    def __init__(self, weights: Floats, columns: Ints) -> None:
        sums = np.cumsum(weights, axis=1)
        self._total = sums[:, -1] if len(columns) else np.zeros(len(weights))
        shares = sums / np.where(self._total > 0, self._total, 1.0)[:, None]
        self._flat = (shares + np.arange(len(weights))[:, None]).ravel()
        self._columns = columns

    def pick(self, rng: np.random.Generator, row: Ints) -> Ints:
        place = rng.random(len(row)) + row
        if not len(self._columns):
            return np.full(len(row), -1)
        index = np.searchsorted(self._flat, place, side="right") - row * len(self._columns)
        found = self._columns[np.clip(index, 0, len(self._columns) - 1)]
        return np.where(self._total[row] > 0, found, -1)
