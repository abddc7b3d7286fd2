"""How trades, positions and ledger entries read in the APIs: one wording for God Mode and the Casino API."""

from typing import Any

from predictu import clock
from trading.orders import Executed


def executed(done: Executed) -> dict[str, Any]:
    """A trade just made as God Mode's list row, plus the balance it leaves."""
    quote, order = done.quote, done.order
    return {
        "id": done.id,
        "user_id": done.player.id,
        "user_name": done.player.username,
        "operator_slug": done.operator.slug,
        "operator_name": done.operator.name,
        "market_id": done.market.id,
        "market_title": done.market.title,
        "category": done.market.category,
        "outcome": order.outcome,
        "side": order.side,
        "price": quote.price,
        "quantity": quote.quantity,
        "cost_usd": quote.cost_usd,
        "fee_usd": quote.fee_usd,
        "spread_usd": quote.spread_usd,
        "pnl_usd": done.pnl_usd,
        "status": "filled",
        "s2s_transaction_id": order.transaction_id,
        "idempotency_key": done.idempotency_key,
        "created_at": clock.seconds(done.created_at),
        "balance_usd": done.balance_usd,
    }
