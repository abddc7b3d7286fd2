"""Exact totals of trade lists from counters, where a list is narrowed by no user and no amount.

Buckets hold what every trade, cancel and settlement moved in its own transaction; trades by day are a rollup with what
is not rolled up yet, added in one statement. Test users' trades are in none of them.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection

from accounts.models import Player
from predictu import clock, ids
from risk.models import Scope

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
# Whole days from the tallies and what is not rolled up; the part days at either end from the trades themselves. A trade
# that was not cancelled is settled where its market is, else filled.
_TALLIED = """
SELECT coalesce(sum(trades), 0)::bigint FROM (
  SELECT {counted} AS trades FROM trading_tradetally tally
  WHERE day >= %(first)s::date AND day < %(last)s::date AND {scope} AND {state}
  UNION ALL
  SELECT {moved} FROM (
    SELECT fact.kind = 'trade' AS made, fact.trade_count AS change, trade.market_id FROM trading_revenuefact fact
    JOIN trading_trade trade ON trade.id = fact.trade_id
    WHERE NOT fact.rolled AND fact.kind IN ('trade', 'cancel', 'void') AND trade.created_at >= %(first)s
      AND trade.created_at < %(last)s AND {trade}) AS tally
  WHERE {state}
  UNION ALL
  SELECT count(*) FROM trading_trade trade
  WHERE NOT is_test AND id >= %(start_id)s AND id < %(first_id)s AND created_at >= %(start)s AND created_at < %(first)s
    AND {trade} AND (%(status)s::text IS NULL OR status = %(status)s)
  UNION ALL
  SELECT count(*) FROM trading_trade trade
  WHERE NOT is_test AND id >= %(last_id)s AND id < %(end_id)s AND created_at >= %(last)s AND created_at < %(end)s
    AND {trade} AND (%(status)s::text IS NULL OR status = %(status)s)
) AS parts
"""
_SETTLED = """
EXISTS (SELECT FROM trading_settlement settlement
        WHERE settlement.market_id = tally.market_id AND settlement.status = 'completed')
"""
_STATES = {None: "true", "cancelled": "true", "settled": _SETTLED, "filled": f"NOT {_SETTLED}"}
_MOVES = {
    None: "made::integer",
    "cancelled": "made::integer - change",
    "settled": "change",
    "filled": "change",
}
_TICK = timedelta(milliseconds=1)
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


def tallied(
    *,
    operator_id: str | None = None,
    market_id: str | None = None,
    side: str | None = None,
    outcome: str | None = None,
    status: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> int:
    """Trades by any of these at once."""
    start, end = start or _EARLIEST, end or _LATEST
    if start >= end:
        return 0
    first, last = clock.whole_days(start, end)
    wanted = {
        "operator_id": None if operator_id is None else ids.decode("op", operator_id),
        "market_id": None if market_id is None else ids.decode("mkt", market_id),
        "side": side,
        "outcome": outcome,
    }
    given = [name for name, value in wanted.items() if value is not None]
    statement = _TALLIED.format(
        counted=_counted(side, outcome, status),
        moved=_MOVES[status],
        state=_STATES[status],
        scope=" AND ".join(["true", *(f"{name} = %({name})s" for name in given if name.endswith("_id"))]),
        trade=" AND ".join(["true", *(f"trade.{name} = %({name})s" for name in given)]),
    )
    bounds = {
        "start": start,
        "start_id": ids.first(start),
        "first": first,
        "first_id": ids.first(first + _TICK),
        "last": last,
        "last_id": ids.first(last),
        "end": end,
        "end_id": ids.first(end + _TICK),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, {**wanted, **bounds, "status": status})
        count: int = cursor.fetchone()[0]
    return count


def _counted(side: str | None, outcome: str | None, status: str | None) -> str:
    """The columns of a tally that count trades of that side, outcome and status."""
    sides, outcomes = [side] if side else ["buy", "sell"], [outcome] if outcome else ["yes", "no"]
    names = [f"{one}_{other}" for one in sides for other in outcomes]
    made, cancelled = " + ".join(names), " + ".join(f"cancelled_{name}" for name in names)
    return {None: made, "cancelled": cancelled}.get(status, f"{made} - ({cancelled})")


def _bucket(scope: str, scope_id: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT trade_rows FROM risk_exposurebucket WHERE scope = %s AND scope_id = %s", [scope, scope_id]
        )
        found = cursor.fetchone()
    return found[0] if found else 0
