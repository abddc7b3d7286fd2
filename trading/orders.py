"""What a trade is made of: the order, the decision taken on it, and what becomes of it. Plain values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from accounts.services import ledger
from risk import walls
from risk.services import exposure
from trading import positions, pricing

if TYPE_CHECKING:
    from trading.services.trade_facts import MarketRow, OperatorRow, PlayerRow


@dataclass(frozen=True, slots=True)
class Order:
    """What a caller asks for: exactly one of ``quantity`` and ``amount_usd`` (buys only)."""

    player_id: str
    market_id: str
    outcome: str
    side: str
    quantity: Decimal | None = None
    amount_usd: Decimal | None = None
    max_price: Decimal | None = None
    min_price: Decimal | None = None
    device: str = ""
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True)
class Executed:
    """A trade as it is written, with the rows it was decided on."""

    id: str
    order: Order
    quote: pricing.Quote
    operator: "OperatorRow"
    player: "PlayerRow"
    market: "MarketRow"
    pnl_usd: Decimal | None
    balance_usd: Decimal
    created_at: datetime
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A trade that may be, and everything it changes."""

    executed: Executed
    holding: positions.Holding
    position_id: str
    average_price: Decimal
    positions_change: int
    counters: exposure.Counters | None
    verdict: walls.Verdict
    postings: list[ledger.Posting]
    limit_tier: str
    status: str
