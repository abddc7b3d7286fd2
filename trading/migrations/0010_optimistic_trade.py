"""A trade's write that also takes its locks and sees that what it was decided on still stands.

A trade is decided on one look that holds nothing. ``trading_execute`` then takes every lock in the platform's order,
compares the versions (``xmin``) of operator, user and position with those looked at, writes every row, moves the
counters and looks at the market once more. Called outside a transaction it is one: no lock is held while anything is
decided or on its way. It raises PR001 when something moved, PR002 when the same call is being made elsewhere, and
answers with the remembered answer if there is one, writing nothing.
"""

import importlib

from django.db import migrations

_BEFORE = importlib.import_module("trading.migrations.0007_trade_in_one_call")

FORWARD = """
DROP FUNCTION trading_write;

CREATE FUNCTION trading_execute(
  p_call bigint, p_gate bigint, p_operator_version xid, p_player_version xid, p_position_version xid,
  p_at timestamptz, p_operator uuid, p_player uuid, p_market uuid, p_trade uuid, p_position uuid, p_test boolean,
  p_category text, p_outcome text, p_side text, p_mid numeric, p_price numeric, p_quantity numeric, p_cost numeric,
  p_fee numeric, p_spread numeric, p_spread_bps numeric, p_share numeric, p_pnl numeric, p_device text,
  p_reference text, p_exposure_before jsonb,
  p_kind text, p_key text, p_fingerprint text, p_answer text,
  p_held numeric, p_bought numeric, p_basis numeric, p_average numeric, p_realized numeric,
  p_entries json,
  p_resolved integer, p_winning integer, p_positions integer, p_exposure numeric, p_repaid numeric, p_limit_tier text,
  p_status text,
  p_event uuid, p_user_text text, p_trade_text text, p_body bytea,
  p_buckets bigint[], p_revisions bigint[], p_floors numeric[], p_ceilings numeric[], p_yes numeric, p_no numeric,
  p_yes_mid numeric, p_oldest timestamptz
) RETURNS TABLE (fingerprint text, status integer, answer text) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_version xid;
BEGIN
  IF NOT pg_try_advisory_xact_lock(p_call) THEN
    RAISE EXCEPTION 'the same call is being made' USING ERRCODE = 'PR002';
  END IF;
  RETURN QUERY SELECT known.fingerprint::text, known.status::integer, known.answer
    FROM operators_idempotencyrecord known
    WHERE known.operator_id = p_operator AND known.kind = p_kind AND known.key = p_key;
  IF FOUND THEN
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock_shared(p_gate);
  PERFORM 1 FROM operators_operator WHERE id = p_operator AND xmin = p_operator_version;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the operator has changed' USING ERRCODE = 'PR001';
  END IF;
  PERFORM 1 FROM accounts_player WHERE id = p_player AND xmin = p_player_version FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the user has changed' USING ERRCODE = 'PR001';
  END IF;
  -- Under the user's row nobody else makes a position of theirs.
  SELECT held.xmin INTO v_version FROM trading_position held
    WHERE held.player_id = p_player AND held.market_id = p_market AND held.outcome = p_outcome FOR NO KEY UPDATE;
  IF v_version IS DISTINCT FROM p_position_version THEN
    RAISE EXCEPTION 'the position has changed' USING ERRCODE = 'PR001';
  END IF;

  INSERT INTO operators_idempotencyrecord (operator_id, kind, key, fingerprint, status, answer, created_at)
    VALUES (p_operator, p_kind, p_key, p_fingerprint, 201, p_answer, p_at);
  INSERT INTO trading_position AS held (id, player_id, operator_id, market_id, outcome, is_test, quantity,
      bought_quantity, cost_basis_usd, avg_price, realized_pnl_usd, status, opened_at, closed_at)
    VALUES (p_position, p_player, p_operator, p_market, p_outcome, p_test, p_held, p_bought, p_basis, p_average,
      p_realized, CASE WHEN p_held = 0 THEN 'closed' ELSE 'open' END, p_at, CASE WHEN p_held = 0 THEN p_at END)
    ON CONFLICT (player_id, market_id, outcome) DO UPDATE SET
      quantity = excluded.quantity, bought_quantity = excluded.bought_quantity,
      cost_basis_usd = excluded.cost_basis_usd, avg_price = excluded.avg_price,
      realized_pnl_usd = excluded.realized_pnl_usd, status = excluded.status, closed_at = excluded.closed_at;
  INSERT INTO trading_trade (id, operator_id, player_id, market_id, category, outcome, side, mid, price, quantity,
      cost_usd, fee_usd, spread_usd, spread_bps, share_pct, pnl_usd, status, device, transaction_id, idempotency_key,
      is_test, exposure_before, created_at)
    VALUES (p_trade, p_operator, p_player, p_market, p_category, p_outcome, p_side, p_mid, p_price, p_quantity, p_cost,
      p_fee, p_spread, p_spread_bps, p_share, p_pnl, 'filled', p_device, p_reference, p_key, p_test, p_exposure_before,
      p_at);
  INSERT INTO accounts_ledgerentry (id, player_id, type, amount_usd, reference_type, reference_id, description,
      metadata, idempotency_key, actor, created_at)
    SELECT entry.id, p_player, entry.type, entry.amount, entry.reference_type, entry.reference_id, entry.description,
        entry.metadata, entry.key, entry.actor, p_at
      FROM ROWS FROM (json_to_recordset(p_entries) AS (id uuid, type text, amount numeric, reference_type text,
                      reference_id text, description text, metadata jsonb, key text, actor text)) WITH ORDINALITY
        AS entry (id, type, amount, reference_type, reference_id, description, metadata, key, actor, place)
      ORDER BY entry.place;
  UPDATE accounts_player SET trade_count = trade_count + 1, trade_rows = trade_rows + 1,
      volume_usd = volume_usd + p_cost, largest_trade_usd = greatest(largest_trade_usd, p_cost),
      realized_pnl_usd = realized_pnl_usd + coalesce(p_pnl, 0), resolved_count = resolved_count + p_resolved,
      winning_count = winning_count + p_winning, open_positions = open_positions + p_positions,
      exposure_usd = exposure_usd + p_exposure, debt_usd = debt_usd - p_repaid, limit_tier = p_limit_tier,
      status = p_status, last_active_at = p_at, updated_at = p_at
    WHERE id = p_player;
  INSERT INTO operators_callbackevent (id, operator_id, event, user_id, subject_id, body, test, created_at)
    VALUES (p_event, p_operator, 'TRADE_PLACED', p_user_text, p_trade_text, p_body, p_test, p_at);
  IF p_reference IS NOT NULL THEN
    INSERT INTO operators_transactionreference (operator_id, transaction_id, object_id, created_at)
      VALUES (p_operator, p_reference, p_trade_text, p_at);
  END IF;
  IF p_buckets IS NOT NULL THEN
    INSERT INTO trading_revenuefact (at, kind, operator_id, player_id, market_id, trade_id, category, share_pct,
        spread_usd, fee_usd, settlement_fee_usd, volume_usd, trade_count, rolled)
      VALUES (p_at, 'trade', p_operator, p_player, p_market, p_trade, p_category, p_share, p_spread, p_fee, 0, p_cost,
        1, false);
    PERFORM risk_book(p_buckets, p_revisions, p_floors, p_ceilings, p_yes, p_no, p_positions, 1, 1, p_cost);
  ELSE
    -- A test user's trade moves no counter, but it may not slip in after the market was resolved either.
    PERFORM 1 FROM risk_exposurebucket WHERE scope = 'market' AND subject = p_market FOR NO KEY UPDATE;
  END IF;
  PERFORM trading_require_market(p_market, p_yes_mid, p_oldest);
END $$;
"""
BACKWARD = f"DROP FUNCTION trading_execute; DROP FUNCTION trading_hold; {_BEFORE.FORWARD}"


class Migration(migrations.Migration):
    dependencies = [("trading", "0009_open_positions")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
