"""What a trade costs: the spread around the mid, the ask and the bid, and the quote made of them.

Pure. The mid of an outcome lies in [0.0001, 0.9999]; spreads and fees are in basis points (of the mid, of the cost) and
may be fractional. Every rounding goes against the one who trades, so no round trip at an unchanged mid earns a cent.
"""

from dataclasses import dataclass
from decimal import Decimal

from predictu import money
from predictu.money import BPS, CENT, ONE, QUANTITY_STEP, ZERO

LOWEST_PRICE = Decimal("0.0001")
HIGHEST_PRICE = Decimal("0.9999")
# What numeric(18, 4) holds. The cost of that many shares fits numeric(18, 2), as no price reaches 1.
LARGEST_QUANTITY = Decimal("99999999999999.9999")
TIER_MULTIPLIERS = {"sharp": Decimal("1.5"), "restricted": Decimal(2), "banned": Decimal(2)}


@dataclass(frozen=True, slots=True)
class Quote:
    """A trade worked out. ``cost_usd`` is price × quantity without the fee: what a buyer pays, what a seller gets."""

    side: str
    mid: Decimal
    price: Decimal
    quantity: Decimal
    cost_usd: Decimal
    fee_usd: Decimal
    spread_usd: Decimal
    spread_bps: Decimal

    @property
    def total_usd(self) -> Decimal:
        """What leaves a buyer's balance, or reaches a seller's: the fee is on top of a buy and off a sell."""
        return self.cost_usd + self.fee_usd if self.side == "buy" else self.cost_usd - self.fee_usd


@dataclass(frozen=True, slots=True)
class MarketSpreads:
    """The spreads a market shows, as fractions of the mid with two places."""

    base_spread: Decimal
    risk_adjusted_spread: Decimal
    spread: Decimal


def heavier_side(yes_exposure: Decimal, no_exposure: Decimal) -> str | None:
    """The outcome whose win would cost more; None for an even market."""
    if yes_exposure == no_exposure:
        return None
    return "yes" if yes_exposure > no_exposure else "no"


def adds_to_heavier_side(*, side: str, outcome: str, yes_exposure: Decimal, no_exposure: Decimal) -> bool:
    """Whether the trade makes the heavier side heavier: a buy of it does; a sell only ever takes exposure away."""
    return side == "buy" and outcome == heavier_side(yes_exposure, no_exposure)


def market_utilisation(exposure: Decimal, limit: Decimal) -> Decimal:
    """The part of a market's limit that is used, 0 to 1. A limit of nothing is used up."""
    return min(max(exposure / limit, ZERO), ONE) if limit > 0 else ONE


def spread_bps(
    *,
    base_bps: Decimal,
    min_bps: Decimal,
    max_bps: Decimal,
    risk_multiplier: Decimal,
    utilisation: Decimal,
    tier: str,
    discount_bps: Decimal,
) -> Decimal:
    """The whole spread, bid to ask, in basis points of the mid; not rounded.

    ``utilisation`` is the market's before the trade, 0 unless the trade adds to the heavier side. ``discount_bps`` is
    what the user's volume has earned (0 if nothing); a user of a tier that pays more never gets it.
    """
    spread = base_bps * (1 + risk_multiplier * utilisation)
    if tier in TIER_MULTIPLIERS:
        spread *= TIER_MULTIPLIERS[tier]
    else:
        spread -= discount_bps
    return min(max(spread, min_bps), max_bps)


def market_spreads(
    *,
    base_bps: Decimal,
    min_bps: Decimal,
    max_bps: Decimal,
    risk_multiplier: Decimal,
    yes_exposure: Decimal,
    no_exposure: Decimal,
    limit: Decimal,
) -> MarketSpreads:
    """What a market shows: a buy of its heavier side, without the terms of an operator or a user."""
    even = heavier_side(yes_exposure, no_exposure) is None
    adjusted = spread_bps(
        base_bps=base_bps,
        min_bps=min_bps,
        max_bps=max_bps,
        risk_multiplier=risk_multiplier,
        utilisation=ZERO if even else market_utilisation(yes_exposure + no_exposure, limit),
        tier="normal",
        discount_bps=ZERO,
    )
    shown = money.rounded(adjusted / BPS, 2)
    return MarketSpreads(base_spread=money.rounded(base_bps / BPS, 2), risk_adjusted_spread=shown, spread=shown)


def mid_of(outcome: str, yes_price: Decimal) -> Decimal:
    """The mid of one outcome; the two add up to 1."""
    return yes_price if outcome == "yes" else ONE - yes_price


def ask(mid: Decimal, bps: Decimal) -> Decimal:
    """What a buyer pays for a share: half the spread above the mid, rounded up."""
    return _within(money.price_up(mid * (1 + bps / (2 * BPS))))


def bid(mid: Decimal, bps: Decimal) -> Decimal:
    """What a seller gets for a share: half the spread below the mid, rounded down."""
    return _within(money.price_down(mid * (1 - bps / (2 * BPS))))


def quote(
    *,
    side: str,
    mid: Decimal,
    spread_bps: Decimal,
    fee_bps: Decimal,
    quantity: Decimal | None = None,
    amount_usd: Decimal | None = None,
    closes: bool = False,
) -> Quote:
    """Work out a trade of ``quantity`` shares, or a buy of what ``amount_usd`` pays for without the fee.

    A quantity counts to four places and an amount to the cent, the rest is cut off. A buy costs at least a cent. A sell
    too small to bring one is allowed only when it ``closes`` the position: its proceeds are then 0, so that nobody is
    left with shares that cannot be sold.

    Raises ValueError with a sentence for the caller: not exactly one of quantity and amount, an amount on a sell, a
    size that is zero or too large to book. Also for a mid, a spread or a fee that cannot be.
    """
    if side not in ("buy", "sell"):
        raise ValueError("side must be buy or sell")
    if not LOWEST_PRICE <= mid <= HIGHEST_PRICE:
        raise ValueError(f"mid must lie between {LOWEST_PRICE} and {HIGHEST_PRICE}")
    if spread_bps < 0 or fee_bps < 0:
        raise ValueError("a spread or fee cannot be negative")
    buying = side == "buy"
    price = ask(mid, spread_bps) if buying else bid(mid, spread_bps)
    shares = _shares(buying=buying, price=price, quantity=quantity, amount_usd=amount_usd)
    cost = money.up(price * shares) if buying else money.down(price * shares)
    if not cost and not closes:
        raise ValueError("this sale would bring less than a cent; only the whole position can be sold for nothing")
    fee = money.basis_points(cost, fee_bps)
    return Quote(
        side=side,
        mid=mid,
        price=price,
        quantity=shares,
        cost_usd=cost,
        fee_usd=fee if buying else min(fee, cost),
        spread_usd=money.half_up(abs(price - mid) * shares),
        spread_bps=spread_bps,
    )


def _shares(*, buying: bool, price: Decimal, quantity: Decimal | None, amount_usd: Decimal | None) -> Decimal:
    if (quantity is None) == (amount_usd is None):
        raise ValueError("give exactly one of quantity and amount_usd")
    if amount_usd is not None:
        if not buying:
            raise ValueError("a sell takes a quantity, not an amount_usd")
        if amount_usd < CENT:
            raise ValueError(f"amount_usd must be at least {CENT}")
        if amount_usd > LARGEST_QUANTITY * price:
            raise ValueError("amount_usd is too large")
        return money.quantity_down(money.down(amount_usd) / price)
    assert quantity is not None
    if quantity < QUANTITY_STEP:
        raise ValueError(f"quantity must be at least {QUANTITY_STEP}")
    if quantity > LARGEST_QUANTITY:
        raise ValueError("quantity is too large")
    return money.quantity_down(quantity)


def _within(price: Decimal) -> Decimal:
    return min(max(price, LOWEST_PRICE), HIGHEST_PRICE)
