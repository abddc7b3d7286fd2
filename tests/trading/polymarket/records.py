"""Small Gamma and CLOB records in the source's own shape, changed by keyword; ``ABSENT`` takes a key out."""

import json
from typing import Any

ABSENT = object()
CONDITION = "0x" + "ab" * 32
TOKENS = ("7" * 76, "8" * 77)


def listed(*items: str) -> str:
    """A list the way Gamma writes it: as a string holding JSON."""
    return json.dumps(list(items))


def gamma_market(**changes: Any) -> dict[str, Any]:
    """An open, liquid Yes/No market."""
    record = {
        "id": "700001",
        "conditionId": CONDITION,
        "questionID": "0x" + "cd" * 32,
        "slug": "will-the-harbour-bridge-open-by-june",
        "question": "Will the harbour bridge open by June 30?",
        "description": "Resolves Yes if traffic crosses the bridge.",
        "image": "https://images.example/bridge.png",
        "outcomes": listed("Yes", "No"),
        "outcomePrices": listed("0.425", "0.575"),
        "clobTokenIds": listed(*TOKENS),
        "volume": "181494.239632",
        "volumeNum": 181494.239632,
        "liquidity": "20000.5",
        "liquidityNum": 20000.5,
        "bestBid": 0.42,
        "bestAsk": 0.43,
        "lastTradePrice": 0.42,
        "startDate": "2026-01-02T10:00:00.123456Z",
        "endDate": "2026-06-30T23:59:00Z",
        "endDateIso": "2026-06-30",
        "createdAt": "2026-01-02T09:59:00.1Z",
        "updatedAt": "2026-03-01T00:00:00.12345Z",
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "negRisk": False,
        "negRiskRequestID": "",
        "umaResolutionStatuses": "[]",
    }
    return _changed(record, changes)


def resolved_market(**changes: Any) -> dict[str, Any]:
    """The same market closed, decided for yes and final."""
    final = {
        "closed": True,
        "acceptingOrders": False,
        "umaResolutionStatus": "resolved",
        "umaResolutionStatuses": listed("proposed"),
        "outcomePrices": listed("1", "0"),
        "closedTime": "2026-06-20 08:15:30+00",
    }
    return gamma_market(**{**final, **changes})


def gamma_event(*markets: Any, **changes: Any) -> dict[str, Any]:
    record = {
        "id": "9001",
        "slug": "harbour-bridge",
        "title": "Harbour bridge",
        "tags": [
            {"id": "2", "slug": "politics", "label": "Politics"},
            {"id": 77, "slug": "bridges", "label": "Bridges"},
        ],
        "markets": list(markets),
    }
    return _changed(record, changes)


def clob_market(**changes: Any) -> dict[str, Any]:
    record = {
        "condition_id": CONDITION,
        "question_id": "",
        "question": "Will the harbour bridge open by June 30?",
        "market_slug": "will-the-harbour-bridge-open-by-june",
        "end_date_iso": "2026-06-30T00:00:00Z",
        "game_start_time": None,
        "active": True,
        "closed": False,
        "accepting_orders": True,
        "enable_order_book": True,
        "is_50_50_outcome": False,
        "tokens": [
            {"token_id": TOKENS[0], "outcome": "Yes", "price": 0.425, "winner": False},
            {"token_id": TOKENS[1], "outcome": "No", "price": 0.575, "winner": False},
        ],
        "tags": ["Politics", "Supá Bowl"],
    }
    return _changed(record, changes)


def _changed(record: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**record, **changes}.items() if value is not ABSENT}
