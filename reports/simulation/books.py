"""What a platform's books say of the simulated trades in the end: trades, positions, what markets paid.

Palpable errors are in it too: staff take back a few buys, some minutes after they were made, of positions that had
others and of which nothing was sold.
"""

from dataclasses import dataclass

import numpy as np

from reports.simulation.fills import Fills, fill, sums
from reports.simulation.intents import BUY, SELL
from reports.simulation.markets import (
    CANCELLED,
    MINUTE_MS,
    NEVER,
    SPLIT,
    UNRESOLVED,
    YES,
    Flags,
    Ints,
    finish_ms,
)
from reports.simulation.world import World

_CENT = 1_000_000
"""0.0001 dollars × 0.0001 shares in one cent."""
_STREAM = 4
"""Of the seed's streams the one that staff's mistakes are drawn from; the world takes the first three."""
_UNDONE_AFTER = (3 * MINUTE_MS, 60 * MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Positions:
    """A row for each position, numbered as in ``Fills.position``. Quantities in 0.0001 shares, money in cents."""

    user: Ints
    market: Ints
    outcome: Ints
    opened_ms: Ints
    closed_ms: Ints
    """When the last share was sold; NEVER while some are left."""
    bought: Ints
    left: Ints
    """After sales; a settlement leaves it as it is."""
    basis_cents: Ints
    average: Ints
    """Price paid for a share of the last run of buys, in 0.0001 dollars, half up."""
    pnl_cents: Ints
    settled: Flags
    paid_cents: Ints
    """Payout, or in a cancelled market what was given back."""


@dataclass(frozen=True, slots=True)
class Books:
    world: World
    fills: Fills
    undone_ms: Ints
    """A row for each intent: when staff took it back, else NEVER."""
    spread_cents: Ints
    trade_pnl_cents: Ints
    """Profit of each trade that has one; see ``has_pnl``."""
    has_pnl: Flags
    positions: Positions
    void: Flags
    """A row for each intent: whether its market was cancelled."""
    void_spread_cents: Ints
    void_fee_cents: Ints
    """What a cancelled market takes back of each trade's spread and fee."""

    @property
    def undone(self) -> Flags:
        return self.undone_ms != NEVER

    @property
    def settled(self) -> Flags:
        """A row for each intent: whether its market is settled and it stands."""
        known = self.world.markets.resolution[self.world.intents.market] != UNRESOLVED
        return known & ~self.void & ~self.undone


def keep(*, world: World) -> Books:
    """The books at the end of the simulated time, on a platform that executes every intent."""
    undone_ms = _undone(world, fill(world=world))
    undone = undone_ms != NEVER
    fills = fill(world=world, undone=undone)
    intents, markets = world.intents, world.markets
    buying = intents.side == BUY
    void = markets.resolution[intents.market] == CANCELLED
    positions = _positions(world, fills, undone)
    mid = markets.mid_at(intents.market, intents.time_ms)
    mid = np.where(intents.outcome == 1, mid, 10_000 - mid)
    spread = half_up(np.abs(fills.price - mid) * fills.quantity, np.int64(_CENT))
    left, bought = positions.left[fills.position], np.maximum(1, positions.bought[fills.position])
    given_back = void & buying & ~undone
    void_fee = np.where(given_back, half_up(fills.fee_cents * left, bought), 0)
    void_spread = np.where(given_back, half_up(spread * left, bought), 0)
    refund = positions.basis_cents + sums_to(len(positions.user), fills.position, void_fee)
    outcome = markets.resolution[positions.market]
    paid = np.where(outcome == CANCELLED, np.where(positions.left > 0, refund, 0), _payout(positions, outcome))
    settled = (outcome != UNRESOLVED) & (positions.left > 0)
    return Books(
        world=world,
        fills=fills,
        undone_ms=undone_ms,
        spread_cents=spread,
        trade_pnl_cents=np.where(buying, fills.pnl_cents, fills.sale_cents),
        has_pnl=np.where(buying, fills.resolved, ~undone),
        positions=_paid(positions, settled, np.where(settled, paid, 0)),
        void=void & ~undone,
        void_spread_cents=void_spread,
        void_fee_cents=void_fee,
    )


def _undone(world: World, fills: Fills) -> Ints:
    """When each intent is taken back by staff."""
    intents, markets = world.intents, world.markets
    rng = np.random.default_rng([world.seed, _STREAM])
    count = len(intents.user)
    buying = intents.side == BUY
    buys, sells = sums(fills.position, buying)[fills.position], sums(fills.position, ~buying)[fills.position]
    when = intents.time_ms + rng.integers(*_UNDONE_AFTER, count)
    ends = np.minimum(markets.closes_ms[intents.market], finish_ms(world.parameters))
    possible = buying & (buys > 1) & (sells == 0) & (when < ends) & (markets.resolution[intents.market] != CANCELLED)
    rows = rng.permutation(np.flatnonzero(possible))
    _, one = np.unique(fills.position[rows], return_index=True)
    chosen = rows[np.sort(one)][: round(world.parameters.undone_share * count)]
    result = np.full(count, NEVER)
    result[chosen] = when[chosen]
    return result


def _positions(world: World, fills: Fills, undone: Flags) -> Positions:
    """Before what settlements do to them."""
    intents, number = world.intents, fills.position
    count = int(number.max()) + 1 if len(number) else 0
    buying, selling = (intents.side == BUY) & ~undone, intents.side == SELL
    first = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(first, number, intents.time_ms)
    example = np.zeros(count, dtype=np.int64)
    example[number] = np.arange(len(number))
    sold_at = np.full(count, NEVER)
    np.maximum.at(sold_at, number[selling], intents.time_ms[selling])
    bought, sold = (sums_to(count, number, fills.quantity * which) for which in (buying, selling))
    cost = sums_to(count, number, fills.cost_cents * buying)
    basis_out = sums_to(count, number, (fills.cost_cents - fills.sale_cents) * selling)
    lot_quantity = sums(fills.lot, fills.quantity * buying)
    lot_cost = sums(fills.lot, fills.cost_cents * buying)
    last_lot = np.zeros(count, dtype=np.int64)
    np.maximum.at(last_lot, number, fills.lot)
    left = bought - sold
    return Positions(
        user=intents.user[example],
        market=intents.market[example],
        outcome=intents.outcome[example],
        opened_ms=first,
        closed_ms=np.where(left == 0, sold_at, NEVER),
        bought=bought,
        left=left,
        basis_cents=cost - basis_out,
        average=half_up(lot_cost[last_lot] * _CENT, np.maximum(1, lot_quantity[last_lot])),
        pnl_cents=sums_to(count, number, np.where(selling, fills.sale_cents, fills.pnl_cents)),
        settled=np.zeros(count, dtype=np.bool_),
        paid_cents=np.zeros(count, dtype=np.int64),
    )


def _payout(positions: Positions, outcome: Ints) -> Ints:
    """A dollar or half a dollar a share, rounded down."""
    won = (outcome == YES) == (positions.outcome == 1)
    halves = np.where(outcome == SPLIT, 1, np.where(won, 2, 0))
    return positions.left * halves // 200


def _paid(positions: Positions, settled: Flags, paid: Ints) -> Positions:
    fields = {name: getattr(positions, name) for name in Positions.__slots__}
    return Positions(**fields | {"settled": settled, "paid_cents": paid})


def half_up(part: Ints, whole: Ints | np.int64) -> Ints:
    """part ÷ whole, rounded half up; neither is negative."""
    return (2 * part + whole) // (2 * whole)


def sums_to(count: int, group: Ints, values: Ints | Flags) -> Ints:
    """``sums`` with a row for each of ``count`` groups."""
    return np.bincount(group, weights=values, minlength=count).astype(np.int64)
