"""Compacting revenue facts into hourly and monthly sums. Each is counted once: where it is marked, it has been added.

Marking and adding are one statement, so a reader sees a fact either in the rollup or among the unmarked, never in both
or neither, however late its transaction committed.
"""

from django.db import connection, transaction

BATCH = 20_000
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('predictu:compact-revenue'))"

_MARK = """
WITH marked AS (
  UPDATE trading_revenuefact SET rolled = true
  WHERE id IN (SELECT id FROM trading_revenuefact WHERE NOT rolled ORDER BY id LIMIT %(batch)s)
  RETURNING at, kind, operator_id, player_id, category, share_pct, spread_usd, fee_usd, settlement_fee_usd, volume_usd,
            trade_count),
"""
_MARKED_ALREADY = """
WITH marked AS MATERIALIZED (SELECT * FROM trading_revenuefact WHERE rolled),
"""
_ADD = """
days AS (
  INSERT INTO trading_activeday (day, operator_id, player_id)
  SELECT DISTINCT (at AT TIME ZONE 'UTC')::date, operator_id, player_id FROM marked WHERE kind = 'trade'
  ON CONFLICT DO NOTHING),
made AS (
  INSERT INTO trading_tradeday AS known (day, operator_id, trade_rows)
  SELECT (at AT TIME ZONE 'UTC')::date, operator_id, count(*) FROM marked WHERE kind = 'trade' GROUP BY 1, 2
  ON CONFLICT (operator_id, day) DO UPDATE SET trade_rows = known.trade_rows + excluded.trade_rows),
added AS (
  INSERT INTO trading_hourlyrevenue AS hourly (hour, operator_id, category, share_pct, spread_usd, fee_usd,
                                               settlement_fee_usd, volume_usd, trade_count)
  SELECT date_trunc('hour', at, 'UTC'), operator_id, category, share_pct, sum(spread_usd), sum(fee_usd),
         sum(settlement_fee_usd), sum(volume_usd), sum(trade_count)
  FROM marked GROUP BY 1, 2, 3, 4
  ON CONFLICT (operator_id, hour, category, share_pct) DO UPDATE SET
    spread_usd = hourly.spread_usd + excluded.spread_usd,
    fee_usd = hourly.fee_usd + excluded.fee_usd,
    settlement_fee_usd = hourly.settlement_fee_usd + excluded.settlement_fee_usd,
    volume_usd = hourly.volume_usd + excluded.volume_usd,
    trade_count = hourly.trade_count + excluded.trade_count),
players AS (
  INSERT INTO trading_playerrevenue AS earned (operator_id, player_id, category, gross_usd, first_30d_usd, volume_usd,
                                               trade_count, first_trade_at, last_trade_at)
  SELECT marked.operator_id, player_id, category, sum(spread_usd + fee_usd + settlement_fee_usd),
         coalesce(sum(spread_usd + fee_usd + settlement_fee_usd)
                    FILTER (WHERE at < player.created_at + interval '30 days'), 0),
         sum(marked.volume_usd), sum(marked.trade_count),
         min(at) FILTER (WHERE kind = 'trade'), max(at) FILTER (WHERE kind = 'trade')
  FROM marked JOIN accounts_player player ON player.id = marked.player_id GROUP BY 1, 2, 3
  ON CONFLICT (player_id, category) DO UPDATE SET
    gross_usd = earned.gross_usd + excluded.gross_usd,
    first_30d_usd = earned.first_30d_usd + excluded.first_30d_usd,
    volume_usd = earned.volume_usd + excluded.volume_usd,
    trade_count = earned.trade_count + excluded.trade_count,
    first_trade_at = least(earned.first_trade_at, excluded.first_trade_at),
    last_trade_at = greatest(earned.last_trade_at, excluded.last_trade_at)),
months AS (
  INSERT INTO trading_monthlyrevenue AS monthly (month, operator_id, share_pct, spread_usd, fee_usd,
                                                 settlement_fee_usd, volume_usd, trade_count)
  SELECT date_trunc('month', at, 'UTC'), operator_id, share_pct, sum(spread_usd), sum(fee_usd),
         sum(settlement_fee_usd), sum(volume_usd), sum(trade_count)
  FROM marked GROUP BY 1, 2, 3
  ON CONFLICT (operator_id, month, share_pct) DO UPDATE SET
    spread_usd = monthly.spread_usd + excluded.spread_usd,
    fee_usd = monthly.fee_usd + excluded.fee_usd,
    settlement_fee_usd = monthly.settlement_fee_usd + excluded.settlement_fee_usd,
    volume_usd = monthly.volume_usd + excluded.volume_usd,
    trade_count = monthly.trade_count + excluded.trade_count)
SELECT count(*) FROM marked
"""
_COMPACT = _MARK + _ADD

_FORGET = """
DELETE FROM trading_hourlyrevenue;
DELETE FROM trading_monthlyrevenue;
DELETE FROM trading_playerrevenue;
DELETE FROM trading_activeday;
DELETE FROM trading_tradeday;
UPDATE trading_revenuefact SET rolled = false WHERE rolled;
"""


def compact() -> int:
    """Roll up all that waits, a batch a transaction; how many facts. Another run under way is left to it."""
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOCK)
            if not cursor.fetchone()[0]:
                return total
            cursor.execute(_COMPACT, {"batch": BATCH})
            done: int = cursor.fetchone()[0]
        total += done
        if done < BATCH:
            return total


def add_loaded() -> int:
    """Make the sums of facts that were loaded as rolled up, into empty rollups; how many facts."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('predictu:compact-revenue'))")
        cursor.execute(_MARKED_ALREADY + _ADD)
        total: int = cursor.fetchone()[0]
        return total


def rebuild() -> int:
    """Throw the rollups away and make them anew from the facts, in one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('predictu:compact-revenue'))")
        cursor.execute(_FORGET)
        total = 0
        while True:
            cursor.execute(_COMPACT, {"batch": BATCH})
            done: int = cursor.fetchone()[0]
            total += done
            if done < BATCH:
                return total
