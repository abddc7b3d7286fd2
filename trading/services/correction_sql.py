"""The statements of a correction; what it shares with a first settlement is in ``settlement_sql``.

New payouts are credited first, then the old ones are taken back as far as there is money; what is missing is a debt. A
market that was cancelled has given back bases and parts of fees, and taken its trades and their revenue back: those are
its old payouts, and what it took back comes again. A market that is cancelled now does all of that now.
"""

# What each settled position was paid and is paid now; ``realized`` is what its sells had earned.
POSITIONS = """
CREATE TEMP TABLE settling_position ON COMMIT DROP AS
SELECT paid_now.*, (paid, fee) <> (paid_before, fee_before) AS moves
FROM (
  SELECT held.*, CASE WHEN %(void)s THEN 0 ELSE held.paid - held.basis END AS pnl,
         CASE WHEN %(void)s THEN 0 ELSE round(held.paid * %(fee_bps)s / 10000, 2) END AS fee
  FROM (
    SELECT position.id, position.player_id, position.operator_id, position.outcome, position.is_test, position.quantity,
           position.bought_quantity, position.cost_basis_usd AS basis,
           position.realized_pnl_usd
             - CASE WHEN %(void_before)s THEN 0 ELSE position.payout_usd - position.cost_basis_usd END AS realized,
           position.realized_pnl_usd AS realized_before, position.payout_usd AS paid_before,
           coalesce(-entry.amount_usd, 0) AS fee_before, {paid} AS paid
    FROM trading_position position
    LEFT JOIN accounts_ledgerentry entry ON entry.player_id = position.player_id AND entry.type = 'fee'
      AND entry.idempotency_key = 'predictu:settlement-fee:' || %(stl)s || ':' || predictu_typeid('pos', position.id)
    WHERE position.market_id = %(market)s AND position.status = 'settled') AS held) AS paid_now
"""

# The trades that count until now, and those a cancelled market had undone.
SETTLED = "'settled'"
UNDONE = "'cancelled' AND trade.cancelled_at = %(settled_at)s"

# What changes on each user's row.
PLAYERS = """
INSERT INTO ledger_batch_player (player_id, pnl_usd, resolved, winning, trades, volume_usd)
SELECT player_id, sum(pnl), sum(resolved), sum(won), sum(trades), sum(volume)
FROM (
  SELECT player_id, sum(realized + pnl - realized_before) AS pnl, 0 AS resolved, 0 AS won, 0 AS trades, 0 AS volume
  FROM settling_position GROUP BY player_id
  UNION ALL {trades}) AS changes
GROUP BY player_id
"""
OF_BUYS = """
  SELECT buy.player_id, 0, 0, count(*) FILTER (WHERE buy.pnl > 0) - count(*) FILTER (WHERE trade.pnl_usd > 0), 0, 0
  FROM settling_buy buy JOIN trading_trade trade ON trade.id = buy.id GROUP BY buy.player_id
"""
OF_VOIDED = """
  SELECT player_id, 0, -count(*) FILTER (WHERE side = 'buy'), -count(*) FILTER (WHERE side = 'buy' AND pnl_usd > 0),
         -count(*), -sum(cost_usd)
  FROM trading_trade trade WHERE market_id = %(market)s AND status = {before} GROUP BY player_id
"""
OF_RESTORED = """
  SELECT trade.player_id, 0, count(buy.id), count(*) FILTER (WHERE buy.pnl > 0), count(*), sum(cost_usd)
  FROM trading_trade trade LEFT JOIN settling_buy buy ON buy.id = trade.id
  WHERE trade.market_id = %(market)s AND trade.status = {before} GROUP BY trade.player_id
"""
RESTORED_VOLUME = """
SELECT operator_id, count(*), sum(cost_usd) FROM trading_trade trade
WHERE market_id = %(market)s AND status = {before} AND NOT is_test GROUP BY operator_id
"""
MORE = """',"correction":true,"previous_payout_usd":' || trim_scale(paid_before)::text"""

# Credits and new fees, by user.
ENTRIES = """
INSERT INTO ledger_batch (id, player_id, place, type, amount_usd, description, metadata, idempotency_key)
SELECT predictu_uuid7(%(now)s), player_id, row_number() OVER (PARTITION BY player_id ORDER BY place, position_id), type,
       amount, description, jsonb_build_object('cause', 'correction', 'market_id', %(mkt)s), key
FROM (
  SELECT player_id, 'adjustment' AS type, paid + fee_before AS amount, 1 AS place, id AS position_id,
         'Corrected settlement: ' || upper(outcome) || ' - ' || %(title)s AS description,
         'predictu:correction:' || %(stl)s || ':' || pos AS key
  FROM settling_told WHERE moves AND paid + fee_before > 0
  UNION ALL
  SELECT player_id, 'fee', -fee, 2, id, 'Settlement fee', 'predictu:correction-fee:' || %(stl)s || ':' || pos
  FROM settling_told WHERE moves AND fee > 0) AS entry
"""
DUE = """
CREATE TEMP TABLE settling_due ON COMMIT DROP AS
SELECT player_id, sum(paid + fee_before - fee) AS credit, sum(paid_before) AS reversal,
       count(*) FILTER (WHERE paid + fee_before > 0) + count(*) FILTER (WHERE fee > 0) AS entries
FROM settling_position WHERE moves GROUP BY player_id
"""

# What of the old payouts the balance covers, what becomes a debt, and what credits repay of older debts.
OWED = """
CREATE TEMP TABLE settling_owed ON COMMIT DROP AS
SELECT held.id AS player_id, held.operator_id, held.is_test, held.balance_usd, due.entries, taken.amount AS taken,
       due.reversal - taken.amount AS owed,
       CASE WHEN due.credit > 0 THEN least(held.debt_usd, held.balance_usd + due.credit - taken.amount) ELSE 0 END
         AS repaid
FROM settling_user held JOIN settling_due due ON due.player_id = held.id
CROSS JOIN LATERAL (SELECT least(due.reversal, held.balance_usd + due.credit) AS amount) AS taken
"""
REVERSALS = """
INSERT INTO ledger_batch (id, player_id, place, type, amount_usd, description, metadata, idempotency_key)
SELECT predictu_uuid7(%(now)s), player_id, place, 'adjustment', -amount, description,
       jsonb_build_object('cause', cause, 'market_id', %(mkt)s), key
FROM (
  SELECT player_id, entries + 1 AS place, taken AS amount, 'correction' AS cause,
         'Reversal of a wrong settlement - ' || %(title)s AS description, 'predictu:reversal:' || %(stl)s AS key
  FROM settling_owed WHERE taken > 0
  UNION ALL
  SELECT player_id, entries + (taken > 0)::integer + 1, repaid, 'debt_repayment',
         'Repayment of a corrected settlement', 'predictu:correction-repayment:' || %(stl)s
  FROM settling_owed WHERE repaid > 0) AS entry
"""
OWE = """
UPDATE ledger_batch_player change SET debt_usd = owed.owed - owed.repaid
FROM settling_owed owed WHERE owed.player_id = change.player_id AND owed.owed <> owed.repaid
"""
CORRECT_POSITIONS = """
UPDATE trading_position AS position SET payout_usd = settling.paid,
  payout_price = CASE position.outcome WHEN 'yes' THEN %(yes)s::numeric ELSE %(no)s::numeric END,
  realized_pnl_usd = settling.realized + settling.pnl
FROM settling_position settling WHERE position.id = settling.id
"""

# The fee that was taken goes back at the share it came with; what is taken now comes at today's.
FEE_FACTS = """
INSERT INTO trading_revenuefact (at, kind, operator_id, player_id, market_id, category, share_pct, spread_usd, fee_usd,
                                 settlement_fee_usd, volume_usd, trade_count, rolled)
SELECT %(now)s, 'settlement_fee', position.operator_id, position.player_id, %(market)s, %(category)s, part.share_pct,
       0, 0, part.fee, 0, 0, false
FROM settling_position position JOIN operators_operator operator ON operator.id = position.operator_id
CROSS JOIN LATERAL (
  SELECT share_pct, sum(fee) AS fee
  FROM (
    SELECT operator.predictu_share_pct AS share_pct, position.fee AS fee
    UNION ALL
    SELECT coalesce((
      SELECT min(fact.share_pct) FROM trading_revenuefact fact
      WHERE fact.at = %(settled_at)s AND fact.kind = 'settlement_fee' AND fact.market_id = %(market)s
        AND fact.player_id = position.player_id), operator.predictu_share_pct), -position.fee_before) AS parts
  GROUP BY share_pct) AS part
WHERE position.moves AND part.fee <> 0 AND NOT position.is_test
"""
RESTORED_FACTS = """
INSERT INTO trading_revenuefact (at, kind, operator_id, player_id, market_id, trade_id, category, share_pct, spread_usd,
                                 fee_usd, settlement_fee_usd, volume_usd, trade_count, rolled)
SELECT %(now)s, 'void', operator_id, player_id, market_id, trade_id, category, share_pct, -spread_usd, -fee_usd, 0,
       -volume_usd, -trade_count, false
FROM trading_revenuefact WHERE at = %(settled_at)s AND kind = 'void' AND market_id = %(market)s
"""
BALANCE_EVENTS = """
INSERT INTO operators_callbackevent (id, operator_id, event, user_id, subject_id, body, test, created_at)
SELECT predictu_uuid7(%(now)s), owed.operator_id, 'BALANCE_CHANGED', predictu_typeid('usr', owed.player_id), %(stl)s,
       convert_to('{{"event":"BALANCE_CHANGED","operator_id":"' || predictu_typeid('op', owed.operator_id) ||
         '","timestamp":"' || %(stamp)s || '","test":' || owed.is_test::text || ',"payload":{{"user_id":"' ||
         predictu_typeid('usr', owed.player_id) || '","external_id":' || to_json(player.external_id)::text ||
         ',"previous_balance_usd":' || trim_scale(owed.balance_usd)::text || ',"new_balance_usd":' ||
         trim_scale(owed.balance_usd + moved.amount)::text || ',"amount_usd":' || trim_scale(moved.amount)::text ||
         ',"reason":"adjustment","reference_id":"' || %(stl)s || '"}}}}', 'UTF8'), owed.is_test, %(now)s
FROM settling_owed owed JOIN accounts_player player ON player.id = owed.player_id
JOIN (SELECT player_id, sum(amount) AS amount FROM ({posted}) AS posted GROUP BY player_id) AS moved
  ON moved.player_id = owed.player_id
WHERE moved.amount <> 0 ORDER BY owed.player_id
"""
STATEMENT = """
WITH posted AS MATERIALIZED ({posted})
SELECT (SELECT count(*) FROM settling_position),
       (SELECT coalesce(sum(paid + fee_before - fee - paid_before), 0) FROM settling_position WHERE moves),
       (SELECT coalesce(sum(amount), 0) FROM posted WHERE cause = 'correction'),
       (SELECT coalesce(sum(owed), 0) FROM settling_owed), (SELECT count(*) FROM posted)
"""
