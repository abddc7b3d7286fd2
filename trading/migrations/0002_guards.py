"""What the database itself refuses of trades and revenue facts, and the last look at a market before a trade commits."""

from django.db import migrations

TRADE_COLUMNS = [
    "id",
    "operator_id",
    "player_id",
    "market_id",
    "category",
    "outcome",
    "side",
    "mid",
    "price",
    "quantity",
    "cost_usd",
    "fee_usd",
    "spread_usd",
    "spread_bps",
    "share_pct",
    "device",
    "transaction_id",
    "idempotency_key",
    "is_test",
    "exposure_before",
    "created_at",
]
FACT_COLUMNS = [
    "id",
    "at",
    "kind",
    "operator_id",
    "player_id",
    "market_id",
    "trade_id",
    "category",
    "share_pct",
    "spread_usd",
    "fee_usd",
    "settlement_fee_usd",
    "volume_usd",
    "trade_count",
]


def _immutable(table, name, columns):
    old = ", ".join(f"OLD.{column}" for column in columns)
    new = ", ".join(f"NEW.{column}" for column in columns)
    return f"""
CREATE TRIGGER {name}_immutable BEFORE UPDATE OF {", ".join(columns)} ON {table}
  FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION platform_append_only();
CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION platform_append_only();
CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION platform_append_only();
"""


FORWARD = (
    _immutable("trading_trade", "trade", TRADE_COLUMNS)
    + _immutable("trading_revenuefact", "fact", FACT_COLUMNS)
    + """
CREATE FUNCTION trading_require_market(wanted uuid, wanted_mid numeric, oldest timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM trading_market
    WHERE id = wanted AND status = 'active' AND yes_mid = wanted_mid AND priced_at > oldest
      AND (override = 'tradeable' OR (tradeable AND override = ''));
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the market has changed' USING ERRCODE = 'PR001';
  END IF;
END $$;

ALTER TABLE trading_trade SET (fillfactor = 85, autovacuum_vacuum_insert_scale_factor = 0.02);
ALTER TABLE trading_position SET (fillfactor = 80);
"""
)
BACKWARD = """
ALTER TABLE trading_position RESET (fillfactor);
ALTER TABLE trading_trade RESET (fillfactor, autovacuum_vacuum_insert_scale_factor);
DROP FUNCTION trading_require_market(uuid, numeric, timestamptz);
DROP TRIGGER fact_no_truncate ON trading_revenuefact;
DROP TRIGGER fact_no_delete ON trading_revenuefact;
DROP TRIGGER fact_immutable ON trading_revenuefact;
DROP TRIGGER trade_no_truncate ON trading_trade;
DROP TRIGGER trade_no_delete ON trading_trade;
DROP TRIGGER trade_immutable ON trading_trade;
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial"), ("platform", "0002_guards")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
