"""How many users there are and when they came: the daily sums and whoever is in none yet, in one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from predictu import clock, ids

_REGISTERED = """
SELECT operator_id, sum(users)::bigint FROM (
  SELECT operator_id, users FROM accounts_signupday WHERE %(all)s OR operator_id = ANY(%(operators)s)
  UNION ALL
  SELECT operator_id, 1 FROM accounts_player
  WHERE NOT counted AND NOT is_test AND (%(all)s OR operator_id = ANY(%(operators)s))
) AS known GROUP BY operator_id
"""

# Whole days from the sums, the part days at either end from an index on the users themselves.
_JOINED = """
SELECT coalesce(sum(users), 0)::bigint FROM (
  SELECT users FROM accounts_signupday
  WHERE day >= %(first)s::date AND day < %(last)s::date AND (%(all)s OR operator_id = ANY(%(operators)s))
  UNION ALL
  SELECT 1 FROM accounts_player
  WHERE NOT counted AND NOT is_test AND created_at >= %(first)s AND created_at < %(last)s
    AND (%(all)s OR operator_id = ANY(%(operators)s))
  UNION ALL
  SELECT 1 FROM accounts_player
  WHERE NOT is_test AND (created_at >= %(start)s AND created_at < %(first)s
                         OR created_at >= %(last)s AND created_at < %(end)s)
    AND (%(all)s OR operator_id = ANY(%(operators)s))
) AS known
"""


def registered(operator_ids: Sequence[str] | None = None) -> dict[str, int]:
    """Users by operator, test users left out; operators without any are absent."""
    with connection.cursor() as cursor:
        cursor.execute(_REGISTERED, _scope(operator_ids))
        return {ids.encode("op", operator): count for operator, count in cursor.fetchall()}


def joined(*, start: datetime, end: datetime, operator_ids: Sequence[str] | None = None) -> int:
    """Users who signed up in [start, end), test users left out."""
    first, last = clock.whole_days(start, end)
    bounds = {"start": start, "end": end, "first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(_JOINED, {**bounds, **_scope(operator_ids)})
        count: int = cursor.fetchone()[0]
    return count


def _scope(operator_ids: Sequence[str] | None) -> dict[str, Any]:
    named = [ids.decode("op", operator_id) for operator_id in operator_ids or ()]
    return {"all": operator_ids is None, "operators": named}
