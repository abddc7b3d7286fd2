"""The statements of a settlement, in the order they run. All amounts are worked out before a single user is held.

Rounding is ``predictu.money``'s and ``trading.positions``' in SQL: payouts down (``trunc``), shares of a whole half up.
``div`` is exact, so ``div(200·a·b + c, 2·c) / 100`` is a·b ÷ c half up to the cent for amounts that are not negative.
Names in braces are spliced from here and from ``correction_sql``, never from a caller; ``before`` is the status that
the market's trades have till now.
"""

# Of a settlement before this one in the same transaction.
CLEAR = """
DROP TABLE IF EXISTS settling_position, settling_buy, settling_void, settling_told, settling_user, settling_due,
  settling_owed
"""

# The trades that count before a market is settled.
FILLED = "'filled'"

# What every position is paid. A cancelled market gives the remaining basis back, and the part of the buys' fees.
POSITIONS = """
CREATE TEMP TABLE settling_position ON COMMIT DROP AS
SELECT held.*, held.paid - CASE WHEN %(void)s THEN held.paid ELSE held.basis END AS pnl,
       CASE WHEN %(void)s THEN 0 ELSE round(held.paid * %(fee_bps)s / 10000, 2) END AS fee
FROM (
  SELECT position.id, position.player_id, position.operator_id, position.outcome, position.is_test, position.quantity,
         position.bought_quantity, position.cost_basis_usd AS basis, position.realized_pnl_usd AS realized,
         {paid} AS paid
  FROM trading_position position
  WHERE position.market_id = %(market)s AND position.status = 'open' AND position.quantity > 0) AS held
"""
PAID = "trunc(position.quantity * CASE position.outcome WHEN 'yes' THEN %(yes)s ELSE %(no)s END, 2)"
REFUNDED = """position.cost_basis_usd + coalesce((
    SELECT sum(div(200 * trade.fee_usd * position.quantity + position.bought_quantity, 2 * position.bought_quantity))
           / 100
    FROM trading_trade trade
    WHERE trade.player_id = position.player_id AND trade.market_id = position.market_id
      AND trade.outcome = position.outcome AND trade.side = 'buy' AND trade.status = {before}), 0)"""
KNOW_POSITIONS = "CREATE INDEX ON settling_position (player_id, outcome); ANALYZE settling_position"

# Each buy's share of its position's result; the newest takes the remainder.
BUYS = """
CREATE TEMP TABLE settling_buy ON COMMIT DROP AS
SELECT id, player_id,
       CASE WHEN place = 1 THEN pnl - (sum(part) OVER (PARTITION BY player_id, outcome) - part) ELSE part END AS pnl
FROM (
  SELECT *, sign(pnl) * div(200 * abs(pnl) * quantity + whole, 2 * whole) / 100 AS part
  FROM (
    SELECT trade.id, trade.player_id, trade.outcome, trade.quantity, coalesce(position.pnl, 0) AS pnl,
           sum(trade.quantity) OVER (PARTITION BY trade.player_id, trade.outcome) AS whole,
           row_number() OVER (
             PARTITION BY trade.player_id, trade.outcome ORDER BY trade.created_at DESC, trade.id DESC) AS place
    FROM trading_trade trade
    LEFT JOIN settling_position position ON position.player_id = trade.player_id AND position.outcome = trade.outcome
    WHERE trade.market_id = %(market)s AND trade.side = 'buy' AND trade.status = {before}) AS bought
) AS shared
"""

# What a cancelled market takes back of every trade: its volume, and of a buy's spread and fee the part refunded.
VOIDED = """
CREATE TEMP TABLE settling_void ON COMMIT DROP AS
SELECT trade.id, trade.player_id, trade.operator_id, trade.category, trade.share_pct, trade.is_test, trade.cost_usd,
       CASE WHEN position.id IS NULL OR trade.side = 'sell' THEN 0 ELSE
         div(200 * trade.spread_usd * position.quantity + position.bought_quantity, 2 * position.bought_quantity) / 100
       END AS spread_usd,
       CASE WHEN position.id IS NULL OR trade.side = 'sell' THEN 0 ELSE
         div(200 * trade.fee_usd * position.quantity + position.bought_quantity, 2 * position.bought_quantity) / 100
       END AS fee_usd
FROM trading_trade trade
LEFT JOIN settling_position position ON position.player_id = trade.player_id AND position.outcome = trade.outcome
WHERE trade.market_id = %(market)s AND trade.status = {before}
"""

# What changes on each user's row.
PLAYERS = """
INSERT INTO ledger_batch_player (player_id, positions, exposure_usd, pnl_usd, resolved, winning, trades, volume_usd)
SELECT player_id, -sum(positions), -sum(quantity), sum(pnl), sum(buys), sum(won), -sum(trades), -sum(volume)
FROM (
  SELECT player_id, count(*) AS positions, sum(quantity) AS quantity, sum(pnl) AS pnl, 0 AS buys, 0 AS won, 0 AS trades,
         0 AS volume
  FROM settling_position GROUP BY player_id
  UNION ALL {trades}) AS changes
GROUP BY player_id
"""
OF_BUYS = """
  SELECT player_id, 0, 0, 0, count(*), count(*) FILTER (WHERE pnl > 0), 0, 0 FROM settling_buy GROUP BY player_id
"""
OF_VOIDED = """
  SELECT player_id, 0, 0, 0, 0, 0, count(*), sum(cost_usd) FROM settling_void GROUP BY player_id
"""

# Every position with its ids in words, the beginning of what is told of it, and the id its ledger row will have.
TOLD = """
CREATE TEMP TABLE settling_told ON COMMIT DROP AS
SELECT words.*, '","operator_id":"' || op || '","timestamp":"' || %(stamp)s || '","test":' || is_test::text ||
       ',"payload":{{' AS head, '"user_id":"' || usr || '","external_id":' || external AS who
FROM (
  SELECT position.*, predictu_typeid('pos', position.id) AS pos, predictu_typeid('usr', position.player_id) AS usr,
         predictu_typeid('op', position.operator_id) AS op, to_json(player.external_id)::text AS external,
         predictu_uuid7(%(now)s) AS entry_id
  FROM settling_position position JOIN accounts_player player ON player.id = position.player_id) AS words
"""

# What became of each position. Its place among what else a user is told says nothing: all trades of the market have
# committed before, and balances are told of apart. So it need not wait for the users.
RESOLVED_EVENTS = """
INSERT INTO operators_callbackevent (id, operator_id, event, user_id, subject_id, body, test, created_at)
SELECT predictu_uuid7(%(now)s), operator_id, 'POSITION_RESOLVED', usr, %(stl)s,
       convert_to('{{"event":"POSITION_RESOLVED' || head || '"position_id":"' || pos || '",' || who ||
         ',"market_id":"' || %(mkt)s || '","outcome":"' || outcome || '","resolution":"' || %(resolution)s ||
         '","quantity":' || trim_scale(quantity)::text || ',"payout_usd":' || trim_scale(paid)::text ||
         ',"realized_pnl_usd":' || trim_scale(realized + pnl)::text || ',"settlement_version":' || %(version)s::text ||
         {more} || '}}}}', 'UTF8'), is_test, %(now)s
FROM settling_told ORDER BY player_id, id
"""

SETTLE_BUYS = """
UPDATE trading_trade AS trade SET status = 'settled', pnl_usd = buy.pnl, cancelled_at = NULL
FROM settling_buy buy WHERE trade.id = buy.id
"""
SETTLE_SELLS = """
UPDATE trading_trade AS trade SET status = 'settled', cancelled_at = NULL
WHERE market_id = %(market)s AND side = 'sell' AND status = {before}
"""
CANCEL_TRADES = """
UPDATE trading_trade AS trade SET status = 'cancelled', cancelled_at = %(now)s,
  pnl_usd = CASE side WHEN 'sell' THEN pnl_usd END
WHERE market_id = %(market)s AND status = {before}
"""

# From here on users wait. The order by id is the platform's.
HOLD = """
CREATE TEMP TABLE settling_user ON COMMIT DROP AS
SELECT player.id, player.operator_id, player.is_test, player.balance_usd, player.debt_usd FROM accounts_player player
WHERE player.id IN (SELECT player_id FROM ledger_batch_player) ORDER BY player.id FOR NO KEY UPDATE
"""
SETTLE_POSITIONS = """
UPDATE trading_position AS position SET status = 'settled', settled_at = %(now)s, payout_usd = settling.paid,
  payout_price = CASE position.outcome WHEN 'yes' THEN %(yes)s::numeric ELSE %(no)s::numeric END,
  realized_pnl_usd = settling.realized + settling.pnl
FROM settling_position settling WHERE position.id = settling.id
"""

# Credits and fees of each user, by position.
ENTRIES = """
INSERT INTO ledger_batch (id, player_id, place, type, amount_usd, description, metadata, idempotency_key)
SELECT id, player_id, row_number() OVER (PARTITION BY player_id ORDER BY position_id, place), type, amount, description,
       metadata, key
FROM (
  SELECT entry_id AS id, player_id, id AS position_id, 1 AS place, %(credit_type)s AS type, paid AS amount,
         %(credit_words)s || upper(outcome) || ' - ' || %(title)s AS description,
         jsonb_build_object('market_id', %(mkt)s, 'outcome', outcome, 'position_id', pos, 'quantity', quantity,
                            'cause', %(cause)s) AS metadata,
         'predictu:settlement:' || %(stl)s || ':' || pos AS key
  FROM settling_told WHERE paid > 0
  UNION ALL
  SELECT predictu_uuid7(%(now)s), player_id, id, 2, 'fee', -fee, 'Settlement fee',
         jsonb_build_object('market_id', %(mkt)s, 'position_id', pos),
         'predictu:settlement-fee:' || %(stl)s || ':' || pos
  FROM settling_told WHERE fee > 0) AS entry
"""

# At last what they repay of a debt, which is known once users are held.
REPAYMENTS = """
WITH due AS (
  SELECT held.id, count(*) + 1 AS place, least(held.debt_usd, held.balance_usd + sum(entry.amount_usd)) AS amount
  FROM settling_user held JOIN ledger_batch entry ON entry.player_id = held.id
  WHERE held.debt_usd > 0 GROUP BY held.id, held.debt_usd, held.balance_usd),
repaid AS (
  UPDATE ledger_batch_player change SET debt_usd = -due.amount FROM due
  WHERE change.player_id = due.id AND due.amount > 0)
INSERT INTO ledger_batch (id, player_id, place, type, amount_usd, description, metadata, idempotency_key)
SELECT predictu_uuid7(%(now)s), id, place, 'adjustment', -amount, 'Repayment of a corrected settlement',
       '{{"cause": "debt_repayment"}}', 'predictu:repayment:' || %(stl)s
FROM due WHERE amount > 0
"""
FEE_FACTS = """
INSERT INTO trading_revenuefact (at, kind, operator_id, player_id, market_id, category, share_pct, spread_usd, fee_usd,
                                 settlement_fee_usd, volume_usd, trade_count, rolled)
SELECT %(now)s, 'settlement_fee', position.operator_id, position.player_id, %(market)s, %(category)s,
       operator.predictu_share_pct, 0, 0, position.fee, 0, 0, false
FROM settling_position position JOIN operators_operator operator ON operator.id = position.operator_id
WHERE position.fee > 0 AND NOT position.is_test
"""
VOID_FACTS = """
INSERT INTO trading_revenuefact (at, kind, operator_id, player_id, market_id, trade_id, category, share_pct, spread_usd,
                                 fee_usd, settlement_fee_usd, volume_usd, trade_count, rolled)
SELECT %(now)s, 'void', operator_id, player_id, %(market)s, id, category, share_pct, -spread_usd, -fee_usd, 0,
       -cost_usd, -1, false
FROM settling_void WHERE NOT is_test
"""

# What was written to the ledger just now: a settlement is the system's, its correction an admin's.
POSTED = """
SELECT id, player_id, amount_usd AS amount, balance_before_usd AS before, balance_after_usd AS after,
       metadata ->> 'cause' AS cause
FROM accounts_ledgerentry WHERE reference_id = %(stl)s AND actor = %(actor)s
"""

# What a settlement did to balances, in the order of a user's positions.
BALANCE_EVENTS = """
INSERT INTO operators_callbackevent (id, operator_id, event, user_id, subject_id, body, test, created_at)
SELECT predictu_uuid7(%(now)s), operator_id, 'BALANCE_CHANGED', usr, %(stl)s, body, is_test, %(now)s
FROM (
  SELECT told.player_id, told.id AS position_id, told.operator_id, told.usr, told.is_test,
         convert_to('{{"event":"BALANCE_CHANGED' || told.head || told.who ||
           ',"previous_balance_usd":' || trim_scale(moved.before)::text ||
           ',"new_balance_usd":' || trim_scale(moved.after - told.fee)::text || ',"amount_usd":' ||
           trim_scale(told.paid - told.fee)::text || ',"reason":"' || %(reason)s || '","reference_id":"' || %(stl)s ||
           '"}}}}', 'UTF8') AS body
  FROM settling_told told JOIN ({posted}) AS moved ON moved.id = told.entry_id
  UNION ALL
  SELECT held.id, NULL, held.operator_id, predictu_typeid('usr', held.id), held.is_test,
         convert_to('{{"event":"BALANCE_CHANGED","operator_id":"' || predictu_typeid('op', held.operator_id) ||
           '","timestamp":"' || %(stamp)s || '","test":' || held.is_test::text || ',"payload":{{"user_id":"' ||
           predictu_typeid('usr', held.id) || '","external_id":' || to_json(player.external_id)::text ||
           ',"previous_balance_usd":' || trim_scale(moved.before)::text || ',"new_balance_usd":' ||
           trim_scale(moved.after)::text || ',"amount_usd":' || trim_scale(moved.amount)::text ||
           ',"reason":"adjustment","reference_id":"' || %(stl)s || '"}}}}', 'UTF8')
  FROM ({posted}) AS moved JOIN settling_user held ON held.id = moved.player_id
  JOIN accounts_player player ON player.id = held.id
  WHERE moved.cause = 'debt_repayment') AS told
ORDER BY player_id, position_id NULLS LAST
"""

# Figures by operator, of users that are no test users.
PARTS = """
INSERT INTO trading_settlementpart (settlement_id, operator_id, positions, winners, losers, users, payout_usd, loss_usd,
                                    basis_usd, refund_usd)
SELECT %(settlement)s, operator_id, count(*), count(*) FILTER (WHERE paid > 0 AND NOT %(void)s),
       count(*) FILTER (WHERE paid = 0 AND NOT %(void)s), count(DISTINCT player_id),
       CASE WHEN %(void)s THEN 0 ELSE sum(paid) END, sum(CASE WHEN paid = 0 AND NOT %(void)s THEN basis ELSE 0 END),
       sum(basis), CASE WHEN %(void)s THEN sum(paid) ELSE 0 END
FROM settling_position WHERE NOT is_test GROUP BY operator_id
"""
EXPOSURE = """
SELECT operator_id, coalesce(sum(quantity) FILTER (WHERE outcome = 'yes'), 0),
       coalesce(sum(quantity) FILTER (WHERE outcome = 'no'), 0), count(*)
FROM settling_position WHERE NOT is_test GROUP BY operator_id
"""
VOIDED_VOLUME = """
SELECT operator_id, count(*), sum(cost_usd) FROM settling_void WHERE NOT is_test GROUP BY operator_id
"""
TOLD_OPERATORS = """
SELECT operator_id, bool_and(is_test), count(DISTINCT player_id) FILTER (WHERE NOT is_test), count(DISTINCT player_id)
FROM settling_position GROUP BY operator_id ORDER BY operator_id
"""

# What is true of the rows themselves once everything is written.
COMPLETENESS = """
WITH posted AS MATERIALIZED ({posted})
SELECT (SELECT count(*) FROM settling_position), (SELECT count(*) FROM trading_position
          WHERE market_id = %(market)s AND status = 'settled' AND settled_at = %(now)s),
       (SELECT count(*) FROM trading_position WHERE market_id = %(market)s AND status = 'open'),
       (SELECT count(*) FROM settling_position WHERE paid > 0), (SELECT coalesce(sum(paid), 0) FROM settling_position),
       (SELECT count(*) FROM posted WHERE cause = %(cause)s),
       (SELECT coalesce(sum(amount), 0) FROM posted WHERE cause = %(cause)s),
       (SELECT count(*) FROM operators_callbackevent WHERE subject_id = %(stl)s AND event = 'POSITION_RESOLVED')
"""
