"""Open exposure of an operator by market, from its open positions."""

from typing import Any

from django.db import connection

from predictu import ids, money

_BY_MARKET = """
WITH held AS (
  SELECT market_id, coalesce(sum(quantity) FILTER (WHERE outcome = 'yes'), 0) AS yes_usd,
         coalesce(sum(quantity) FILTER (WHERE outcome = 'no'), 0) AS no_usd, count(*) AS positions
  FROM trading_position
  WHERE operator_id = %(operator)s AND status = 'open' AND NOT is_test AND quantity > 0
  GROUP BY market_id ORDER BY sum(quantity) DESC, market_id LIMIT %(top)s)
SELECT held.market_id, market.title, held.yes_usd, held.no_usd, held.positions, (
    SELECT coalesce(sum(trade.cost_usd), 0) FROM trading_trade trade
    WHERE trade.market_id = held.market_id AND trade.operator_id = %(operator)s AND NOT trade.is_test
      AND trade.status <> 'cancelled')
FROM held JOIN trading_market market ON market.id = held.market_id
ORDER BY held.yes_usd + held.no_usd DESC, held.market_id
"""


def by_market(operator_id: str, *, top: int = 10) -> list[dict[str, Any]]:
    """The operator's fullest markets, largest first: its two sides, open positions and volume there."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_MARKET, {"operator": ids.decode("op", operator_id), "top": top})
        rows = cursor.fetchall()
    return [
        {
            "market_id": ids.encode("mkt", market_id),
            "title": title,
            "exposure_usd": money.half_up(yes + no),
            "yes_exposure_usd": money.half_up(yes),
            "no_exposure_usd": money.half_up(no),
            "position_count": positions,
            "volume_usd": volume,
        }
        for market_id, title, yes, no, positions, volume in rows
    ]
