"""What rolling facts up and reading what is not rolled up yet have in common, as text of statements.

A reader adds to the sums what the facts not rolled up would add, by the same words: so both give the same to the cent.
"""

# What facts add to PlayerRevenue, a row per user and category and one per user. ``{facts}`` has RevenueFact's columns.
EARNED = """
SELECT fact.operator_id, fact.player_id, coalesce(fact.category, '') AS category, player.channel,
       (player.created_at AT TIME ZONE 'UTC')::date AS signup_day,
       sum(spread_usd + fee_usd + settlement_fee_usd) AS gross_usd,
       coalesce(sum(spread_usd + fee_usd + settlement_fee_usd)
                  FILTER (WHERE at < player.created_at + interval '30 days'), 0) AS first_30d_usd,
       sum(fact.volume_usd) AS volume_usd, sum(fact.trade_count)::bigint AS trade_count,
       min(at) FILTER (WHERE kind = 'trade') AS first_trade_at, max(at) FILTER (WHERE kind = 'trade') AS last_trade_at
FROM {facts} AS fact JOIN accounts_player player ON player.id = fact.player_id
GROUP BY GROUPING SETS ((fact.operator_id, fact.player_id, player.channel, player.created_at, fact.category),
                        (fact.operator_id, fact.player_id, player.channel, player.created_at))
"""

# What such rows, called ``earned``, add to LifetimeSum.
LIVES = """
SELECT earned.operator_id, CASE WHEN earned.category = '' THEN 'channel' ELSE 'category' END AS segment,
       CASE WHEN earned.category = '' THEN earned.channel ELSE earned.category END AS label,
       count(*) FILTER (WHERE old.id IS NULL) AS users,
       count(*) FILTER (WHERE old.first_trade_at IS NULL AND earned.first_trade_at IS NOT NULL) AS traders,
       sum(earned.gross_usd) AS gross_usd, sum(earned.first_30d_usd) AS first_30d_usd,
       sum(earned.volume_usd) AS volume_usd, sum(earned.trade_count)::bigint AS trade_count,
       sum(coalesce(extract(epoch FROM greatest(old.last_trade_at, earned.last_trade_at)
                                       - least(old.first_trade_at, earned.first_trade_at)), 0)
           - coalesce(extract(epoch FROM old.last_trade_at - old.first_trade_at), 0)) AS lifespans_s
FROM earned LEFT JOIN trading_playerrevenue old
  ON old.player_id = earned.player_id AND old.category = earned.category
GROUP BY 1, 2, 3
"""

# Trades that facts tell of: ``made``, else taken back (a ``change`` of -1) or standing again.
MOVED = """
SELECT fact.kind = 'trade' AS made, fact.trade_count AS change, trade.player_id, trade.operator_id, trade.market_id,
       trade.category, trade.side, trade.outcome, trade.device, trade.cost_usd, trade.created_at,
       (trade.created_at AT TIME ZONE 'UTC')::date AS day
FROM {facts} AS fact JOIN trading_trade trade ON trade.id = fact.trade_id
WHERE fact.kind IN ('trade', 'cancel', 'void')
"""

# The keys of TradePattern a row of trades has.
PATTERNS = """
(VALUES ('hour', extract(hour FROM created_at AT TIME ZONE 'UTC')::integer::text), ('category', category),
        ('device', device),
        ('size', CASE WHEN cost_usd < 5 THEN 'under_5_usd' WHEN cost_usd < 20 THEN '5_20_usd'
                      WHEN cost_usd < 100 THEN '20_100_usd' ELSE '100_plus_usd' END)) AS pattern (kind, key)
"""

# A trade changes its neighbours' part in sessions, which may have been made a day before or after.
NEAR = """
(VALUES (((created_at - interval '30 minutes') AT TIME ZONE 'UTC')::date), ((created_at AT TIME ZONE 'UTC')::date),
        (((created_at + interval '30 minutes') AT TIME ZONE 'UTC')::date)) AS near (day)
"""

_NEIGHBOURS = """
created_at - lag(created_at) OVER neighbours AS since, lead(created_at) OVER neighbours - created_at AS until
"""
_SESSIONS = """
count(*) AS trades, count(*) FILTER (WHERE since IS NULL OR since > interval '30 minutes') AS starts,
count(*) FILTER (WHERE (since IS NULL OR since > interval '30 minutes')
                   AND (until IS NULL OR until > interval '30 minutes')) AS singles,
coalesce(sum(extract(epoch FROM since) * 1000000) FILTER (WHERE since <= interval '30 minutes'), 0)::bigint AS gaps_us
"""

# The sessions of the users and days in ``touched`` as the trades are now: few of them by an index, or all at once.
FRESH = f"""
SELECT touched.*, of_day.* FROM touched CROSS JOIN LATERAL (
  SELECT {_SESSIONS} FROM (
    SELECT created_at, {_NEIGHBOURS} FROM trading_trade
    WHERE player_id = touched.player_id AND NOT is_test AND status <> 'cancelled'
      AND created_at >= touched.day::timestamp AT TIME ZONE 'UTC' - interval '30 minutes'
      AND created_at < touched.day::timestamp AT TIME ZONE 'UTC' + interval '1 day 30 minutes'
    WINDOW neighbours AS (ORDER BY created_at, id)) AS trades
  WHERE created_at >= touched.day::timestamp AT TIME ZONE 'UTC'
    AND created_at < touched.day::timestamp AT TIME ZONE 'UTC' + interval '1 day') AS of_day
"""  # noqa: S608 text of our own
FRESH_ALL = f"""
SELECT touched.*, coalesce(trades, 0) AS trades, coalesce(starts, 0) AS starts, coalesce(singles, 0) AS singles,
       coalesce(gaps_us, 0) AS gaps_us
FROM touched LEFT JOIN (
  SELECT player_id, (created_at AT TIME ZONE 'UTC')::date AS day, {_SESSIONS} FROM (
    SELECT player_id, created_at, {_NEIGHBOURS} FROM trading_trade WHERE NOT is_test AND status <> 'cancelled'
    WINDOW neighbours AS (PARTITION BY player_id ORDER BY created_at, id)) AS trades
  GROUP BY 1, 2) AS of_day USING (player_id, day)
"""  # noqa: S608 text of our own
