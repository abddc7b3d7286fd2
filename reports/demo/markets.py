"""Markets of the invented world as rows of ours, under the ids the demo feed gives them."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection

from predictu import ids
from predictu.prepared import run
from trading.feed import state
from trading.feed.world import World, WorldMarket
from trading.models import Market

LOWEST, HIGHEST = Decimal("0.02"), Decimal("0.98")
_LAST_HOUR = timedelta(hours=1)


def bring(market: WorldMarket, at: datetime) -> Market:
    """Carry a market from ``at`` on. The demo feed's next answer about it fills in the rest."""
    found, _ = Market.objects.get_or_create(
        condition_id=market.names.condition_id,
        defaults={
            "id": ids.new("mkt", at),
            "title": market.title,
            "description": market.description,
            "category": market.category,
            "tags": list(market.tags),
            "outcome_labels": list(market.labels),
            "token_ids": list(market.names.token_ids),
            "status": Market.Status.ACTIVE,
            "tradeable": True,
            "accepting_orders": True,
            "order_book_enabled": True,
            "liquidity_usd": Decimal(str(round(market.liquidity_usd, 2))),
            "source_volume_usd": Decimal(str(round(market.final_volume_usd, 2))),
            "end_date": market.end_date,
            "created_at": at,
            "updated_at": at,
        },
    )
    return found


def put_price(row: Market, yes_mid: Decimal, at: datetime) -> None:
    """What the feed said of the market at that instant, for the trade that is made on it."""
    connection.ensure_connection()
    run(
        "UPDATE trading_market SET yes_mid = $1, priced_at = $2 WHERE id = $3", (yes_mid, at, ids.decode("mkt", row.id))
    )


def any_mid(market: WorldMarket, at: datetime) -> Decimal | None:
    """The mid whether or not a trade could be made at it."""
    found = state.mid(market, at)
    return found if found is not None and 0 < found < 1 else None


def mid(market: WorldMarket, at: datetime) -> Decimal | None:
    """The mid a trade could be made at, or None where the selection filter would refuse it."""
    if not market.opens_at <= at < min(market.decided_at, market.end_date - _LAST_HOUR):
        return None
    found = state.mid(market, at)
    return found if found is not None and LOWEST <= found <= HIGHEST else None


def long_ones(world: World, *, begin: datetime, now: datetime) -> list[WorldMarket]:
    """The lasting markets open at some time of the story, by the instant they open."""
    seen: dict[str, WorldMarket] = {}
    at = begin
    while at <= now:
        for market in world.markets(at=at, kinds=("long", "disputed")):
            seen.setdefault(market.key, market)
        at += timedelta(days=2)
    return sorted(seen.values(), key=lambda market: (market.opens_at, market.key))


def short_ones(world: World, *, begin: datetime, now: datetime, count: int) -> list[WorldMarket]:
    """``count`` fleeting markets spread over the story, where prices move within minutes."""
    found = []
    step = (now - begin) / max(1, count)
    for number in range(count):
        at = begin + step * number + step / 2
        alive = [market for market in world.markets(at=at, kinds=("short",)) if market.liquidity_usd > 1_000]
        if alive:
            found.append(sorted(alive, key=lambda market: market.key)[number % len(alive)])
    return found
