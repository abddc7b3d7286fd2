"""Compacting revenue facts into sums and counts. Each is counted once: where it is marked, it has been added.

Marking and adding are one statement, so a reader sees a fact either in the sums or among the unmarked, never in both or
neither, however late its transaction committed. What cannot be added up (sessions) is read anew from the trades
of every user and day a fact touches.
"""

from django.db import connection, transaction

from trading import tally_sql

BATCH = 20_000
_TRY = "SELECT pg_try_advisory_xact_lock(hashtext('predictu:compact-revenue'))"
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('predictu:compact-revenue'))"

_MARK = """
WITH marked AS (
  UPDATE trading_revenuefact SET rolled = true
  WHERE id IN (SELECT id FROM trading_revenuefact WHERE NOT rolled ORDER BY id LIMIT %(batch)s)
  RETURNING at, kind, operator_id, player_id, trade_id, category, share_pct, spread_usd, fee_usd, settlement_fee_usd,
            volume_usd, trade_count),
"""
_MARKED_ALREADY = """
WITH marked AS MATERIALIZED (SELECT * FROM trading_revenuefact WHERE rolled),
"""


def _sums(table: str, keys: dict[str, str], source: str, columns: dict[str, str], *, where: str = "") -> str:
    """Add ``columns`` of ``source``, grouped by ``keys``, to the rows of ``table``; both name columns and what fills
    them."""
    grouped = ", ".join(str(number + 1) for number in range(len(keys)))
    added = ", ".join(f"{name} = known.{name} + excluded.{name}" for name in columns)
    return f"""
  INSERT INTO {table} AS known ({", ".join([*keys, *columns])})
  SELECT {", ".join([*keys.values(), *columns.values()])} FROM {source} {where} GROUP BY {grouped} ORDER BY {grouped}
  ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {added}
"""  # noqa: S608 words of our own


_MONEY = {name: f"sum({name})" for name in ("spread_usd", "fee_usd", "settlement_fee_usd", "volume_usd", "trade_count")}
_GRAIN = {"operator_id": "operator_id", "share_pct": "share_pct"}
_HOURS = _sums(
    "trading_hourlyrevenue",
    {"hour": "date_trunc('hour', at, 'UTC')", "category": "category", **_GRAIN},
    "marked",
    _MONEY,
)
_DAYS = _sums("trading_dailyrevenue", {"day": "(at AT TIME ZONE 'UTC')::date", **_GRAIN}, "marked", _MONEY)
_MONTHS = _sums("trading_monthlyrevenue", {"month": "date_trunc('month', at, 'UTC')", **_GRAIN}, "marked", _MONEY)
_PATTERNS = _sums(
    "trading_tradepattern",
    {name: name for name in ("day", "operator_id", "kind", "key")},
    f"moved CROSS JOIN LATERAL {tally_sql.PATTERNS}",
    {"trades": "sum(change)"},
)
_TALLIED = {
    f"{prefix}{side}_{outcome}": f"coalesce(sum({counted}) FILTER (WHERE side = '{side}' AND outcome = '{outcome}'), 0)"
    for prefix, counted in (("", "made::integer"), ("cancelled_", "made::integer - change"))
    for side in ("buy", "sell")
    for outcome in ("yes", "no")
}
_TALLIES = _sums("trading_tradetally", {name: name for name in ("day", "operator_id", "market_id")}, "moved", _TALLIED)
_LIFETIMES = _sums(
    "trading_lifetimesum",
    {name: name for name in ("operator_id", "segment", "label")},
    f"({tally_sql.LIVES}) AS lives",
    {
        name: f"sum({name})"
        for name in ("users", "traders", "gross_usd", "first_30d_usd", "volume_usd", "trade_count", "lifespans_s")
    },
)
_COHORTS = _sums(
    "trading_cohortday",
    {"signup_day": "signup_day", "operator_id": "operator_id"},
    "earned",
    {name: f"sum({name})" for name in ("gross_usd", "volume_usd", "trade_count")},
    where="WHERE category = ''",
)
_TRADE_DAYS = _sums(
    "trading_tradeday",
    {"day": "day", "operator_id": "operator_id"},
    """(
    SELECT (at AT TIME ZONE 'UTC')::date AS day, operator_id, 1 AS trade_rows, 0 AS traders, 0 AS trades, 0 AS starts,
           0 AS singles, 0 AS gaps_us FROM marked WHERE kind = 'trade'
    UNION ALL
    SELECT day, operator_id, 0, is_new::integer, trades - old_trades, starts - old_starts, singles - old_singles,
           gaps_us - old_gaps_us FROM known) AS changed""",
    {name: f"sum({name})" for name in ("trade_rows", "traders", "trades", "starts", "singles", "gaps_us")},
)
_ACTIVITY = _sums(
    "trading_cohortactivity",
    {"unit": "unit", "signup_day": "signup_day", "operator_id": "operator_id", "period": "period"},
    """(
    SELECT DISTINCT known.operator_id, known.player_id, unit, period,
           (player.created_at AT TIME ZONE 'UTC')::date AS signup_day
    FROM known JOIN accounts_player player ON player.id = known.player_id CROSS JOIN LATERAL (VALUES
      ('week', date_trunc('week', known.day::timestamp)::date, interval '7 days'),
      ('month', date_trunc('month', known.day::timestamp)::date, interval '1 month')) AS of (unit, period, long)
    WHERE is_new AND NOT EXISTS (
      SELECT FROM trading_activeday before WHERE before.player_id = known.player_id AND before.day >= of.period
        AND before.day < (of.period + of.long)::date)) AS begun""",
    {"users": "count(*)"},
)


def _added(fresh: str) -> str:
    earned = tally_sql.EARNED.format(facts="marked")
    return f"""
moved AS MATERIALIZED ({tally_sql.MOVED.format(facts="marked")}),
touched AS MATERIALIZED (
  SELECT player_id, operator_id, day, bool_or(made) AS made FROM (
    SELECT player_id, operator_id, (at AT TIME ZONE 'UTC')::date AS day, true AS made FROM marked WHERE kind = 'trade'
    UNION ALL
    SELECT player_id, operator_id, near.day, false FROM moved CROSS JOIN LATERAL {tally_sql.NEAR}) AS each
  GROUP BY 1, 2, 3),
known AS MATERIALIZED (
  SELECT fresh.*, old.id IS NULL AS is_new, coalesce(old.trades, 0) AS old_trades,
         coalesce(old.starts, 0) AS old_starts, coalesce(old.singles, 0) AS old_singles,
         coalesce(old.gaps_us, 0) AS old_gaps_us
  FROM ({fresh}) AS fresh LEFT JOIN trading_activeday old
    ON old.day = fresh.day AND old.operator_id = fresh.operator_id AND old.player_id = fresh.player_id
  WHERE made OR old.id IS NOT NULL),
active AS (
  INSERT INTO trading_activeday (day, operator_id, player_id, trades, starts, singles, gaps_us)
  SELECT day, operator_id, player_id, trades, starts, singles, gaps_us FROM known ORDER BY 1, 2, 3
  ON CONFLICT (day, operator_id, player_id) DO UPDATE SET trades = excluded.trades, starts = excluded.starts,
    singles = excluded.singles, gaps_us = excluded.gaps_us),
trade_days AS ({_TRADE_DAYS}), activity AS ({_ACTIVITY}), patterns AS ({_PATTERNS}), tallies AS ({_TALLIES}),
hours AS ({_HOURS}), days AS ({_DAYS}), months AS ({_MONTHS}),
earned AS MATERIALIZED ({earned}),
lifetimes AS ({_LIFETIMES}), cohorts AS ({_COHORTS}),
players AS (
  INSERT INTO trading_playerrevenue AS known (operator_id, player_id, category, gross_usd, first_30d_usd, volume_usd,
                                              trade_count, first_trade_at, last_trade_at)
  SELECT operator_id, player_id, category, gross_usd, first_30d_usd, volume_usd, trade_count, first_trade_at,
         last_trade_at FROM earned
  ON CONFLICT (player_id, category) DO UPDATE SET
    gross_usd = known.gross_usd + excluded.gross_usd,
    first_30d_usd = known.first_30d_usd + excluded.first_30d_usd,
    volume_usd = known.volume_usd + excluded.volume_usd,
    trade_count = known.trade_count + excluded.trade_count,
    first_trade_at = least(known.first_trade_at, excluded.first_trade_at),
    last_trade_at = greatest(known.last_trade_at, excluded.last_trade_at))
SELECT count(*) FROM marked
"""  # noqa: S608 words of our own


_COMPACT = _MARK + _added(tally_sql.FRESH)
_LOADED = _MARKED_ALREADY + _added(tally_sql.FRESH_ALL)

_TABLES = (
    "hourlyrevenue dailyrevenue monthlyrevenue playerrevenue activeday tradeday tradepattern tradetally lifetimesum "
    "cohortday cohortactivity"
).split()
_FORGET = (
    "".join(f"DELETE FROM trading_{table};\n" for table in _TABLES)  # noqa: S608
    + "UPDATE trading_revenuefact SET rolled = true WHERE NOT rolled;"
)


def compact() -> int:
    """Roll up all that waits, a batch a transaction; how many facts. Another run under way is left to it."""
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TRY)
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
        cursor.execute(_LOCK)
        cursor.execute(_LOADED)
        total: int = cursor.fetchone()[0]
        return total


def rebuild() -> int:
    """Throw the rollups away and make them anew from the facts, in one transaction; how many facts."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        cursor.execute(_FORGET)
        cursor.execute(_LOADED)
        total: int = cursor.fetchone()[0]
        return total
