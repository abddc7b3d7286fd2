"""The statements of a correction; what it shares with a first settlement is in ``settlement_sql``.

New payouts are credited first, then the old ones are taken back as far as there is money; what is missing is a debt.
"""

# What each settled position was paid and is paid now; ``realized`` is what its sells had earned.
POSITIONS = """
CREATE TEMP TABLE settling_position ON COMMIT DROP AS
SELECT held.*, held.paid - held.basis AS pnl, round(held.paid * %(fee_bps)s / 10000, 2) AS fee
FROM (
  SELECT position.id, position.player_id, position.operator_id, position.outcome, position.is_test, position.quantity,
         position.bought_quantity, position.cost_basis_usd AS basis,
         position.realized_pnl_usd - (position.payout_usd - position.cost_basis_usd) AS realized,
         position.realized_pnl_usd AS realized_before, position.payout_usd AS paid_before,
         coalesce(-entry.amount_usd, 0) AS fee_before,
         trunc(position.quantity * CASE position.outcome WHEN 'yes' THEN %(yes)s ELSE %(no)s END, 2) AS paid
  FROM trading_position position
  LEFT JOIN accounts_ledgerentry entry ON entry.player_id = position.player_id AND entry.type = 'fee'
    AND entry.idempotency_key = 'predictu:settlement-fee:' || %(stl)s || ':' || predictu_typeid('pos', position.id)
  WHERE position.market_id = %(market)s AND position.status = 'settled') AS held
"""
PLAYERS = """
CREATE TEMP TABLE settling_player ON COMMIT DROP AS
SELECT player_id, sum(pnl) AS pnl, sum(credit) AS credit, sum(fee) AS fee, sum(reversal) AS reversal,
       sum(won)::int AS won
FROM (
  SELECT player_id, sum(realized + pnl - realized_before) AS pnl,
         sum(CASE WHEN paid = paid_before THEN 0 ELSE paid + fee_before END) AS credit,
         sum(CASE WHEN paid = paid_before THEN 0 ELSE fee END) AS fee,
         sum(CASE WHEN paid = paid_before THEN 0 ELSE paid_before END) AS reversal, 0 AS won
  FROM settling_position GROUP BY player_id
  UNION ALL
  SELECT buy.player_id, 0, 0, 0, 0, count(*) FILTER (WHERE buy.pnl > 0) - count(*) FILTER (WHERE trade.pnl_usd > 0)
  FROM settling_buy buy JOIN trading_trade trade ON trade.id = buy.id GROUP BY buy.player_id) AS changes
GROUP BY player_id
"""
MORE = """',"correction":true,"previous_payout_usd":' || trim_scale(paid_before)::text"""

# What of the old payouts the balance covers, what becomes a debt, and what credits repay of older debts.
OWED = """
CREATE TEMP TABLE settling_owed ON COMMIT DROP AS
SELECT held.id AS player_id, held.operator_id, held.is_test, held.balance_usd, taken.amount AS taken,
       changed.reversal - taken.amount AS owed,
       CASE WHEN changed.credit > 0
         THEN least(held.debt_usd, held.balance_usd + changed.credit - changed.fee - taken.amount) ELSE 0 END AS repaid
FROM settling_user held JOIN settling_player changed ON changed.player_id = held.id
CROSS JOIN LATERAL (SELECT least(changed.reversal, held.balance_usd + changed.credit - changed.fee) AS amount) AS taken
"""
POST = """
WITH written AS (
  INSERT INTO accounts_ledgerentry (id, player_id, type, amount_usd, reference_type, reference_id, description,
                                    metadata, idempotency_key, actor, created_at)
  SELECT predictu_uuid7(%(now)s), player_id, type, amount, 'settlement', %(stl)s, description,
         jsonb_build_object('cause', cause, 'market_id', %(mkt)s), key, %(actor)s, %(now)s
  FROM (
    SELECT player_id, 'adjustment' AS type, paid + fee_before AS amount, 1 AS place, id AS position_id,
           'Corrected settlement: ' || upper(outcome) || ' - ' || %(title)s AS description, 'correction' AS cause,
           'predictu:correction:' || %(stl)s || ':' || pos AS key
    FROM settling_told WHERE paid <> paid_before AND paid + fee_before > 0
    UNION ALL
    SELECT player_id, 'fee', -fee, 2, id, 'Settlement fee', 'correction',
           'predictu:correction-fee:' || %(stl)s || ':' || pos
    FROM settling_told WHERE paid <> paid_before AND fee > 0
    UNION ALL
    SELECT player_id, 'adjustment', -taken, 3, NULL, 'Reversal of a wrong settlement - ' || %(title)s, 'correction',
           'predictu:reversal:' || %(stl)s
    FROM settling_owed WHERE taken > 0
    UNION ALL
    SELECT player_id, 'adjustment', -repaid, 4, NULL, 'Repayment of a corrected settlement', 'debt_repayment',
           'predictu:correction-repayment:' || %(stl)s
    FROM settling_owed WHERE repaid > 0) AS entries
  ORDER BY player_id, place, position_id
  RETURNING id, player_id, amount_usd, balance_before_usd, balance_after_usd, metadata ->> 'cause' AS cause)
INSERT INTO settling_moved SELECT * FROM written
"""
CORRECT_POSITIONS = """
UPDATE trading_position AS position SET payout_usd = settling.paid,
  payout_price = CASE position.outcome WHEN 'yes' THEN %(yes)s::numeric ELSE %(no)s::numeric END,
  realized_pnl_usd = settling.realized + settling.pnl
FROM settling_position settling WHERE position.id = settling.id
"""
COUNT_PLAYERS = """
UPDATE accounts_player AS player SET realized_pnl_usd = player.realized_pnl_usd + changed.pnl,
  winning_count = player.winning_count + changed.won, debt_usd = player.debt_usd + owed.owed - owed.repaid,
  updated_at = %(now)s
FROM settling_player changed JOIN settling_owed owed ON owed.player_id = changed.player_id
WHERE player.id = changed.player_id
"""
FEE_FACTS = """
INSERT INTO trading_revenuefact (at, kind, operator_id, player_id, market_id, category, share_pct, spread_usd, fee_usd,
                                 settlement_fee_usd, volume_usd, trade_count, rolled)
SELECT %(now)s, 'settlement_fee', position.operator_id, position.player_id, %(market)s, %(category)s,
       operator.predictu_share_pct, 0, 0, position.fee - position.fee_before, 0, 0, false
FROM settling_position position JOIN operators_operator operator ON operator.id = position.operator_id
WHERE position.paid <> position.paid_before AND position.fee <> position.fee_before AND NOT position.is_test
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
JOIN (SELECT player_id, sum(amount) AS amount FROM settling_moved GROUP BY player_id) AS moved
  ON moved.player_id = owed.player_id
WHERE moved.amount <> 0 ORDER BY owed.player_id
"""
STATEMENT = """
SELECT (SELECT count(*) FROM settling_position), (SELECT coalesce(sum(paid + fee_before - fee - paid_before), 0)
          FROM settling_position WHERE paid <> paid_before),
       (SELECT coalesce(sum(amount), 0) FROM settling_moved WHERE cause = 'correction'),
       (SELECT coalesce(sum(owed), 0) FROM settling_owed), (SELECT count(*) FROM settling_moved)
"""
