"""An invented market written down as Gamma does: lists in strings, absent keys for the unknown, mixed date forms."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from predictu import money
from trading.feed import chance
from trading.feed.state import State, state
from trading.feed.world import WorldMarket
from trading.polymarket.reading import slug

TICK_SIZE = 0.001
ORDER_MIN_SIZE = 5
THREE_WAY_ID = 499_999


def event(market: WorldMarket, at: datetime) -> dict[str, Any]:
    """The event of one market, with its tags and the market nested."""
    shown = state(market, at)
    return {
        **_stub(market),
        "startDate": _micro(market.opens_at),
        "endDate": _iso(market.end_date),
        "active": True,
        "closed": shown.closed,
        "archived": False,
        "volume": _number(shown.volume_usd),
        "volume24hr": _number(shown.volume_24h_usd),
        "liquidity": _number(shown.liquidity_usd),
        "negRisk": False,
        "tags": tags(market),
        "markets": [_market(market, shown, at)],
    }


def listing(market: WorldMarket, at: datetime, *, include_tags: bool) -> dict[str, Any]:
    """The market on its own, with a stub of its event; tags only when asked for."""
    row = {**_market(market, state(market, at), at), "events": [_stub(market)]}
    return {**row, "tags": tags(market)} if include_tags else row


def tags(market: WorldMarket) -> list[dict[str, str]]:
    return [
        {"id": str(int.from_bytes(chance.digest(tag, 2))), "label": tag.replace("-", " ").title(), "slug": tag}
        for tag in (*market.tags, "demo")
    ]


def three_way_event(at: datetime) -> dict[str, Any]:
    """A question with three outcomes, as the oldest records of the source have: it can only be skipped."""
    return {
        "id": str(THREE_WAY_ID),
        "slug": "three-horse-race",
        "title": "Which of three horses wins?",
        "tags": [],
        "markets": [
            {
                "id": str(THREE_WAY_ID),
                "conditionId": "0x" + chance.digest("three-way", 32).hex(),
                "question": "Which of three horses wins?",
                "outcomes": json.dumps(["Comet", "Dancer", "Vixen"]),
                "outcomePrices": json.dumps(["0.5", "0.3", "0.2"]),
                "active": True,
                "closed": False,
                "updatedAt": _micro(at),
            }
        ],
    }


def _stub(market: WorldMarket) -> dict[str, Any]:
    return {"id": str(market.names.gamma_id + 7), "slug": slug(market.title), "title": market.title}


def _market(market: WorldMarket, shown: State, at: datetime) -> dict[str, Any]:
    row = {
        "id": str(market.names.gamma_id),
        "question": market.title,
        "conditionId": market.names.condition_id,
        "questionID": market.names.question_id,
        "slug": f"{slug(market.title)}-{market.names.gamma_id}",
        "description": market.description,
        "resolutionSource": "",
        "outcomes": json.dumps(market.labels),
        "outcomePrices": json.dumps([str(price) for price in shown.prices]),
        "clobTokenIds": json.dumps(market.names.token_ids),
        "startDate": _micro(market.opens_at),
        "endDate": _iso(market.end_date),
        "startDateIso": f"{market.opens_at:%Y-%m-%d}",
        "endDateIso": f"{market.end_date:%Y-%m-%d}",
        "createdAt": _micro(market.opens_at),
        "updatedAt": _micro(at),
        "volume": str(shown.volume_usd),
        "volumeNum": _number(shown.volume_usd),
        "active": True,
        "closed": shown.closed,
        "archived": False,
        "restricted": True,
        "acceptingOrders": not shown.closed,
        "enableOrderBook": True,
        "orderPriceMinTickSize": TICK_SIZE,
        "orderMinSize": ORDER_MIN_SIZE,
        "negRisk": False,
        "negRiskRequestID": "",
        "umaResolutionStatuses": json.dumps(shown.uma_statuses),
    }
    if shown.uma_status:
        row["umaResolutionStatus"] = shown.uma_status
    if market.kind == "short" and market.category == "sports":
        row["gameStartTime"] = _plus(market.opens_at)
    if shown.closed:
        return {**row, "closedTime": _plus(market.closed_at), "automaticallyResolved": shown.uma_status == "resolved"}
    row |= {
        "volume24hr": _number(shown.volume_24h_usd),
        "liquidity": str(shown.liquidity_usd),
        "liquidityNum": _number(shown.liquidity_usd),
        "bestAsk": _number(shown.ask) if shown.ask else 1,
        "spread": _number((shown.ask or money.ONE) - (shown.bid or money.ZERO)),
        "lastTradePrice": _number(shown.bid or shown.prices[0]),
    }
    return {**row, "bestBid": _number(shown.bid)} if shown.bid else row


def _number(value: Decimal) -> int | float:
    """The source writes whole numbers without a point."""
    return int(value) if value == value.to_integral_value() else float(value)


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _micro(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _plus(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S+00}"
