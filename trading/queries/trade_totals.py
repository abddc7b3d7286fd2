"""Exact totals of trade lists from counters, where a list is narrowed by at most one thing.

Buckets hold what every trade, cancel and settlement moved in its own transaction; trades by day are a rollup with what
is not rolled up yet, added in one statement. Test users' trades are in none of them.
"""

from datetime import UTC, datetime

from django.db import connection

from accounts.models import Player
from predictu import clock, ids
from risk.models import ExposureBucket, Scope

# Every uncancelled trade of a market that has been settled is settled; what is neither is filled.
_BY_STATUS = """
SELECT whole.trade_rows - whole.trade_count, settled.trades, whole.trade_count - settled.trades
FROM risk_exposurebucket whole CROSS JOIN (
  SELECT coalesce(sum(bucket.trade_count), 0)::bigint AS trades
  FROM trading_settlement settlement
  JOIN risk_exposurebucket bucket ON bucket.scope = 'market' AND bucket.subject = settlement.market_id
  WHERE settlement.status = 'completed') AS settled
WHERE whole.scope = 'global' AND whole.scope_id = ''
"""

# Whole days from the rollup and what is not rolled up; the part days at either end from an index on the facts.
_BETWEEN = """
SELECT coalesce(sum(trades), 0)::bigint FROM (
  SELECT trade_rows AS trades FROM trading_tradeday
  WHERE day >= %(first)s::date AND day < %(last)s::date AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s)
  UNION ALL
  SELECT 1 FROM trading_revenuefact
  WHERE NOT rolled AND kind = 'trade' AND at >= %(first)s AND at < %(last)s
    AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s)
  UNION ALL
  SELECT 1 FROM trading_revenuefact
  WHERE kind = 'trade' AND (at >= %(start)s AND at < %(first)s OR at >= %(last)s AND at < %(end)s)
    AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s)
) AS made
"""
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def everywhere() -> int:
    return _bucket(Scope.GLOBAL, "")


def of_operator(operator_id: str) -> int:
    return _bucket(Scope.OPERATOR, operator_id)


def of_market(market_id: str) -> int:
    return _bucket(Scope.MARKET, market_id)


def of_player(player_id: str) -> int:
    """Of a user who is no test user; 0 of nobody."""
    found = Player.objects.filter(pk=player_id, is_test=False)
    return found.values_list("trade_rows", flat=True).first() or 0


def by_status() -> dict[str, int]:
    """``filled``, ``settled`` and ``cancelled``, as one statement saw them."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_STATUS)
        cancelled, settled, filled = cursor.fetchone() or (0, 0, 0)
    return {"filled": filled, "settled": settled, "cancelled": cancelled}


def between(start: datetime | None, end: datetime | None, operator_id: str | None = None) -> int:
    """Trades made in [start, end), either of which may be open; of one operator where named."""
    start, end = start or _EARLIEST, end or _LATEST
    if start >= end:
        return 0
    first, last = clock.whole_days(start, end)
    operator = None if operator_id is None else ids.decode("op", operator_id)
    bounds = {"start": start, "end": end, "first": first, "last": last, "operator": operator}
    with connection.cursor() as cursor:
        cursor.execute(_BETWEEN, bounds)
        count: int = cursor.fetchone()[0]
    return count


def _bucket(scope: str, scope_id: str) -> int:
    found = ExposureBucket.objects.filter(scope=scope, scope_id=scope_id)
    return found.values_list("trade_rows", flat=True).first() or 0
