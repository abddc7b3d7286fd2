"""How exposed the platform was in every scope, before each trade, at its worst and in the end.

Exposure is what open positions pay if they win, here in 0.0001 dollars: a buy adds its shares, a sale, a cancel or the
settlement takes them away.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reports.simulation.books import Books, sums_to
from reports.simulation.intents import BUY
from reports.simulation.journal import running
from reports.simulation.markets import Ints
from reports.simulation.parameters import CATEGORIES

SCOPES = ("market", "category", "operator_category", "operator", "global")


@dataclass(frozen=True, slots=True)
class Scope:
    """A row for each member of the scope: market, category, operator × category, operator, or the one platform."""

    before: Ints
    """A row for each trade instead: exposure just before it."""
    peak: Ints
    yes: Ints
    no: Ints
    positions: Ints
    rows: Ints
    trades: Ints
    volume_cents: Ints


@dataclass(frozen=True, slots=True)
class Exposures:
    scopes: Mapping[str, Scope]
    yes_before: Ints
    """Of the trade's market, a row for each trade."""


def follow(*, books: Books) -> Exposures:
    """Every scope's exposure through time."""
    world, fills, positions = books.world, books.fills, books.positions
    intents = world.intents
    buying = intents.side == BUY
    undone, settled = np.flatnonzero(books.undone), np.flatnonzero(positions.settled)
    market = np.concatenate([intents.market, intents.market[undone], positions.market[settled]])
    user = np.concatenate([intents.user, intents.user[undone], positions.user[settled]])
    yes = np.concatenate([intents.outcome, intents.outcome[undone], positions.outcome[settled]]) == 1
    resolves = world.markets.resolves_ms[positions.market[settled]]
    time_ms = np.concatenate([intents.time_ms, books.undone_ms[undone], resolves])
    moved = np.where(buying, fills.quantity, -fills.quantity)
    moved = np.concatenate([moved, -fills.quantity[undone], -positions.left[settled]])
    keys = _keys(books, market, user)
    trades = len(buying)
    scopes = {}
    for name in SCOPES:
        size = _sizes(books)[name]
        before, peak = _through(keys[name], time_ms, moved, size)
        scopes[name] = Scope(
            before=before[:trades],
            peak=peak,
            yes=sums_to(size, keys[name], moved * yes),
            no=sums_to(size, keys[name], moved * ~yes),
            positions=_open_positions(books, keys[name], size),
            rows=sums_to(size, keys[name][:trades], np.ones(trades, dtype=np.int64)),
            trades=sums_to(size, keys[name][:trades], ~(books.undone | books.void)),
            volume_cents=sums_to(size, keys[name][:trades], fills.cost_cents * ~(books.undone | books.void)),
        )
    yes_before, _ = _through(keys["market"], time_ms, moved * yes, _sizes(books)["market"])
    return Exposures(scopes, yes_before[:trades])


def _sizes(books: Books) -> dict[str, int]:
    operators, kinds = books.world.parameters.operators, len(CATEGORIES)
    markets = len(books.world.markets.category)
    return {
        "market": markets, "category": kinds, "operator_category": operators * kinds, "operator": operators, "global": 1
    }  # fmt: skip


def _keys(books: Books, market: Ints, user: Ints) -> dict[str, Ints]:
    category, operator = books.world.markets.category[market], books.world.users.operator[user]
    return {
        "market": market,
        "category": category,
        "operator_category": operator * len(CATEGORIES) + category,
        "operator": operator,
        "global": np.zeros(len(market), dtype=np.int64),
    }


def _through(key: Ints, time_ms: Ints, moved: Ints, size: int) -> tuple[Ints, Ints]:
    """Exposure before each movement, in the order given, and each member's highest."""
    order = np.lexsort((time_ms, key))
    after = running(key[order], moved[order])
    before = np.empty(len(key), dtype=np.int64)
    before[order] = after - moved[order]
    peak = np.zeros(size, dtype=np.int64)
    np.maximum.at(peak, key[order], after)
    return before, peak


def _open_positions(books: Books, key: Ints, size: int) -> Ints:
    """Positions still held, by the key of their first trade."""
    positions, number = books.positions, books.fills.position
    example = np.zeros(len(positions.user), dtype=np.int64)
    example[number] = np.arange(len(number))
    still_open = (positions.left > 0) & ~positions.settled
    return sums_to(size, key[example], still_open)
