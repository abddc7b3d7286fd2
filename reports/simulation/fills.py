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
    left: Ints
    """Shares of the position that were never sold, in 0.0001 shares."""
    sale_cents: Ints
    """Profit of a sell, in a cancelled market too; 0 for a buy."""
    position: Ints
    """Number of the player's position: player, market and outcome, ascending in that order."""
    lot: Ints
    """Number of the run of buys of one position that a sale ends, ascending by position and time."""


def fill(*, world: World, undone: Flags | None = None) -> Fills:
    """Every intent executed at the mid of its moment; ``undone`` are the buys that were cancelled afterwards."""
    intents, markets = world.intents, world.markets
    buying = intents.side == BUY
    counts = np.ones(len(buying), dtype=np.bool_) if undone is None else ~undone
    mid = markets.mid_at(intents.market, intents.time_ms)
    mid = np.where(intents.outcome == 1, mid, _UNIT - mid)
    half = world.parameters.spread_bps
    ask = np.minimum(-(-mid * (20_000 + half) // 20_000), _UNIT - 1)
    bid = np.maximum(mid * (20_000 - half) // 20_000, 1)
    price = np.where(buying, ask, bid)
    bought = np.where(buying, intents.stake_cents * _CENT // price, 0)

    bet = (intents.user * len(markets.category) + intents.market) * 2 + intents.outcome
    position = np.unique(bet, return_inverse=True)[1]
    order = np.lexsort((intents.side, intents.time_ms, position))
    lot = np.empty(len(order), dtype=np.int64)
    lot[order] = _lots(position[order], intents.side[order])
    quantity = np.where(buying, bought, sums(lot, bought * counts)[lot])
    worth = price * quantity
    cost = np.where(buying, -(-worth // _CENT), worth // _CENT)
    sale = np.where(buying, 0, cost - sums(lot, np.where(buying, cost, 0) * counts)[lot])

    outcome = markets.resolution[intents.market]
    settled = (outcome != UNRESOLVED) & (outcome != CANCELLED)
    kept = buying & (sums(lot, ~buying)[lot] == 0)
    gain = _settlement(world, position, kept, np.where(counts, bought, 0), cost)
    resolved = (settled | ~buying) & (outcome != CANCELLED) & counts
    when = np.where(buying, markets.resolves_ms[intents.market], intents.time_ms)
    return Fills(
        price=price,
        quantity=quantity,
        cost_cents=cost,
        fee_cents=(2 * cost * world.parameters.fee_bps + _UNIT) // (2 * _UNIT),
        resolved=resolved,
        pnl_cents=np.where(resolved, np.where(buying, gain, sale), 0),
        resolved_ms=np.where(resolved, when, NEVER),
        left=sums(position, np.where(buying, quantity * counts, -quantity))[position],
        sale_cents=sale,
        position=position,
        lot=lot,
    )


def _lots(position: Ints, side: Ints) -> Ints:
    """A number for each run of buys of one position and the sale that ends it; rows ordered by position and time."""
    starts = np.ones(len(position), dtype=np.bool_)
    starts[1:] = (position[1:] != position[:-1]) | (side[:-1] == SELL)
    return np.cumsum(starts) - 1


def _settlement(world: World, number: Ints, kept: Flags, bought: Ints, cost: Ints) -> Ints:
    """Each buy's part, by quantity, of its position's payout less remaining basis; the last buy has the rest.

    ``kept`` are the buys of which shares are left, ``number`` the position's; a buy of no shares is none. Unsettled
    markets pay nothing here: the caller leaves them out.
    """
    resolution = world.markets.resolution[world.intents.market]
    won = (resolution == YES) == (world.intents.outcome == 1)
    halves = np.where(resolution == SPLIT, 1, np.where(won, 2, 0))
    left, basis, whole = sums(number, bought * kept), sums(number, cost * kept * (bought > 0)), sums(number, bought)
    result = left[number] * halves // 200 - basis[number]
    all_bought = np.maximum(1, whole[number])
    part = np.sign(result) * ((2 * np.abs(result) * bought + all_bought) // (2 * all_bought))

    buys = np.flatnonzero(bought)
    rows = buys[np.lexsort((world.intents.time_ms[buys], number[buys]))]
    last = rows[np.flatnonzero(np.diff(number[rows], append=-1))]
    part[last] += result[last] - sums(number, part)[number[last]]
    return part


def sums(group: Ints, values: Ints | Flags) -> Ints:
    """Sum of the values of each group; whole numbers far below 2**53."""
    return np.bincount(group, weights=values).astype(np.int64)
