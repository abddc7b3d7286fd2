"""The fills against the platform's own arithmetic, position by position."""

from collections import defaultdict
from decimal import Decimal

import numpy as np

from reports.simulation.fills import fill
from reports.simulation.intents import BUY
from reports.simulation.markets import CANCELLED, NEVER, SPLIT, UNRESOLVED, YES
from tests.reports.simulation.worlds import odd_world
from trading import positions, pricing

_STEP = Decimal("0.0001")


def _by_position(rows):
    intents = odd_world().intents
    grouped = defaultdict(list)
    for row in rows:
        grouped[intents.user[row], intents.market[row], intents.outcome[row]].append(row)
    return grouped


def test_fills_are_what_the_platform_books():
    intents, markets, filled = odd_world().intents, odd_world().markets, fill(world=odd_world())
    mids = markets.mid_at(intents.market, intents.time_ms)
    chosen = np.flatnonzero(intents.user < 400)
    checked = {"sold": 0, "settled": 0, "split": 0, "bought again": 0}
    for (_, market, outcome), rows in _by_position(chosen).items():
        holding, quantities = positions.Holding(), []
        for row in rows:
            mid = int(mids[row]) if outcome == 1 else 10_000 - int(mids[row])
            buying = intents.side[row] == BUY
            quote = pricing.quote(
                side="buy" if buying else "sell",
                mid=mid * _STEP,
                spread_bps=Decimal(200),
                fee_bps=Decimal(50),
                amount_usd=Decimal(int(intents.stake_cents[row])) / 100 if buying else None,
                quantity=None if buying else holding.quantity,
                closes=not buying,
            )
            assert quote.price == int(filled.price[row]) * _STEP
            assert quote.quantity == int(filled.quantity[row]) * _STEP
            assert quote.cost_usd * 100 == int(filled.cost_cents[row])
            assert quote.fee_usd * 100 == int(filled.fee_cents[row])
            if buying:
                checked["bought again"] += bool(quantities) and not holding.quantity
                holding = positions.bought(holding, quote.quantity, quote.cost_usd)
                quantities.append(quote.quantity)
            else:
                holding, pnl = positions.sold(holding, quote.quantity, quote.cost_usd)
                if markets.resolution[market] != CANCELLED:
                    checked["sold"] += 1
                    assert pnl * 100 == int(filled.pnl_cents[row])
        resolution = markets.resolution[market]
        if resolution in (UNRESOLVED, CANCELLED):
            continue
        checked["settled"] += 1
        checked["split"] += resolution == SPLIT
        won = (resolution == YES) == (outcome == 1)
        share = Decimal("0.5") if resolution == SPLIT else Decimal(int(won))
        result = positions.settlement_pnl(holding, positions.payout(holding.quantity, share))
        expected = [pnl * 100 for pnl in positions.buy_pnls(quantities, result)]
        assert [int(filled.pnl_cents[row]) for row in rows if intents.side[row] == BUY] == expected
    assert checked["sold"] > 100
    assert checked["settled"] > 1_000
    assert checked["split"] > 20
    assert checked["bought again"] > 5


def test_what_has_a_result_and_when():
    intents, markets, filled = odd_world().intents, odd_world().markets, fill(world=odd_world())
    resolution = markets.resolution[intents.market]
    cancelled = resolution == CANCELLED
    waiting = (intents.side == BUY) & (resolution == UNRESOLVED)
    assert cancelled.any()
    assert np.array_equal(~filled.resolved, cancelled | waiting)
    assert (filled.pnl_cents[~filled.resolved] == 0).all()
    assert (filled.resolved_ms[~filled.resolved] == NEVER).all()
    sells = filled.resolved & (intents.side != BUY)
    assert (filled.resolved_ms[sells] == intents.time_ms[sells]).all()
    buys = filled.resolved & (intents.side == BUY)
    assert (filled.resolved_ms[buys] == markets.resolves_ms[intents.market[buys]]).all()
