"""What must hold of the sums kept for dashboards, lists and analytics: each against the rows it was added up from."""

# ruff: noqa: S608 words of our own

from trading import tally_sql


def _same(kept: str, wanted: str) -> str:
    """Rows of ``kept`` that are not in ``wanted`` and the other way round, as text."""
    return f"""
WITH kept AS MATERIALIZED ({kept}), wanted AS MATERIALIZED ({wanted})
SELECT odd::text FROM (
  (SELECT * FROM kept EXCEPT ALL SELECT * FROM wanted) UNION ALL (SELECT * FROM wanted EXCEPT ALL SELECT * FROM kept)
) AS odd
"""


_EARNED = "sum(spread_usd), sum(fee_usd), sum(settlement_fee_usd), sum(volume_usd), sum(trade_count)::bigint"
_EARNED_COLUMNS = "spread_usd, fee_usd, settlement_fee_usd, volume_usd, trade_count"
DAYS = _same(
    f"SELECT operator_id, day, share_pct, {_EARNED_COLUMNS} FROM trading_dailyrevenue",
    f"SELECT operator_id, (at AT TIME ZONE 'UTC')::date, share_pct, {_EARNED} FROM trading_revenuefact WHERE rolled "
    "GROUP BY 1, 2, 3",
)
MONTHS = _same(
    f"SELECT operator_id, month, share_pct, {_EARNED_COLUMNS} FROM trading_monthlyrevenue",
    f"SELECT operator_id, date_trunc('month', at, 'UTC'), share_pct, {_EARNED} FROM trading_revenuefact WHERE rolled "
    "GROUP BY 1, 2, 3",
)
_LIFE = "gross_usd, first_30d_usd, volume_usd, trade_count, first_trade_at, last_trade_at"
USERS = _same(
    f"SELECT operator_id, player_id, category, {_LIFE} FROM trading_playerrevenue",
    f"SELECT operator_id, player_id, category, {_LIFE} FROM ("
    f"{tally_sql.EARNED.format(facts='(SELECT * FROM trading_revenuefact WHERE rolled)')}) AS earned",
)
LIFETIMES = _same(
    "SELECT operator_id, segment, label, users, traders, gross_usd, first_30d_usd, volume_usd, trade_count, "
    "round(lifespans_s, 6) FROM trading_lifetimesum",
    """
SELECT known.operator_id, CASE WHEN category = '' THEN 'channel' ELSE 'category' END,
       CASE WHEN category = '' THEN channel ELSE category END, count(*), count(first_trade_at), sum(gross_usd),
       sum(first_30d_usd), sum(known.volume_usd), sum(known.trade_count)::bigint,
       round(coalesce(sum(extract(epoch FROM last_trade_at - first_trade_at)), 0), 6)
FROM trading_playerrevenue known JOIN accounts_player player ON player.id = known.player_id GROUP BY 1, 2, 3""",
)
COHORTS = _same(
    "SELECT signup_day, operator_id, gross_usd, volume_usd, trade_count FROM trading_cohortday",
    """
SELECT (player.created_at AT TIME ZONE 'UTC')::date, known.operator_id, sum(gross_usd), sum(known.volume_usd),
       sum(known.trade_count)::bigint
FROM trading_playerrevenue known JOIN accounts_player player ON player.id = known.player_id WHERE category = ''
GROUP BY 1, 2""",
)
COHORT_ACTIVITY = _same(
    "SELECT signup_day, operator_id, unit, period, users FROM trading_cohortactivity",
    """
SELECT (player.created_at AT TIME ZONE 'UTC')::date, active.operator_id, unit, date_trunc(unit, day::timestamp)::date,
       count(DISTINCT player_id)
FROM trading_activeday active JOIN accounts_player player ON player.id = active.player_id
CROSS JOIN (VALUES ('week'), ('month')) AS of (unit) GROUP BY 1, 2, 3, 4""",
)
# Where nothing of a user waits to be rolled up: its sessions are those of its trades.
SESSIONS = f"""
WITH touched AS MATERIALIZED (
  SELECT player_id, day FROM trading_activeday active WHERE NOT EXISTS (
    SELECT FROM trading_revenuefact fact WHERE NOT rolled AND fact.player_id = active.player_id)),
fresh AS ({tally_sql.FRESH_ALL})
SELECT predictu_typeid('usr', kept.player_id) || ' ' || kept.day FROM fresh
JOIN trading_activeday kept ON kept.player_id = fresh.player_id AND kept.day = fresh.day
WHERE (kept.trades, kept.starts, kept.singles, kept.gaps_us)
  IS DISTINCT FROM (fresh.trades, fresh.starts, fresh.singles, fresh.gaps_us)
"""
ACTIVE_DAYS = _same(
    "SELECT operator_id, day, traders, trades, starts, singles, gaps_us FROM trading_tradeday",
    "SELECT operator_id, day, count(*), sum(trades)::bigint, sum(starts)::bigint, sum(singles)::bigint, "
    "sum(gaps_us)::bigint FROM trading_activeday GROUP BY 1, 2",
)
_MOVED = tally_sql.MOVED.format(facts="(SELECT * FROM trading_revenuefact WHERE rolled)")
PATTERNS = _same(
    "SELECT day, operator_id, kind, key, trades FROM trading_tradepattern",
    f"SELECT day, operator_id, kind, key, sum(change) FROM ({_MOVED}) AS moved "
    f"CROSS JOIN LATERAL {tally_sql.PATTERNS} GROUP BY 1, 2, 3, 4",
)
_SIDES = [f"{side}_{outcome}" for side in ("buy", "sell") for outcome in ("yes", "no")]
_OF_SIDES = ", ".join(
    f"coalesce(sum({counted}) FILTER (WHERE side || '_' || outcome = '{name}'), 0)::bigint"
    for counted in ("made::integer", "made::integer - change")
    for name in _SIDES
)
TALLIES = _same(
    f"SELECT day, operator_id, market_id, {', '.join(_SIDES)}, {', '.join(f'cancelled_{name}' for name in _SIDES)} "
    "FROM trading_tradetally",
    f"SELECT day, operator_id, market_id, {_OF_SIDES} FROM ({_MOVED}) AS moved GROUP BY 1, 2, 3",
)
CHANNELS = _same(
    "SELECT operator_id, channel, users FROM accounts_signupchannel",
    "SELECT operator_id, channel, count(*) FROM accounts_player WHERE counted AND NOT is_test GROUP BY 1, 2",
)

CHECKS = {
    "signups by channel and users": CHANNELS,
    "revenue by day and facts": DAYS,
    "revenue by month and facts": MONTHS,
    "revenue by user and facts": USERS,
    "lifetime sums and users": LIFETIMES,
    "cohorts and users": COHORTS,
    "cohorts' activity and active days": COHORT_ACTIVITY,
    "sessions and trades": SESSIONS,
    "trades by day and active days": ACTIVE_DAYS,
    "patterns and trades": PATTERNS,
    "tallies and trades": TALLIES,
}
