"""A trade just made, in the words of the lists."""

from typing import Any

from trading.orders import Executed
from trading.queries import trades


def executed(done: Executed) -> dict[str, Any]:
    """God Mode's list row, plus the balance the trade leaves."""
    quote, order = done.quote, done.order
    values = {
        "id": done.id,
        "player_id": done.player.id,
        "player__username": done.player.username,
        "operator__slug": done.operator.slug,
        "operator__name": done.operator.name,
        "market_id": done.market.id,
        "market__title": done.market.title,
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
        "transaction_id": order.transaction_id,
        "idempotency_key": done.idempotency_key,
        "created_at": done.created_at,
    }
    return {**trades.row(values), "balance_usd": done.balance_usd}
