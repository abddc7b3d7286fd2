"""What becomes of the intents on a platform that executes them all: prices, costs and profit in integers.

The arithmetic is the platform's: a buyer pays the mid with half the spread on top, rounded up, for as many shares as
the stake buys; a seller gets the mid less half the spread, rounded down; cost is by average. The spread is the base
spread, without terms for exposure or tier.
"""

from dataclasses import dataclass

import numpy as np

from reports.simulation.intents import BUY, SELL
from reports.simulation.markets import CANCELLED, NEVER, SPLIT, UNRESOLVED, YES, Flags, Ints
from reports.simulation.world import World

_UNIT = 10_000
_CENT = 1_000_000
"""0.0001 dollars × 0.0001 shares in one cent."""


@dataclass(frozen=True, slots=True)
class Fills:
    """A row for each intent, in the same order."""

    price: Ints
    """Paid or got for a share, in 0.0001 dollars."""
    quantity: Ints
    """In 0.0001 shares."""
    cost_cents: Ints
    """Price × quantity without the fee: rounded up for a buy, down for a sell."""
    fee_cents: Ints
    resolved: Flags
    """Has its profit: every sell, and every buy whose market is settled. False throughout a cancelled market."""
    pnl_cents: Ints
    """Without fees; 0 where not resolved."""
    resolved_ms: Ints
    """When the profit was known; NEVER where not resolved."""


def fill(*, world: World) -> Fills:
    """Every intent executed at the mid of its moment."""
    intents, markets = world.intents, world.markets
    buying = intents.side == BUY
    mid = markets.mid_at(intents.market, intents.time_ms)
    mid = np.where(intents.outcome == 1, mid, _UNIT - mid)
    half = world.parameters.spread_bps
    ask = np.minimum(-(-mid * (20_000 + half) // 20_000), _UNIT - 1)
    bid = np.maximum(mid * (20_000 - half) // 20_000, 1)
    price = np.where(buying, ask, bid)
    bought = np.where(buying, intents.stake_cents * _CENT // price, 0)

    position = (intents.user * len(markets.category) + intents.market) * 2 + intents.outcome
    order = np.lexsort((intents.side, intents.time_ms, position))
    lot = np.empty(len(order), dtype=np.int64)
    lot[order] = _lots(position[order], intents.side[order])
    quantity = np.where(buying, bought, _sums(lot, bought)[lot])
    worth = price * quantity
    cost = np.where(buying, -(-worth // _CENT), worth // _CENT)
    sale = np.where(buying, 0, cost - _sums(lot, np.where(buying, cost, 0))[lot])

    outcome = markets.resolution[intents.market]
    settled = (outcome != UNRESOLVED) & (outcome != CANCELLED)
    kept = buying & (_sums(lot, ~buying)[lot] == 0)
    gain = _settlement(world, position, kept, bought, cost)
    resolved = (settled | ~buying) & (outcome != CANCELLED)
    when = np.where(buying, markets.resolves_ms[intents.market], intents.time_ms)
    return Fills(
        price=price,
        quantity=quantity,
        cost_cents=cost,
        fee_cents=(2 * cost * world.parameters.fee_bps + _UNIT) // (2 * _UNIT),
        resolved=resolved,
        pnl_cents=np.where(resolved, np.where(buying, gain, sale), 0),
        resolved_ms=np.where(resolved, when, NEVER),
    )


def _lots(position: Ints, side: Ints) -> Ints:
    """A number for each run of buys of one position and the sale that ends it; rows ordered by position and time."""
    starts = np.ones(len(position), dtype=np.bool_)
    starts[1:] = (position[1:] != position[:-1]) | (side[:-1] == SELL)
    return np.cumsum(starts) - 1


def _settlement(world: World, position: Ints, kept: Flags, bought: Ints, cost: Ints) -> Ints:
    """Each buy's part, by quantity, of its position's payout less remaining basis; the last buy has the rest.

    ``kept`` are the buys of which shares are left. Unsettled markets pay nothing here: the caller leaves them out.
    """
    _, number = np.unique(position, return_inverse=True)
    resolution = world.markets.resolution[world.intents.market]
    won = (resolution == YES) == (world.intents.outcome == 1)
    halves = np.where(resolution == SPLIT, 1, np.where(won, 2, 0))
    left, basis, whole = _sums(number, bought * kept), _sums(number, cost * kept), _sums(number, bought)
    result = left[number] * halves // 200 - basis[number]
    all_bought = np.maximum(1, whole[number])
    part = np.sign(result) * ((2 * np.abs(result) * bought + all_bought) // (2 * all_bought))

    buys = np.flatnonzero(bought)
    rows = buys[np.lexsort((world.intents.time_ms[buys], number[buys]))]
    last = rows[np.flatnonzero(np.diff(number[rows], append=-1))]
    part[last] += result[last] - _sums(number, part)[number[last]]
    return part


def _sums(group: Ints, values: Ints | Flags) -> Ints:
    """Sum of the values of each group; whole numbers far below 2**53."""
    return np.bincount(group, weights=values).astype(np.int64)
