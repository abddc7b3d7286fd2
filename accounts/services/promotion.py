"""The daily promotion: users old and busy enough leave the limit tier they began in, as at their next trade."""

from datetime import datetime

from django.db import connection, transaction

_BATCH = 500

# A user whose row is held is trading right now, and promoted by that; in the order everyone locks users in.
_PROMOTE = """
WITH due AS (
  SELECT player.id FROM accounts_player player JOIN operators_operator operator ON operator.id = player.operator_id
  WHERE player.limit_tier = 'new' AND player.limit_tier_set_by = 'system' AND operator.auto_promote_enabled
    AND player.trade_count >= operator.auto_promote_trades
    AND player.created_at < %(now)s - make_interval(days => operator.auto_promote_days)
  ORDER BY player.id LIMIT %(batch)s FOR NO KEY UPDATE OF player SKIP LOCKED)
UPDATE accounts_player player SET limit_tier = 'regular', updated_at = %(now)s FROM due WHERE player.id = due.id
"""


def promote(*, now: datetime) -> int:
    """Promote everyone who is due; how many those were."""
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_PROMOTE, {"now": now, "batch": _BATCH})
            moved = cursor.rowcount
        total += moved
        if moved < _BATCH:
            return total
