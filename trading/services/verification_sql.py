"""What must hold of every row of money on the platform, as queries that find where it does not.

Each answers rows whose first column names the offender. The content of the ledger's hash is written out here as the
trigger of ``accounts`` has it: a SQL function that is not inlined would double the time.
"""

from trading.services import verification_sums as sums

# Each entry beside the one before it, joined rather than by a window, so that several processes can hash.
CHAIN = """
SELECT predictu_typeid('ldg', entry.id) FROM accounts_ledgerentry entry
LEFT JOIN accounts_ledgerentry before ON before.player_id = entry.player_id AND before.seq = entry.seq - 1
WHERE (entry.seq = 1) <> (before.id IS NULL) OR entry.balance_before_usd <> coalesce(before.balance_after_usd, 0)
  OR entry.balance_after_usd <> entry.balance_before_usd + entry.amount_usd OR entry.balance_after_usd < 0
  OR entry.hash <> sha256(coalesce(before.hash, ''::bytea) || convert_to(
    '1|' || entry.id::text || '|' || entry.player_id::text || '|' || entry.seq::text || '|' || entry.type || '|' ||
    entry.amount_usd::text || '|' || entry.balance_before_usd::text || '|' || entry.balance_after_usd::text || '|' ||
    to_char(entry.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '|' || entry.reference_type || '|' ||
    length(entry.reference_id)::text || ':' || entry.reference_id || '|' ||
    length(entry.idempotency_key)::text || ':' || entry.idempotency_key || '|' || entry.actor, 'UTF8'))
"""

BALANCES = """
SELECT predictu_typeid('usr', player.id) FROM accounts_player player
LEFT JOIN LATERAL (
  SELECT seq, balance_after_usd, hash FROM accounts_ledgerentry entry WHERE entry.player_id = player.id
  ORDER BY seq DESC LIMIT 1) AS newest ON true
WHERE player.balance_usd <> coalesce(newest.balance_after_usd, 0) OR player.ledger_seq <> coalesce(newest.seq, 0)
  OR player.ledger_hash <> coalesce(newest.hash, ''::bytea) OR player.debt_usd < 0
"""

TRADES_LEDGER = """
WITH posted AS (
  SELECT player_id, reference_id,
         coalesce(sum(amount_usd) FILTER (WHERE type IN ('trade_debit', 'trade_credit')), 0) AS moved,
         coalesce(sum(amount_usd) FILTER (WHERE type = 'fee'), 0) AS fee,
         coalesce(sum(amount_usd) FILTER (WHERE metadata ->> 'cause' = 'trade_cancelled'), 0) AS undone
  FROM accounts_ledgerentry WHERE reference_type = 'trade' GROUP BY player_id, reference_id),
made AS (
  SELECT trade.player_id, predictu_typeid('trd', trade.id) AS id,
         CASE side WHEN 'buy' THEN -cost_usd ELSE cost_usd END AS moved, -fee_usd AS fee,
         trade.status = 'cancelled' AND NOT EXISTS (
           SELECT FROM trading_settlement settlement
           WHERE settlement.market_id = trade.market_id
             AND trade.cancelled_at IN (settlement.settled_at, settlement.corrected_at)) AS by_staff
  FROM trading_trade trade)
SELECT coalesce(made.id, posted.reference_id) FROM made
FULL JOIN posted ON posted.reference_id = made.id AND posted.player_id = made.player_id
WHERE made.id IS NULL OR made.moved <> coalesce(posted.moved, 0) OR made.fee <> coalesce(posted.fee, 0)
  OR coalesce(posted.undone, 0) <> CASE WHEN made.by_staff THEN -made.moved - made.fee ELSE 0 END
"""

# A cancelled market's trades still made its positions what they were: only what staff cancelled did not.
_MADE = """
  SELECT trade.player_id, trade.market_id, trade.outcome, sum(quantity) FILTER (WHERE side = 'buy') AS bought,
         coalesce(sum(quantity) FILTER (WHERE side = 'sell'), 0) AS sold,
         coalesce(sum(cost_usd) FILTER (WHERE side = 'buy'), 0)
           - coalesce(sum(cost_usd - pnl_usd) FILTER (WHERE side = 'sell'), 0) AS basis,
         coalesce(sum(pnl_usd), 0) AS pnl
  FROM trading_trade trade LEFT JOIN trading_settlement settlement ON settlement.market_id = trade.market_id
  WHERE trade.status <> 'cancelled' OR trade.cancelled_at IN (settlement.settled_at, settlement.corrected_at)
  GROUP BY trade.player_id, trade.market_id, trade.outcome
"""
POSITIONS_TRADES = f"""
SELECT coalesce(predictu_typeid('pos', position.id), 'a position of ' || predictu_typeid('usr', made.player_id))
FROM trading_position position
FULL JOIN ({_MADE}) AS made ON made.player_id = position.player_id AND made.market_id = position.market_id
  AND made.outcome = position.outcome
WHERE position.id IS NULL OR position.bought_quantity <> coalesce(made.bought, 0)
  OR position.quantity <> coalesce(made.bought, 0) - coalesce(made.sold, 0)
  OR position.cost_basis_usd <> coalesce(made.basis, 0) OR position.realized_pnl_usd <> coalesce(made.pnl, 0)
  OR (position.status = 'open') <> (position.quantity > 0 AND position.settled_at IS NULL)
"""  # noqa: S608 words of our own

PLAYERS = """
WITH held AS (
  SELECT player_id, count(*) AS positions, sum(quantity) AS exposure FROM trading_position WHERE status = 'open'
  GROUP BY player_id),
realised AS (SELECT player_id, sum(realized_pnl_usd) AS pnl FROM trading_position GROUP BY player_id),
made AS (
  SELECT player_id, count(*) AS rows, count(*) FILTER (WHERE status <> 'cancelled') AS trades,
         coalesce(sum(cost_usd) FILTER (WHERE status <> 'cancelled'), 0) AS volume, count(pnl_usd) AS resolved,
         count(*) FILTER (WHERE pnl_usd > 0) AS won
  FROM trading_trade GROUP BY player_id)
SELECT predictu_typeid('usr', player.id) FROM accounts_player player
LEFT JOIN held ON held.player_id = player.id LEFT JOIN made ON made.player_id = player.id
LEFT JOIN realised ON realised.player_id = player.id
WHERE (player.open_positions, player.exposure_usd, player.realized_pnl_usd, player.trade_rows, player.trade_count,
       player.volume_usd, player.resolved_count, player.winning_count)
  IS DISTINCT FROM (coalesce(held.positions, 0), coalesce(held.exposure, 0), coalesce(realised.pnl, 0),
       coalesce(made.rows, 0), coalesce(made.trades, 0), coalesce(made.volume, 0), coalesce(made.resolved, 0),
       coalesce(made.won, 0))
"""

EXPOSURE = """
WITH held AS (
  SELECT position.operator_id, position.market_id, market.category,
         coalesce(sum(quantity) FILTER (WHERE outcome = 'yes'), 0) AS yes,
         coalesce(sum(quantity) FILTER (WHERE outcome = 'no'), 0) AS no, count(*) AS positions,
         0 AS rows, 0 AS trades, 0.00 AS volume
  FROM trading_position position JOIN trading_market market ON market.id = position.market_id
  WHERE position.status = 'open' AND NOT position.is_test GROUP BY 1, 2, 3
  UNION ALL
  SELECT operator_id, market_id, category, 0, 0, 0, count(*), count(*) FILTER (WHERE status <> 'cancelled'),
         coalesce(sum(cost_usd) FILTER (WHERE status <> 'cancelled'), 0)
  FROM trading_trade WHERE NOT is_test GROUP BY 1, 2, 3),
wanted AS (
  SELECT scope, scope_id, sum(yes) AS yes, sum(no) AS no, sum(positions) AS positions, sum(rows) AS rows,
         sum(trades) AS trades, sum(volume) AS volume
  FROM held CROSS JOIN LATERAL (VALUES
    ('market', predictu_typeid('mkt', market_id)), ('category', category), ('global', ''),
    ('operator_category', predictu_typeid('op', operator_id) || ':' || category),
    ('operator', predictu_typeid('op', operator_id))) AS key (scope, scope_id)
  GROUP BY scope, scope_id)
SELECT trim(coalesce(bucket.scope || ' ' || bucket.scope_id, wanted.scope || ' ' || wanted.scope_id))
FROM risk_exposurebucket bucket FULL JOIN wanted ON wanted.scope = bucket.scope AND wanted.scope_id = bucket.scope_id
WHERE (coalesce(bucket.yes_usd, 0), coalesce(bucket.no_usd, 0), coalesce(bucket.position_count, 0),
       coalesce(bucket.trade_rows, 0), coalesce(bucket.trade_count, 0), coalesce(bucket.volume_usd, 0))
  IS DISTINCT FROM (coalesce(wanted.yes, 0), coalesce(wanted.no, 0), coalesce(wanted.positions, 0),
       coalesce(wanted.rows, 0), coalesce(wanted.trades, 0), coalesce(wanted.volume, 0))
"""

SETTLEMENTS_LEDGER = """
WITH paid AS (
  SELECT market_id, sum(payout_usd) AS payout, sum(payout_usd) FILTER (WHERE NOT is_test) AS real,
         count(*) FILTER (WHERE NOT is_test) AS positions
  FROM trading_position WHERE status = 'settled' GROUP BY market_id),
posted AS (
  SELECT reference_id, sum(amount_usd) FILTER (WHERE metadata ->> 'cause' IS DISTINCT FROM 'debt_repayment') AS moved,
         sum(amount_usd) FILTER (WHERE type = 'fee' AND metadata ->> 'cause' IS NULL) AS fees
  FROM accounts_ledgerentry WHERE reference_type = 'settlement' GROUP BY reference_id)
SELECT predictu_typeid('stl', settlement.id) FROM trading_settlement settlement
LEFT JOIN paid ON paid.market_id = settlement.market_id
LEFT JOIN posted ON posted.reference_id = predictu_typeid('stl', settlement.id)
WHERE settlement.status = 'completed' AND (
  settlement.positions_settled <> coalesce(paid.positions, 0)
  OR settlement.total_payout_usd + settlement.refund_usd <> coalesce(paid.real, 0)
  OR EXISTS (SELECT FROM trading_position open WHERE open.market_id = settlement.market_id AND open.status = 'open')
  OR (settlement.version = 1 AND coalesce(posted.moved, 0) - coalesce(posted.fees, 0) <> coalesce(paid.payout, 0))
  OR (settlement.version = 2 AND (settlement.completeness ->> 'corrected_usd')::numeric
       <> (settlement.completeness ->> 'ledger_usd')::numeric - (settlement.completeness ->> 'owed_usd')::numeric))
UNION ALL
SELECT predictu_typeid('pos', position.id) FROM trading_position position
WHERE position.status = 'settled' AND position.payout_price IS NOT NULL
  AND position.payout_usd <> trunc(position.quantity * position.payout_price, 2)
"""

FACTS_TRADES = """
WITH earned AS (
  SELECT trade_id, sum(spread_usd) AS spread, sum(fee_usd) AS fee, sum(volume_usd) AS volume,
         sum(trade_count) AS trades, bool_or(kind = 'void') AS void
  FROM trading_revenuefact WHERE trade_id IS NOT NULL GROUP BY trade_id)
SELECT predictu_typeid('trd', coalesce(trade.id, earned.trade_id))
FROM (SELECT * FROM trading_trade WHERE NOT is_test) AS trade FULL JOIN earned ON earned.trade_id = trade.id
WHERE trade.id IS NULL OR earned.trade_id IS NULL
  OR (trade.status <> 'cancelled' AND (earned.spread, earned.fee, earned.volume, earned.trades)
       IS DISTINCT FROM (trade.spread_usd, trade.fee_usd, trade.cost_usd, 1::bigint))
  OR (trade.status = 'cancelled' AND (earned.volume <> 0 OR earned.trades <> 0
       OR (NOT earned.void AND (earned.spread <> 0 OR earned.fee <> 0))
       OR earned.spread NOT BETWEEN 0 AND trade.spread_usd OR earned.fee NOT BETWEEN 0 AND trade.fee_usd))
"""
ROLLUPS = """
WITH rolled AS (
  SELECT operator_id, date_trunc('hour', at, 'UTC') AS hour, category, share_pct, sum(spread_usd) AS spread,
         sum(fee_usd) AS fee, sum(settlement_fee_usd) AS settlement, sum(volume_usd) AS volume,
         sum(trade_count) AS trades
  FROM trading_revenuefact WHERE rolled GROUP BY 1, 2, 3, 4)
SELECT predictu_typeid('op', coalesce(rolled.operator_id, hourly.operator_id)) || ' ' ||
       coalesce(rolled.hour, hourly.hour)::text
FROM rolled FULL JOIN trading_hourlyrevenue hourly ON hourly.operator_id = rolled.operator_id
  AND hourly.hour = rolled.hour AND hourly.category = rolled.category AND hourly.share_pct = rolled.share_pct
WHERE (rolled.spread, rolled.fee, rolled.settlement, rolled.volume, rolled.trades)
  IS DISTINCT FROM (hourly.spread_usd, hourly.fee_usd, hourly.settlement_fee_usd, hourly.volume_usd,
                    hourly.trade_count::numeric)
"""

TRADE_DAYS = """
WITH rolled AS (
  SELECT operator_id, (at AT TIME ZONE 'UTC')::date AS day, count(*) AS trades
  FROM trading_revenuefact WHERE rolled AND kind = 'trade' GROUP BY 1, 2)
SELECT predictu_typeid('op', coalesce(rolled.operator_id, known.operator_id)) || ' ' ||
       coalesce(rolled.day, known.day)::text
FROM rolled FULL JOIN trading_tradeday known ON known.operator_id = rolled.operator_id AND known.day = rolled.day
WHERE rolled.trades IS DISTINCT FROM known.trade_rows
"""
SIGNUPS = """
WITH counted AS (
  SELECT operator_id, (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS users
  FROM accounts_player WHERE counted AND NOT is_test GROUP BY 1, 2)
SELECT predictu_typeid('op', coalesce(counted.operator_id, known.operator_id)) || ' ' ||
       coalesce(counted.day, known.day)::text
FROM counted FULL JOIN accounts_signupday known ON known.operator_id = counted.operator_id AND known.day = counted.day
WHERE counted.users IS DISTINCT FROM known.users
"""

HEADS = """
SELECT id::text, ledger_seq, encode(ledger_hash, 'hex') FROM accounts_player WHERE ledger_seq > 0 ORDER BY id
"""
ANCHORED = """
SELECT predictu_typeid('usr', head.player_id)
FROM unnest(%(players)s::uuid[], %(seqs)s::bigint[], %(hashes)s::text[]) AS head (player_id, seq, hash)
LEFT JOIN accounts_ledgerentry entry ON entry.player_id = head.player_id AND entry.seq = head.seq
WHERE entry.hash IS NULL OR encode(entry.hash, 'hex') <> head.hash
"""

CHECKS = {
    "ledger chain": CHAIN,
    "balances": BALANCES,
    "trades and ledger": TRADES_LEDGER,
    "positions and trades": POSITIONS_TRADES,
    "users' counters": PLAYERS,
    "exposure counters": EXPOSURE,
    "settlements and ledger": SETTLEMENTS_LEDGER,
    "revenue facts and trades": FACTS_TRADES,
    "revenue rollups and facts": ROLLUPS,
    "trades by day and facts": TRADE_DAYS,
    "signups by day and users": SIGNUPS,
    **sums.CHECKS,
}
