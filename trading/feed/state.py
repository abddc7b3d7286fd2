"""What the source shows of an invented market at an instant: phase, book, prices, volume, oracle.

Prices are fair while trading lasts (a market at 0.62 ends yes 62 times in 100), then pinned near the proposed result
until the source closes it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from predictu import money
from trading.feed import chance
from trading.feed.world import DISPUTED_AFTER, PROPOSED_AFTER, Result, WorldMarket

Phase = Literal["open", "proposed", "disputed", "confirmed", "closed"]

TICK = Decimal("0.001")
LOWEST_MID, HIGHEST_MID = Decimal("0.003"), Decimal("0.997")
PINNED: dict[Phase, Decimal] = {
    "open": Decimal("0.9965"),
    "proposed": Decimal("0.9965"),
    "disputed": Decimal("0.9985"),
    "confirmed": Decimal("0.9995"),
}
HALF = Decimal("0.5")
FINAL_PRICES: dict[Result, tuple[Decimal, Decimal]] = {
    "yes": (money.ONE, money.ZERO),
    "no": (money.ZERO, money.ONE),
    "split": (HALF, HALF),
    "cancelled": (money.ZERO, money.ZERO),
}
VOLUME_AT_OPENING = 0.15


@dataclass(frozen=True, slots=True)
class State:
    """``bid`` and ``ask`` are those of yes, None for an empty side; ``prices`` are the source's (yes, no)."""

    phase: Phase
    prices: tuple[Decimal, Decimal]
    bid: Decimal | None
    ask: Decimal | None
    volume_usd: Decimal
    volume_24h_usd: Decimal
    liquidity_usd: Decimal
    uma_status: str | None
    uma_statuses: tuple[str, ...]

    @property
    def closed(self) -> bool:
        return self.phase == "closed"


def phase(market: WorldMarket, at: datetime) -> Phase:
    """Raises ValueError before the market opens."""
    if at < market.opens_at:
        raise ValueError("the market is not open yet")
    if at >= market.closed_at:
        return "closed"
    if at < market.decided_at + PROPOSED_AFTER or market.result == "cancelled":
        return "open"
    if at >= market.confirmed_at:
        return "confirmed"
    return "disputed" if market.kind == "disputed" and at >= market.decided_at + DISPUTED_AFTER else "proposed"


def mid(market: WorldMarket, at: datetime) -> Decimal | None:
    """The yes mid to four places; None before the market opens and once it is closed."""
    if not market.opens_at <= at < market.closed_at:
        return None
    if at < market.decided_at:
        return _fair(market, at)
    now = phase(market, at)
    awaited = market.result if now == "confirmed" else market.proposed_result
    if awaited == "split":
        return HALF
    if awaited == "cancelled":
        return _fair(market, market.decided_at - timedelta(seconds=1))
    return PINNED[now] if awaited == "yes" else 1 - PINNED[now]


def state(market: WorldMarket, at: datetime) -> State:
    """The whole picture at ``at``. Raises ValueError before the market opens."""
    now = phase(market, at)
    current = mid(market, at)
    bid, ask = (None, None) if current is None else _book(market, current)
    volume = _volume(market, at)
    earlier = _volume(market, at - timedelta(days=1)) if at - timedelta(days=1) >= market.opens_at else 0.0
    return State(
        phase=now,
        prices=FINAL_PRICES[market.result] if current is None else (current, 1 - current),
        bid=bid,
        ask=ask,
        volume_usd=_dollars(volume),
        volume_24h_usd=_dollars(volume - earlier),
        liquidity_usd=_dollars(market.liquidity_usd * _wobble(market, at)),
        uma_status=_uma_status(market, now),
        uma_statuses=_uma_statuses(market, now),
    )


def _fair(market: WorldMarket, at: datetime) -> Decimal:
    seconds = (market.decided_at - market.opens_at).total_seconds()
    lived = (at - market.opens_at).total_seconds() / seconds
    chance_of_yes = chance.fair_price(market.key, lived, seconds, market.starting_price)
    return min(max(money.rounded(Decimal(str(chance_of_yes)), 3), LOWEST_MID), HIGHEST_MID)


def _book(market: WorldMarket, current: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Bid and ask around ``current``; next to 0 or 1 one side is empty, and the mid is half the way to the other."""
    half = market.half_spread if current % TICK == 0 else TICK / 2
    if current <= half:
        return None, 2 * current
    if 1 - current <= half:
        return 2 * current - 1, None
    return current - half, current + half


def _volume(market: WorldMarket, at: datetime) -> float:
    """Grows from the opening to the decision, faster at first."""
    seconds = (market.decided_at - market.opens_at).total_seconds()
    lived = min(1.0, (at - market.opens_at).total_seconds() / seconds)
    return market.final_volume_usd * (VOLUME_AT_OPENING + (1 - VOLUME_AT_OPENING) * lived**0.8)


def _wobble(market: WorldMarket, at: datetime) -> float:
    """Between 0.85 and 1.15, another one each hour."""
    return chance.between(f"{market.key}/liquidity/{int(at.timestamp() // 3600)}", 0.85, 1.15)


def _uma_status(market: WorldMarket, now: Phase) -> str | None:
    if now == "open" or market.result == "cancelled":
        return None
    return "resolved" if now in ("confirmed", "closed") else now


def _uma_statuses(market: WorldMarket, now: Phase) -> tuple[str, ...]:
    history = ("proposed", "disputed", "resolved") if market.kind == "disputed" else ("proposed", "resolved")
    status = _uma_status(market, now)
    return history[: history.index(status) + 1] if status else ()


def _dollars(amount: float) -> Decimal:
    return money.half_up(Decimal(str(amount)))
