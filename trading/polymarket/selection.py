"""Which markets may be traded: every rule, with the reasons for failing. Staff's override is the caller's affair."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from predictu import money
from trading.polymarket import categories

LIQUIDITY_DECADES = 6
"""$1,000,000 of liquidity scores 1; each factor of ten less costs a sixth."""


class Code(StrEnum):
    CLOSED = "closed"
    NOT_ACTIVE = "not_active"
    NOT_ACCEPTING_ORDERS = "not_accepting_orders"
    NO_ORDER_BOOK = "no_order_book"
    NO_END_DATE = "no_end_date"
    ENDS_TOO_SOON = "ends_too_soon"
    NO_PRICE = "no_price"
    PRICE_TOO_EXTREME = "price_too_extreme"
    PRICE_TOO_OLD = "price_too_old"
    LOW_LIQUIDITY = "low_liquidity"
    LOW_VOLUME = "low_volume"
    CATEGORY_NOT_CARRIED = "category_not_carried"


def _every_category() -> frozenset[str]:
    return frozenset(categories.load().categories)


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """The thresholds; the settings supply them. Those of mid, liquidity and volume are inclusive, the times are not."""

    min_time_to_end: timedelta = timedelta(hours=1)
    min_mid: Decimal = Decimal("0.02")
    max_mid: Decimal = Decimal("0.98")
    min_liquidity_usd: Decimal = Decimal(1000)
    min_volume_usd: Decimal = Decimal(1000)
    max_price_age: timedelta = timedelta(minutes=10)
    categories: frozenset[str] = field(default_factory=_every_category)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the rules look at. ``priced_at`` is when ``yes_mid`` was read from the source; None is unknown."""

    closed: bool
    active: bool
    accepting_orders: bool
    enable_order_book: bool
    end_date: datetime | None
    yes_mid: Decimal | None
    priced_at: datetime | None
    liquidity_usd: Decimal | None
    volume_usd: Decimal | None
    category: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    code: Code
    text: str


def reasons(market: Candidate, rules: SelectionRules, *, now: datetime) -> tuple[Reason, ...]:
    """Every rule the market fails, in a fixed order; empty means tradeable."""
    failed = (*_state(market), *_end(market, rules, now), *_price(market, rules, now), *_size(market, rules))
    if market.category in rules.categories:
        return failed
    text = f"We do not carry {market.category}." if market.category else "Its tags name none of our categories."
    return (*failed, Reason(Code.CATEGORY_NOT_CARRIED, text))


def liquidity_score(liquidity_usd: Decimal | None) -> Decimal:
    """``min(1, log10(1 + liquidity) / 6)`` to two places; 0 when the liquidity is unknown."""
    if liquidity_usd is None or liquidity_usd <= 0:
        return Decimal("0.00")
    return money.rounded(min(money.ONE, (1 + liquidity_usd).log10() / LIQUIDITY_DECADES), 2)


def _state(market: Candidate) -> Iterator[Reason]:
    if market.closed:
        yield Reason(Code.CLOSED, "The source has closed it.")
    if not market.active:
        yield Reason(Code.NOT_ACTIVE, "The source does not list it as active.")
    if not market.accepting_orders:
        yield Reason(Code.NOT_ACCEPTING_ORDERS, "The source accepts no orders for it.")
    if not market.enable_order_book:
        yield Reason(Code.NO_ORDER_BOOK, "It has no order book at the source.")


def _end(market: Candidate, rules: SelectionRules, now: datetime) -> Iterator[Reason]:
    if market.end_date is None:
        yield Reason(Code.NO_END_DATE, "Its end date is unknown.")
    elif market.end_date - now <= rules.min_time_to_end:
        yield Reason(Code.ENDS_TOO_SOON, f"It ends within {_minutes(rules.min_time_to_end)} minutes.")


def _price(market: Candidate, rules: SelectionRules, now: datetime) -> Iterator[Reason]:
    if market.yes_mid is None or market.priced_at is None:
        yield Reason(Code.NO_PRICE, "It has no price.")
        return
    if not rules.min_mid <= market.yes_mid <= rules.max_mid:
        yield Reason(Code.PRICE_TOO_EXTREME, f"Its mid {market.yes_mid} is outside {rules.min_mid} to {rules.max_mid}.")
    if now - market.priced_at >= rules.max_price_age:
        yield Reason(Code.PRICE_TOO_OLD, f"Its price is {_minutes(rules.max_price_age)} minutes old or older.")


def _size(market: Candidate, rules: SelectionRules) -> Iterator[Reason]:
    for code, noun, amount, least in (
        (Code.LOW_LIQUIDITY, "liquidity", market.liquidity_usd, rules.min_liquidity_usd),
        (Code.LOW_VOLUME, "volume", market.volume_usd, rules.min_volume_usd),
    ):
        if amount is None:
            yield Reason(code, f"Its {noun} is unknown.")
        elif amount < least:
            yield Reason(code, f"Its {noun} of ${amount:,.2f} is below ${least:,.2f}.")


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
