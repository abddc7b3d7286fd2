"""One market in full: prices, volumes, exposure, the operators in it and a week of hours."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from predictu import clock, ids, money
from predictu.money import ZERO
from predictu.platform import config
from trading.queries.markets import complement, may_trade, spreads

HISTORY = timedelta(days=7)

_VOLUME = """
SELECT coalesce(sum(cost_usd) FILTER (WHERE created_at >= %(day)s), 0), coalesce(sum(cost_usd), 0) FROM trading_trade
WHERE market_id = %(market)s AND created_at >= %(week)s AND NOT is_test AND status <> 'cancelled'
"""
_OPERATORS = """
SELECT operator.slug, traded.volume, traded.trades, coalesce(held.exposure, 0), traded.players, traded.operator_id
FROM (SELECT operator_id, sum(cost_usd) AS volume, count(*) AS trades, count(DISTINCT player_id) AS players
      FROM trading_trade WHERE market_id = %(market)s AND NOT is_test AND status <> 'cancelled'
      GROUP BY operator_id) AS traded
JOIN operators_operator operator ON operator.id = traded.operator_id
LEFT JOIN (SELECT operator_id, sum(quantity) AS exposure FROM trading_position
           WHERE market_id = %(market)s AND status = 'open' AND NOT is_test GROUP BY operator_id) AS held
  ON held.operator_id = traded.operator_id
ORDER BY traded.volume DESC, operator.id
"""
_TRADERS = """
SELECT count(DISTINCT player_id) FROM trading_trade
WHERE market_id = %(market)s AND NOT is_test AND status <> 'cancelled'
"""
_LAST_OF_HOUR = """
SELECT DISTINCT ON (hour) date_trunc('hour', at, 'UTC') AS hour, yes_mid FROM trading_pricepoint
WHERE market_id = %(market)s AND at >= %(start)s AND at <= %(now)s ORDER BY hour, at DESC
"""
_BEFORE = """
SELECT yes_mid FROM trading_pricepoint WHERE market_id = %(market)s AND at < %(start)s ORDER BY at DESC LIMIT 1
"""
_TRADED_BY_HOUR = """
SELECT date_trunc('hour', created_at, 'UTC') AS hour, sum(cost_usd) FROM trading_trade
WHERE market_id = %(market)s AND created_at >= %(start)s AND NOT is_test AND status <> 'cancelled' GROUP BY hour
"""


def detail(values: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """One market with prices, volumes, exposure, operators and a week of hours."""
    shown = spreads(values, config.current())
    yes, no = values["yes_usd"], values["no_usd"]
    key = ids.decode("mkt", values["id"])
    return {
        "id": values["id"],
        "polymarket_id": values["condition_id"],
        "title": values["title"],
        "description": values["description"],
        "category": values["category"],
        "tags": values["tags"],
        "status": values["status"],
        "tradeable": may_trade(values),
        "image_url": values["image_url"],
        "pricing": {
            "yes_price": values["yes_mid"],
            "no_price": complement(values["yes_mid"]),
            "spread": shown.spread,
            "base_spread": shown.base_spread,
            "risk_adjusted_spread": shown.risk_adjusted_spread,
            "last_updated": clock.seconds(values["priced_at"]),
        },
        "volume": _volume(key, values, now),
        "exposure": {
            "total_usd": money.half_up(yes + no),
            "yes_usd": money.half_up(yes),
            "no_usd": money.half_up(no),
            "worst_case_usd": money.half_up(max(yes, no)),
            "imbalance_ratio": money.rounded(max(yes, no) / min(yes, no), 2) if yes and no else None,
            "position_count": values["position_count"],
        },
        "by_operator": _by_operator(key),
        "price_history": price_history(values["id"], now=now),
        "resolution": values["resolution"],
        "resolution_source": values["resolution_source"] or None,
        "resolved_at": clock.seconds(values["resolved_at"]),
        "end_date": clock.seconds(values["end_date"]),
        "created_at": clock.seconds(values["created_at"]),
        "updated_at": clock.seconds(values["updated_at"]),
        "outcome_labels": values["outcome_labels"],
        "uma_status": values["uma_status"] or None,
        "waiting_for": values["waiting_for"] or None,
        "override": values["override"] or None,
        "untradeable_reasons": values["untradeable_reasons"],
        "paused_by_staff": values["paused_by_staff"],
        "status_reason": values["status_reason"],
        "buys_paused_until": clock.seconds(values["buys_paused_until"]),
    }


def _volume(key: Any, values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(_VOLUME, {"market": key, "day": now - clock.DAY, "week": now - HISTORY})
        day, week = cursor.fetchone()
        cursor.execute(_TRADERS, {"market": key})
        traders = cursor.fetchone()[0]
    return {
        "total_usd": values["volume_usd"],
        "24h_usd": day,
        "7d_usd": week,
        "trade_count": values["trade_count"],
        "unique_traders": traders,
    }


def _by_operator(key: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_OPERATORS, {"market": key})
        rows = cursor.fetchall()
    return [
        {
            "operator_slug": slug,
            "volume_usd": volume,
            "trade_count": trades,
            "exposure_usd": money.half_up(exposure),
            "user_count": players,
        }
        for slug, volume, trades, exposure, players, _ in rows
    ]


def price_history(market_id: str, *, now: datetime, span: timedelta = HISTORY) -> list[dict[str, Any]]:
    """A row for each UTC hour of the span: its last mid, or the one still standing, and our volume in it.

    Hours before the first known price are absent.
    """
    start = clock.hour_start(now - span) + timedelta(hours=1)
    wanted = {"market": ids.decode("mkt", market_id), "start": start, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_LAST_OF_HOUR, wanted)
        mids = dict(cursor.fetchall())
        cursor.execute(_BEFORE, wanted)
        before = cursor.fetchone()
        cursor.execute(_TRADED_BY_HOUR, wanted)
        traded = dict(cursor.fetchall())
    mid = before[0] if before else None
    rows = []
    hour = start
    while hour <= now:
        mid = mids.get(hour, mid)
        if mid is not None:
            rows.append({"timestamp": clock.seconds(hour), "yes_price": mid, "volume_usd": traded.get(hour, ZERO)})
        hour += timedelta(hours=1)
    return rows
