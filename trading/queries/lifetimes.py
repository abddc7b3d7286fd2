"""What users have brought and traded since they came, added up: sums kept by operator, channel and category.

The facts not rolled up yet are added by the words that will roll them up; one statement sees all of it.
"""

from collections import namedtuple

from django.db import connection

from predictu import ids
from trading import tally_sql

_WAITING = f"""
waiting AS MATERIALIZED (
  SELECT * FROM trading_revenuefact
  WHERE NOT rolled AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s)),
earned AS MATERIALIZED ({tally_sql.EARNED.format(facts="waiting")})
"""  # noqa: S608 words of our own
_SUMMED = "users traders gross_usd first_30d_usd volume_usd trade_count lifespans_s".split()

# ``registered`` counts users whether they ever traded or not; of a category it is those with anything in it.
_LIVES = f"""
WITH {_WAITING},
lives AS (
  SELECT operator_id, segment, label, {", ".join(_SUMMED)} FROM trading_lifetimesum
  WHERE %(operator)s::uuid IS NULL OR operator_id = %(operator)s
  UNION ALL
  SELECT operator_id, segment, label, {", ".join(_SUMMED)} FROM ({tally_sql.LIVES}) AS changes)
SELECT operator.slug, segment, label, sum(registered)::bigint, {", ".join(f"sum({name})" for name in _SUMMED)} FROM (
  SELECT operator_id, segment, label, CASE segment WHEN 'category' THEN users ELSE 0 END AS registered,
         {", ".join(_SUMMED)}
  FROM lives
  UNION ALL
  SELECT operator_id, 'channel', channel, users, 0, 0, 0, 0, 0, 0, 0 FROM accounts_signupchannel
  WHERE %(operator)s::uuid IS NULL OR operator_id = %(operator)s
  UNION ALL
  SELECT operator_id, 'channel', channel, 1, 0, 0, 0, 0, 0, 0, 0 FROM accounts_player
  WHERE NOT counted AND NOT is_test AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s)
  UNION ALL
  SELECT operator_id, 'tier', tier, 1, 1, (first_at IS NOT NULL)::integer, gross, first_30d, volume, trades,
         coalesce(extract(epoch FROM last_at - first_at), 0)
  FROM (
    SELECT player.id, player.operator_id, player.tier, coalesce(sum(gross_usd), 0) AS gross,
           coalesce(sum(first_30d_usd), 0) AS first_30d, coalesce(sum(of_user.volume_usd), 0) AS volume,
           coalesce(sum(of_user.trade_count), 0) AS trades, min(first_trade_at) AS first_at,
           max(last_trade_at) AS last_at
    FROM accounts_player player LEFT JOIN LATERAL (
      SELECT gross_usd, first_30d_usd, volume_usd, trade_count, first_trade_at, last_trade_at
      FROM trading_playerrevenue known WHERE known.player_id = player.id AND known.category = ''
      UNION ALL
      SELECT gross_usd, first_30d_usd, volume_usd, trade_count, first_trade_at, last_trade_at
      FROM earned WHERE earned.player_id = player.id AND earned.category = '') AS of_user ON true
    WHERE NOT player.is_test AND player.tier <> 'normal'
      AND (%(operator)s::uuid IS NULL OR player.operator_id = %(operator)s)
    GROUP BY player.id) AS flagged) AS lives
JOIN operators_operator operator ON operator.id = lives.operator_id GROUP BY 1, 2, 3
"""  # noqa: S608 words of our own

# Sums over users; ``users`` are those with a revenue fact, ``traders`` those with a trade.
Lives = namedtuple("Lives", ["operator", "segment", "label", "registered", *_SUMMED])


def lives(operator_id: str | None = None) -> list[Lives]:
    """By operator (its slug): users by channel (together all of them), by category, and flagged ones by tier."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVES, {"operator": None if operator_id is None else ids.decode("op", operator_id)})
        return [Lives(*row) for row in cursor.fetchall()]
