"""The only module that rounds. Amounts are Decimals of US dollars; floats exist only in the JSON encoder.

Fees and shares round half up, what a buyer pays rounds up, what a seller gets and every payout rounds down; of a split
the last part is the remainder.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
PRICE_STEP = Decimal("0.0001")
QUANTITY_STEP = Decimal("0.0001")
ZERO = Decimal(0)
ONE = Decimal(1)
BPS = Decimal(10_000)


def half_up(amount: Decimal) -> Decimal:
    """To the cent, half up: fees, shares and shown values."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def up(amount: Decimal) -> Decimal:
    """To the cent, up: what a buyer pays."""
    return amount.quantize(CENT, ROUND_CEILING)


def down(amount: Decimal) -> Decimal:
    """To the cent, down: what a seller or winner gets."""
    return amount.quantize(CENT, ROUND_FLOOR)


def price_up(price: Decimal) -> Decimal:
    """To four places, up: the ask."""
    return price.quantize(PRICE_STEP, ROUND_CEILING)


def price_down(price: Decimal) -> Decimal:
    """To four places, down: the bid."""
    return price.quantize(PRICE_STEP, ROUND_FLOOR)


def quantity_down(quantity: Decimal) -> Decimal:
    """To four places, towards zero: the shares an amount buys."""
    return quantity.quantize(QUANTITY_STEP, ROUND_DOWN)


def basis_points(amount: Decimal, bps: Decimal) -> Decimal:
    """``bps`` of ``amount`` to the cent, half up (31.00 at 150 is 0.47)."""
    return half_up(amount * bps / BPS)


def rounded(value: Decimal, places: int) -> Decimal:
    """Half up to ``places``: percentages (1), ratios (2), rates and prices (4)."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def percent(part: Decimal, whole: Decimal) -> Decimal:
    """``part`` of ``whole`` as a percentage with one place; 0 when there is no whole."""
    return rounded(part * 100 / whole, 1) if whole else ZERO


def split(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """``total`` in parts by ``weights``, each rounded down to the cent, the last part the remainder."""
    whole = sum(weights, ZERO)
    parts = [down(total * weight / whole) if whole else ZERO for weight in weights[:-1]]
    return [*parts, total - sum(parts, ZERO)]


def apportion(total: Decimal, weights: Sequence[Decimal], places: int) -> list[Decimal]:
    """``total`` in parts of ``places`` decimals by largest remainder, so that shown shares add up; zeros without any.

    Equal remainders go to the earlier part. ``total`` has at most ``places`` decimals, weights are not negative.
    """
    whole = sum(weights, ZERO)
    step = Decimal(1).scaleb(-places)
    if not whole:
        return [ZERO.quantize(step) for _ in weights]
    units = [total * weight // (whole * step) for weight in weights]
    left = [total * weight - unit * whole * step for weight, unit in zip(weights, units, strict=True)]  # times whole
    parts = [unit * step for unit in units]
    missing = int((total - sum(parts, ZERO)) / step)
    for index in sorted(range(len(parts)), key=lambda index: -left[index])[:missing]:
        parts[index] += step
    return parts
