"""The ledger's trigger in one statement instead of two, and many users' entries posted at once.

What is written and hashed is what it always was, for one entry and for a batch from the same text. A batch is staged in
temporary tables (``accounts.services.ledger_batch``) and posted by an INSERT into the view ``accounts_ledgerbatch``:
balances still move in triggers alone, and never without the entry that says why. Entries written by a trigger's own
statement are chained already; there is no other trigger that writes any.

Users lose an index of their operator alone: two others begin with it.
"""

import importlib

import django.db.models.deletion
from django.db import migrations, models

_FIRST = importlib.import_module("accounts.migrations.0003_ledger_guards")


def _hash(*, id, type, amount, reference_type, reference_id, key, actor, created_at):
    """The hash after an entry, in a statement that updates ``player``."""
    return f"""sha256(player.ledger_hash || convert_to(
          '1|' || {id}::text || '|' || player.id::text || '|' || (player.ledger_seq + 1)::text || '|' || {type} || '|' ||
          {amount}::text || '|' || player.balance_usd::text || '|' || (player.balance_usd + {amount})::text || '|' ||
          to_char({created_at} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '|' || {reference_type} || '|' ||
          length({reference_id})::text || ':' || {reference_id} || '|' ||
          length({key})::text || ':' || {key} || '|' || {actor}, 'UTF8'))"""


_OF_NEW = _hash(
    id="NEW.id",
    type="NEW.type",
    amount="NEW.amount_usd",
    reference_type="NEW.reference_type",
    reference_id="NEW.reference_id",
    key="NEW.idempotency_key",
    actor="NEW.actor",
    created_at="NEW.created_at",
)
_OF_STAGED = _hash(
    id="entry.id",
    type="entry.type",
    amount="entry.amount_usd",
    reference_type="NEW.reference_type",
    reference_id="NEW.reference_id",
    key="entry.idempotency_key",
    actor="NEW.actor",
    created_at="NEW.created_at",
)
_MOVED = "entry.*, player.balance_usd AS balance, player.ledger_seq AS seq, player.ledger_hash AS hash"
_ENTER = """
  INSERT INTO accounts_ledgerentry (id, player_id, seq, type, amount_usd, balance_before_usd, balance_after_usd,
      reference_type, reference_id, description, metadata, idempotency_key, actor, hash_version, hash, created_at)
    SELECT id, player_id, seq, type, amount_usd, balance - amount_usd, balance, NEW.reference_type, NEW.reference_id,
           description, metadata, idempotency_key, NEW.actor, 1, hash, NEW.created_at
      FROM moved"""

FORWARD = f"""
CREATE OR REPLACE FUNCTION accounts_ledger_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accounts_player AS player
    SET balance_usd = player.balance_usd + NEW.amount_usd, ledger_seq = player.ledger_seq + 1,
        ledger_hash = {_OF_NEW}
    WHERE player.id = NEW.player_id
    RETURNING player.balance_usd - NEW.amount_usd, player.balance_usd, player.ledger_seq, player.ledger_hash
    INTO STRICT NEW.balance_before_usd, NEW.balance_after_usd, NEW.seq, NEW.hash;
  NEW.hash_version := 1;
  RETURN NEW;
END $$;
DROP TRIGGER ledger_chain ON accounts_ledgerentry;
CREATE TRIGGER ledger_chain BEFORE INSERT ON accounts_ledgerentry
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION accounts_ledger_chain();

CREATE VIEW accounts_ledgerbatch AS
  SELECT reference_type, reference_id, actor, created_at FROM accounts_ledgerentry WHERE false;

CREATE FUNCTION accounts_post_batch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_written bigint;
  v_all bigint;
BEGIN
  -- Counters of all, with the first entry of those who have one: every user's row is written once.
  WITH moved AS (
    UPDATE accounts_player AS player
      SET open_positions = player.open_positions + change.positions,
          exposure_usd = player.exposure_usd + change.exposure_usd,
          realized_pnl_usd = player.realized_pnl_usd + change.pnl_usd,
          resolved_count = player.resolved_count + change.resolved,
          winning_count = player.winning_count + change.winning,
          trade_count = player.trade_count + change.trades, volume_usd = player.volume_usd + change.volume_usd,
          debt_usd = player.debt_usd + change.debt_usd, updated_at = NEW.created_at,
          balance_usd = player.balance_usd + coalesce(entry.amount_usd, 0),
          ledger_seq = player.ledger_seq + (entry.id IS NOT NULL)::integer,
          ledger_hash = CASE WHEN entry.id IS NULL THEN player.ledger_hash ELSE {_OF_STAGED} END
      FROM pg_temp.ledger_batch_player change
      LEFT JOIN pg_temp.ledger_batch entry ON entry.player_id = change.player_id AND entry.place = 1
      WHERE player.id = change.player_id
      RETURNING {_MOVED})
  {_ENTER} WHERE id IS NOT NULL;
  GET DIAGNOSTICS v_all = ROW_COUNT;
  FOR round IN 2 .. (SELECT coalesce(max(place), 0) FROM pg_temp.ledger_batch) LOOP
    WITH moved AS (
      UPDATE accounts_player AS player
        SET balance_usd = player.balance_usd + entry.amount_usd, ledger_seq = player.ledger_seq + 1,
            ledger_hash = {_OF_STAGED}
        FROM pg_temp.ledger_batch entry
        WHERE player.id = entry.player_id AND entry.place = round
        RETURNING {_MOVED})
    {_ENTER};
    GET DIAGNOSTICS v_written = ROW_COUNT;
    v_all := v_all + v_written;
  END LOOP;
  IF v_all <> (SELECT count(*) FROM pg_temp.ledger_batch) THEN
    RAISE EXCEPTION 'a batch holds entries of users who are not staged, or places with gaps';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_batch INSTEAD OF INSERT ON accounts_ledgerbatch
  FOR EACH ROW EXECUTE FUNCTION accounts_post_batch();
"""  # noqa: S608 words of our own
_OLD = _FIRST.FORWARD.partition("CREATE TRIGGER ledger_append_only ")[0]
BACKWARD = f"""
DROP VIEW accounts_ledgerbatch;
DROP FUNCTION accounts_post_batch();
DROP TRIGGER ledger_chain ON accounts_ledgerentry;
{_OLD.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")}
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_signup_days"), ("operators", "0004_plain_plurals")]
    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.AlterField(
            model_name="player",
            name="operator",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="players",
                to="operators.operator",
            ),
        ),
    ]
