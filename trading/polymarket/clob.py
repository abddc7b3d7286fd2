"""The CLOB's own market listing in Gamma's words.

It knows no volume, no liquidity and no oracle status, so nothing is tradeable or final by it alone.
"""

from collections.abc import Mapping
from typing import Any

_SAME_MEANING = {
    "condition_id": "conditionId",
    "question_id": "questionID",
    "question": "question",
    "market_slug": "slug",
    "description": "description",
    "image": "image",
    "icon": "icon",
    "end_date_iso": "endDate",
    "game_start_time": "gameStartTime",
    "active": "active",
    "closed": "closed",
    "archived": "archived",
    "accepting_orders": "acceptingOrders",
    "enable_order_book": "enableOrderBook",
    "neg_risk": "negRisk",
    "neg_risk_market_id": "negRiskMarketID",
    "neg_risk_request_id": "negRiskRequestID",
    "tags": "tags",
}


def is_listing_row(row: Mapping[str, Any]) -> bool:
    """Whether this is the CLOB's market object: snake case, with its tokens as a list."""
    return "condition_id" in row and isinstance(row.get("tokens"), list)


def as_gamma(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as a Gamma market; a token that is not an object leaves its outcome unreadable."""
    tokens = [token if isinstance(token, Mapping) else {} for token in row["tokens"]]
    return {
        **{gamma: row[name] for name, gamma in _SAME_MEANING.items() if name in row},
        "outcomes": [token.get("outcome") for token in tokens],
        "outcomePrices": [token.get("price") for token in tokens],
        "clobTokenIds": [token.get("token_id") for token in tokens],
    }
