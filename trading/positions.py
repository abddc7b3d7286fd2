"""What one user holds of one outcome, at average cost with fees left out, and what comes of it in the end.

Pure. Nothing is lost on the way: what sells and the settlement book as profit or loss adds up to the money that came
back less the money that was paid, to the cent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from predictu import money
from predictu.money import ZERO


@dataclass(frozen=True, slots=True)
class Holding:
    """``quantity`` shares that cost ``cost_basis_usd``; ``bought_quantity`` counts those sold since as well."""

    quantity: Decimal = ZERO
    cost_basis_usd: Decimal = ZERO
    bought_quantity: Decimal = ZERO
    realized_pnl_usd: Decimal = ZERO


def bought(holding: Holding, quantity: Decimal, cost_usd: Decimal) -> Holding:
    """The holding after a buy; ``cost_usd`` is without the fee."""
    return replace(
        holding,
        quantity=holding.quantity + quantity,
        cost_basis_usd=holding.cost_basis_usd + cost_usd,
        bought_quantity=holding.bought_quantity + quantity,
    )


def sold(holding: Holding, quantity: Decimal, proceeds_usd: Decimal) -> tuple[Holding, Decimal]:
    """The holding after a sell and the sell's profit or loss; ``proceeds_usd`` is before the fee.

    A sell takes its share of the basis, half up; the share of the one that sells the last share is all that remains.
    Raises ValueError when more is sold than held.
    """
    if not ZERO < quantity <= holding.quantity:
        raise ValueError("cannot sell more than is held")
    basis = money.half_up(holding.cost_basis_usd * quantity / holding.quantity)
    pnl = proceeds_usd - basis
    after = replace(
        holding,
        quantity=holding.quantity - quantity,
        cost_basis_usd=holding.cost_basis_usd - basis,
        realized_pnl_usd=holding.realized_pnl_usd + pnl,
    )
    return after, pnl


def buy_cancelled(holding: Holding, quantity: Decimal, cost_usd: Decimal) -> Holding:
    """Undo a buy. Exact, as long as nothing was sold since.

    Raises ValueError when the holding does not contain that buy any more.
    """
    if quantity > holding.quantity or cost_usd > holding.cost_basis_usd:
        raise ValueError("part of this buy was sold")
    return replace(
        holding,
        quantity=holding.quantity - quantity,
        cost_basis_usd=holding.cost_basis_usd - cost_usd,
        bought_quantity=holding.bought_quantity - quantity,
    )


def sell_cancelled(holding: Holding, quantity: Decimal, proceeds_usd: Decimal, pnl_usd: Decimal) -> Holding:
    """Undo a sell: the shares come back with the basis the sell had taken. Exact, as long as nothing was sold since."""
    return replace(
        holding,
        quantity=holding.quantity + quantity,
        cost_basis_usd=holding.cost_basis_usd + proceeds_usd - pnl_usd,
        realized_pnl_usd=holding.realized_pnl_usd - pnl_usd,
    )


def avg_price(holding: Holding) -> Decimal | None:
    """Basis per share to four places, half up; None once nothing is held (the position then keeps what it showed).

    Above 1 for crumbs, because no buy costs less than a cent: 0.0001 shares for 0.01 are 100 a share.
    """
    return money.rounded(holding.cost_basis_usd / holding.quantity, 4) if holding.quantity else None


def market_value(holding: Holding, price: Decimal) -> Decimal:
    """What the shares are worth at ``price``, exact: sums are rounded once, when they are shown."""
    return holding.quantity * price


def unrealized(holding: Holding, price: Decimal) -> Decimal:
    """What holding them has gained at ``price``, exact as ``market_value`` is."""
    return market_value(holding, price) - holding.cost_basis_usd


def payout(quantity: Decimal, payout_price: Decimal) -> Decimal:
    """What a position is paid at settlement, rounded down to the cent: 1 a share, 0, or 0.50 in a split."""
    return money.down(quantity * payout_price)


def settlement_pnl(holding: Holding, payout_usd: Decimal) -> Decimal:
    """What the settlement adds to the position's realised profit or loss; 0 when everything was sold before."""
    return payout_usd - holding.cost_basis_usd


def buy_pnls(quantities: Sequence[Decimal], settlement_pnl_usd: Decimal) -> list[Decimal]:
    """The settlement's profit or loss spread over the position's buys, oldest first.

    Each gets its share of all that was bought, half up, the last the remainder.
    """
    if not quantities:
        return []
    whole = sum(quantities, ZERO)
    parts = [money.half_up(settlement_pnl_usd * quantity / whole) for quantity in quantities[:-1]]
    return [*parts, settlement_pnl_usd - sum(parts, ZERO)]


def void_part(amount_usd: Decimal, remaining: Decimal, bought_quantity: Decimal) -> Decimal:
    """What a cancelled market takes back of a buy's fee or spread: the part of the position still held, half up."""
    return money.half_up(amount_usd * remaining / bought_quantity) if bought_quantity else ZERO
