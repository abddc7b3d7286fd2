"""``risk_book``: the one statement that moves exposure counters, and the tuning of their table.

It locks the buckets in the order given (market, category, operator within category, operator, global) and moves them
all, or raises PR001 when what the caller decided on no longer holds: a revision has moved, or a counter would leave the
band within which the decision was made. The caller rolls back and decides again.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION risk_book(
  bucket_ids bigint[], revisions bigint[], floors numeric[], ceilings numeric[],
  yes_change numeric, no_change numeric, positions integer, rows integer, trades integer, volume numeric
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  moved integer;
BEGIN
  PERFORM 1 FROM risk_exposurebucket
    WHERE id = ANY(bucket_ids) ORDER BY array_position(bucket_ids, id) FOR NO KEY UPDATE;
  UPDATE risk_exposurebucket bucket SET
      yes_usd = bucket.yes_usd + yes_change,
      no_usd = bucket.no_usd + no_change,
      position_count = bucket.position_count + positions,
      trade_rows = bucket.trade_rows + rows,
      trade_count = bucket.trade_count + trades,
      volume_usd = bucket.volume_usd + volume
    FROM unnest(bucket_ids, revisions, floors, ceilings) AS wanted (id, revision, least, most)
    WHERE bucket.id = wanted.id AND bucket.revision = wanted.revision
      AND bucket.yes_usd + bucket.no_usd + yes_change + no_change BETWEEN wanted.least AND wanted.most;
  GET DIAGNOSTICS moved = ROW_COUNT;
  IF moved <> cardinality(bucket_ids) THEN
    RAISE EXCEPTION 'decided on facts that have changed' USING ERRCODE = 'PR001';
  END IF;
END $$;

ALTER TABLE risk_exposurebucket SET (
  fillfactor = 10, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0);

INSERT INTO risk_exposurebucket (scope, scope_id, yes_usd, no_usd, position_count, trade_rows, trade_count, volume_usd,
                                 revision, alert_level)
  SELECT scope, scope_id, 0, 0, 0, 0, 0, 0, 0, 0
  FROM (VALUES ('global', ''), ('category', 'sports'), ('category', 'politics'), ('category', 'entertainment'),
               ('category', 'crypto'), ('category', 'science'), ('category', 'business')) AS seed (scope, scope_id);
"""
BACKWARD = """
DELETE FROM risk_exposurebucket;
ALTER TABLE risk_exposurebucket RESET (
  fillfactor, autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor);
DROP FUNCTION risk_book(bigint[], bigint[], numeric[], numeric[], numeric, numeric, integer, integer, integer, numeric);
"""


class Migration(migrations.Migration):
    dependencies = [("risk", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
