"""How many users there are and when they came: the daily sums and whoever is in none yet, in one statement."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from django.db import connection

from predictu import clock, ids

_REGISTERED = """
SELECT operator_id, sum(users)::bigint FROM (
  SELECT operator_id, users FROM accounts_signupchannel WHERE %(all)s OR operator_id = ANY(%(operators)s)
  UNION ALL
  SELECT operator_id, 1 FROM accounts_player
  WHERE NOT counted AND NOT is_test AND (%(all)s OR operator_id = ANY(%(operators)s))
) AS known GROUP BY operator_id
"""

# Whole days from the sums, the part days at either end from an index on the users themselves.
_JOINED = """
SELECT number, sum(users)::bigint
FROM unnest(%(starts)s::timestamptz[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(ends)s::timestamptz[])
  WITH ORDINALITY AS span (start, first, last, until, number)
CROSS JOIN LATERAL (
  SELECT users FROM accounts_signupday
  WHERE day >= (first AT TIME ZONE 'UTC')::date AND day < (last AT TIME ZONE 'UTC')::date
    AND (%(all)s OR operator_id = ANY(%(operators)s))
  UNION ALL
  SELECT 1 FROM accounts_player
  WHERE NOT counted AND NOT is_test AND created_at >= first AND created_at < last
    AND (%(all)s OR operator_id = ANY(%(operators)s))
  UNION ALL
  SELECT 1 FROM accounts_player
  WHERE NOT is_test AND (created_at >= start AND created_at < first OR created_at >= last AND created_at < until)
    AND (%(all)s OR operator_id = ANY(%(operators)s))
) AS known GROUP BY number
"""

_BY_MONTH = """
SELECT date_trunc('month', day)::date, sum(users)::bigint FROM (
  SELECT day, users FROM accounts_signupday WHERE %(all)s OR operator_id = ANY(%(operators)s)
  UNION ALL
  SELECT (created_at AT TIME ZONE 'UTC')::date, 1 FROM accounts_player
  WHERE NOT counted AND NOT is_test AND (%(all)s OR operator_id = ANY(%(operators)s))
) AS known GROUP BY 1 ORDER BY 1
"""


def registered(operator_ids: Sequence[str] | None = None) -> dict[str, int]:
    """Users by operator, test users left out; operators without any are absent."""
    with connection.cursor() as cursor:
        cursor.execute(_REGISTERED, _scope(operator_ids))
        return {ids.encode("op", operator): count for operator, count in cursor.fetchall()}


def joined(*, start: datetime, end: datetime, operator_ids: Sequence[str] | None = None) -> int:
    """Users who signed up in [start, end), test users left out."""
    return joined_in([(start, end)], operator_ids)[0]


def joined_in(wanted: Sequence[tuple[datetime, datetime]], operator_ids: Sequence[str] | None = None) -> list[int]:
    """``joined`` of several spans, as one statement sees them."""
    whole = [clock.whole_days(start, end) for start, end in wanted]
    bounds = {
        "starts": [start for start, _ in wanted],
        "firsts": [first for first, _ in whole],
        "lasts": [last for _, last in whole],
        "ends": [end for _, end in wanted],
    }
    found = [0 for _ in wanted]
    with connection.cursor() as cursor:
        cursor.execute(_JOINED, {**bounds, **_scope(operator_ids)})
        for number, count in cursor.fetchall():
            found[number - 1] = count
    return found


def by_month(operator_ids: Sequence[str] | None = None) -> dict[datetime, int]:
    """Users by the UTC month they signed up in, oldest first; months without any are absent."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_MONTH, _scope(operator_ids))
        return {datetime.combine(month, time(), UTC): count for month, count in cursor.fetchall()}


def _scope(operator_ids: Sequence[str] | None) -> dict[str, Any]:
    named = [ids.decode("op", operator_id) for operator_id in operator_ids or ()]
    return {"all": operator_ids is None, "operators": named}
