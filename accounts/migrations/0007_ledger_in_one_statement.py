"""The ledger's trigger reads, chains and moves a balance in one statement instead of two.

What it writes and what it hashes is what it always was. Users lose an index of their operator alone: two others begin
with it.
"""

import importlib

import django.db.models.deletion
from django.db import migrations, models

_FIRST = importlib.import_module("accounts.migrations.0003_ledger_guards")

FORWARD = """
CREATE OR REPLACE FUNCTION accounts_ledger_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accounts_player
    SET balance_usd = balance_usd + NEW.amount_usd, ledger_seq = ledger_seq + 1,
        ledger_hash = sha256(ledger_hash || convert_to(
          '1|' || NEW.id::text || '|' || NEW.player_id::text || '|' || (ledger_seq + 1)::text || '|' || NEW.type ||
          '|' || NEW.amount_usd::text || '|' || balance_usd::text || '|' || (balance_usd + NEW.amount_usd)::text ||
          '|' || to_char(NEW.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') ||
          '|' || NEW.reference_type || '|' || length(NEW.reference_id)::text || ':' || NEW.reference_id ||
          '|' || length(NEW.idempotency_key)::text || ':' || NEW.idempotency_key || '|' || NEW.actor, 'UTF8'))
    WHERE id = NEW.player_id
    RETURNING balance_usd - NEW.amount_usd, balance_usd, ledger_seq, ledger_hash
    INTO STRICT NEW.balance_before_usd, NEW.balance_after_usd, NEW.seq, NEW.hash;
  NEW.hash_version := 1;
  RETURN NEW;
END $$;
"""
_OLD = _FIRST.FORWARD.partition("CREATE TRIGGER ledger_chain ")[0]
BACKWARD = _OLD.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


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
