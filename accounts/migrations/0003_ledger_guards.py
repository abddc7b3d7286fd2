"""The ledger's own rules, kept by the database: numbered, chained, append-only, the one way to move a balance.

The chain's content is spelled out inline in the trigger and again in ``verify_ledger``: a SQL function that is not
inlined doubles the time of verification. Free texts go in with their length, so that no two contents read alike.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION accounts_ledger_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  owner record;
BEGIN
  SELECT balance_usd, ledger_seq, ledger_hash INTO STRICT owner
    FROM accounts_player WHERE id = NEW.player_id FOR NO KEY UPDATE;
  NEW.seq := owner.ledger_seq + 1;
  NEW.balance_before_usd := owner.balance_usd;
  NEW.balance_after_usd := owner.balance_usd + NEW.amount_usd;
  NEW.hash_version := 1;
  NEW.hash := sha256(owner.ledger_hash || convert_to(
    '1|' || NEW.id::text || '|' || NEW.player_id::text || '|' || NEW.seq::text || '|' || NEW.type || '|' ||
    NEW.amount_usd::text || '|' || NEW.balance_before_usd::text || '|' || NEW.balance_after_usd::text || '|' ||
    to_char(NEW.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '|' || NEW.reference_type || '|' ||
    length(NEW.reference_id)::text || ':' || NEW.reference_id || '|' ||
    length(NEW.idempotency_key)::text || ':' || NEW.idempotency_key || '|' || NEW.actor, 'UTF8'));
  UPDATE accounts_player
    SET balance_usd = NEW.balance_after_usd, ledger_seq = NEW.seq, ledger_hash = NEW.hash
    WHERE id = NEW.player_id;
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_chain BEFORE INSERT ON accounts_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION accounts_ledger_chain();

CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON accounts_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION platform_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON accounts_ledgerentry
  FOR EACH STATEMENT EXECUTE FUNCTION platform_append_only();

CREATE FUNCTION accounts_balance_by_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a balance moves only through the ledger' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER player_balance_guard BEFORE UPDATE OF balance_usd, ledger_seq, ledger_hash ON accounts_player
  FOR EACH ROW WHEN (
    pg_trigger_depth() = 0 AND (OLD.balance_usd, OLD.ledger_seq, OLD.ledger_hash)
      IS DISTINCT FROM (NEW.balance_usd, NEW.ledger_seq, NEW.ledger_hash))
  EXECUTE FUNCTION accounts_balance_by_ledger();
CREATE TRIGGER player_begins_empty BEFORE INSERT ON accounts_player
  FOR EACH ROW WHEN (NEW.balance_usd <> 0 OR NEW.ledger_seq <> 0 OR NEW.ledger_hash <> ''::bytea)
  EXECUTE FUNCTION accounts_balance_by_ledger();
CREATE TRIGGER player_no_truncate BEFORE TRUNCATE ON accounts_player
  FOR EACH STATEMENT EXECUTE FUNCTION platform_append_only();

ALTER TABLE accounts_player SET (fillfactor = 70);
ALTER TABLE accounts_ledgerentry SET (autovacuum_vacuum_insert_scale_factor = 0.02);
"""
BACKWARD = """
ALTER TABLE accounts_ledgerentry RESET (autovacuum_vacuum_insert_scale_factor);
ALTER TABLE accounts_player RESET (fillfactor);
DROP TRIGGER player_no_truncate ON accounts_player;
DROP TRIGGER player_begins_empty ON accounts_player;
DROP TRIGGER player_balance_guard ON accounts_player;
DROP FUNCTION accounts_balance_by_ledger();
DROP TRIGGER ledger_no_truncate ON accounts_ledgerentry;
DROP TRIGGER ledger_append_only ON accounts_ledgerentry;
DROP TRIGGER ledger_chain ON accounts_ledgerentry;
DROP FUNCTION accounts_ledger_chain();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_players"), ("platform", "0002_guards")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
