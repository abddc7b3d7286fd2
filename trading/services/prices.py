"""Prices as they are kept: the mid on the market's row, its history by month, and whose mid is read."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import redis
from django.conf import settings
from django.db import connection, transaction

from predictu import clock, ids, volatile
from predictu.platform import heartbeats
from trading import catalogue
from trading.models import Market
from trading.polymarket.client import PolymarketClient, PricePoint

BATCH = 100
HEARTBEAT = "prices"
_ASKED = "quoted-markets"
_ASKED_SECONDS = 900
_HISTORIES_AT_ONCE = 20
_HISTORY_FIDELITY_MINUTES = 60

# A point is due when the mid has moved, or when the last is old; ties of market and instant stay as they were.
_RECORD = """
INSERT INTO trading_pricepoint (market_id, at, yes_mid)
SELECT wanted.market_id, wanted.at, wanted.yes_mid
FROM unnest(%(markets)s::uuid[], %(at)s::timestamptz[], %(mids)s::numeric[], %(moved)s::boolean[])
  AS wanted (market_id, at, yes_mid, moved)
WHERE wanted.moved OR NOT EXISTS (
  SELECT FROM trading_pricepoint known WHERE known.market_id = wanted.market_id
    AND known.at > wanted.at - %(every)s AND known.at <= wanted.at)
ON CONFLICT DO NOTHING
"""
_WRITE = """
UPDATE trading_market AS market SET yes_mid = wanted.yes_mid, priced_at = wanted.priced_at, updated_at = %(now)s,
  buys_paused_until = wanted.paused, tradeable = wanted.tradeable, untradeable_reasons = wanted.reasons
FROM unnest(%(ids)s::uuid[], %(mids)s::numeric[], %(at)s::timestamptz[], %(paused)s::timestamptz[],
            %(tradeable)s::boolean[], %(reasons)s::jsonb[])
  AS wanted (id, yes_mid, priced_at, paused, tradeable, reasons)
WHERE market.id = wanted.id
"""
# Whose mids are read: held by somebody, asked for lately, or among the largest; in the order in which rows are locked.
_WANTED = """
WITH live AS (
  SELECT id, token_ids, tradeable, source_volume_usd FROM trading_market
  WHERE status = 'active' AND order_book_enabled AND accepting_orders AND cardinality(token_ids) = 2)
SELECT live.id, live.token_ids[1] FROM live
WHERE live.id = ANY(%(asked)s)
   OR live.id IN (SELECT market_id FROM trading_position WHERE status = 'open')
   OR live.id IN (SELECT id FROM live WHERE tradeable ORDER BY source_volume_usd DESC NULLS LAST LIMIT %(top)s)
   OR live.id IN (SELECT id FROM trading_market WHERE override = 'tradeable')
ORDER BY live.id
"""
_STALE = """
SELECT id FROM trading_market
WHERE tradeable AND (priced_at <= %(oldest)s OR end_date <= %(soonest)s OR status <> 'active') ORDER BY id
"""


def jump_rules() -> dict[str, Any]:
    """The settings of the pause after a jump, as ``catalogue.price`` takes them."""
    return {
        "jump": Decimal(settings.PREDICTU_PRICE_JUMP),
        "pause": timedelta(seconds=settings.PREDICTU_PRICE_JUMP_PAUSE_SECONDS),
    }


def asked_for(market_id: str, *, now: datetime) -> None:
    """Somebody wants this market's price: its mid is read for the next quarter of an hour. May be lost."""
    with contextlib.suppress(redis.RedisError):
        volatile.connection().zadd(_ASKED, {market_id: now.timestamp()})


def _asked(now: datetime) -> list[Any]:
    with contextlib.suppress(redis.RedisError):
        known = volatile.connection()
        known.zremrangebyscore(_ASKED, "-inf", now.timestamp() - _ASKED_SECONDS)
        return [ids.decode("mkt", name.decode()) for name in known.zrange(_ASKED, 0, -1)]
    return []


def read_mids(client: PolymarketClient, *, now: datetime) -> int:
    """Read the mids of the markets that matter now; how many were priced. Each batch is its own transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_WANTED, {"asked": _asked(now), "top": settings.PREDICTU_PRICE_TOP_MARKETS})
        wanted = cursor.fetchall()
    priced = 0
    for batch in _batches(wanted):
        mids = client.post_midpoints([token for _, token in batch])
        found = {ids.encode("mkt", market): mids[token] for market, token in batch if token in mids}
        priced += _price(found, now=clock.now())
    refilter(now=now)
    heartbeats.seen(HEARTBEAT, now=clock.now(), detail={"priced": priced})
    return priced


@transaction.atomic
def _price(mids: dict[str, Decimal], *, now: datetime) -> int:
    markets = list(Market.objects.select_for_update(no_key=True).filter(pk__in=mids, status="active").order_by("id"))
    rules = catalogue.rules_of(settings.PREDICTU_SELECTION)
    moved = []
    for market in markets:
        moved.append(catalogue.price(market, mids[market.id], at=now, **jump_rules()))
        catalogue.select(market, rules, now=now)
    write(markets, now=now)
    record(markets, moved)
    return len(markets)


def write(markets: Sequence[Market], *, now: datetime) -> None:
    """Price and selection of markets whose rows are held."""
    if not markets:
        return
    parameters = {
        "now": now,
        "ids": [ids.decode("mkt", market.id) for market in markets],
        "mids": [market.yes_mid for market in markets],
        "at": [market.priced_at for market in markets],
        "paused": [market.buys_paused_until for market in markets],
        "tradeable": [market.tradeable for market in markets],
        "reasons": [orjson.dumps(market.untradeable_reasons).decode() for market in markets],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, parameters)


def record(markets: Sequence[Market], moved: Sequence[bool]) -> None:
    """Points of history for markets just priced."""
    priced = [(market, new) for market, new in zip(markets, moved, strict=True) if market.yes_mid is not None]
    if not priced:
        return
    ensure_months([market.priced_at for market, _ in priced if market.priced_at])
    parameters = {
        "markets": [ids.decode("mkt", market.id) for market, _ in priced],
        "at": [market.priced_at for market, _ in priced],
        "mids": [market.yes_mid for market, _ in priced],
        "moved": [new for _, new in priced],
        "every": timedelta(seconds=settings.PREDICTU_PRICE_POINT_SECONDS),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, parameters)


def refilter(*, now: datetime) -> int:
    """Markets that time alone has made untradeable: their price grew old or their end came near. How many."""
    rules = catalogue.rules_of(settings.PREDICTU_SELECTION)
    with connection.cursor() as cursor:
        cursor.execute(_STALE, {"oldest": now - rules.max_price_age, "soonest": now + rules.min_time_to_end})
        stale = [ids.encode("mkt", row[0]) for row in cursor.fetchall()]
    for batch in _batches(stale):
        with transaction.atomic():
            markets = list(Market.objects.select_for_update(no_key=True).filter(pk__in=batch).order_by("id"))
            for market in markets:
                catalogue.select(market, rules, now=now)
            write(markets, now=now)
    return len(stale)


def ensure_months(moments: Iterable[datetime]) -> None:
    """Make the months of history that ``moments`` fall in, where they are not there yet."""
    for month in sorted({clock.month_start(moment).date() for moment in moments}):
        with connection.cursor() as cursor:
            cursor.execute("SELECT trading_ensure_price_month(%s)", [month])


def prune(*, now: datetime) -> int:
    """Drop the months of history that are older than is kept and make the next ones; how many were dropped."""
    ensure_months([now, clock.next_month(now)])
    oldest = clock.month_start(now)
    for _ in range(settings.PREDICTU_PRICE_MONTHS_KEPT):
        oldest = clock.month_start(oldest - timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT trading_drop_price_months(%s)", [oldest.date()])
        dropped: int = cursor.fetchone()[0]
    return dropped


def take_histories(client: PolymarketClient, *, now: datetime) -> int:
    """Take over the source's hourly history of tradeable markets that have none yet, a few at a time; how many."""
    waiting = Market.objects.filter(tradeable=True, history_read_at=None).exclude(token_ids=[])
    chosen = list(waiting.order_by("-source_volume_usd", "id")[:_HISTORIES_AT_ONCE])
    start = now - timedelta(days=settings.PREDICTU_PRICE_HISTORY_DAYS)
    for market in chosen:
        points = client.prices_history(
            market.token_ids[0], start=start, end=now, fidelity_minutes=_HISTORY_FIDELITY_MINUTES
        )
        _keep_history(market, points, now=now)
    return len(chosen)


@transaction.atomic
def _keep_history(market: Market, points: Sequence[PricePoint], *, now: datetime) -> None:
    ensure_months([point.at for point in points])
    parameters = {
        "markets": [ids.decode("mkt", market.id)] * len(points),
        "at": [point.at for point in points],
        "mids": [point.price for point in points],
        "moved": [True] * len(points),
        "every": timedelta(0),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, parameters)
    Market.objects.filter(pk=market.pk).update(history_read_at=now)


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
