"""Cohorts by signup: how many there are, what they traded, and in which weeks or months how many of them did.

Whole days of signup come from sums, a part of a day at the end from its users; facts not rolled up yet are added in the
same statement.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection

from predictu import clock, ids

_OF = "(%(operator)s::uuid IS NULL OR {}operator_id = %(operator)s)"
_JOINED = "NOT player.is_test AND player.created_at >= {start} AND player.created_at < {end} AND " + _OF.format(
    "player."
)
_WHOLE = _JOINED.format(start="%(start)s", end="%(last)s")
_PART = _JOINED.format(start="%(last)s", end="%(end)s")

_SUMS = f"""
SELECT date_trunc(%(unit)s, day::timestamp)::date, sum(users)::bigint, sum(trades)::bigint, sum(gross), sum(volume)
FROM (
  SELECT day, users, 0 AS trades, 0 AS gross, 0 AS volume FROM accounts_signupday
  WHERE day >= %(first_day)s AND day < %(last_day)s AND {_OF.format("")}
  UNION ALL
  SELECT (created_at AT TIME ZONE 'UTC')::date, 1, 0, 0, 0 FROM accounts_player player WHERE NOT counted AND {_WHOLE}
  UNION ALL
  SELECT signup_day, 0, trade_count, gross_usd, volume_usd FROM trading_cohortday
  WHERE signup_day >= %(first_day)s AND signup_day < %(last_day)s AND {_OF.format("")}
  UNION ALL
  SELECT (player.created_at AT TIME ZONE 'UTC')::date, 0, fact.trade_count,
         fact.spread_usd + fact.fee_usd + fact.settlement_fee_usd, fact.volume_usd
  FROM trading_revenuefact fact JOIN accounts_player player ON player.id = fact.player_id
  WHERE NOT fact.rolled AND player.created_at < %(end)s AND player.created_at >= %(start)s AND {_OF.format("fact.")}
  UNION ALL
  SELECT (player.created_at AT TIME ZONE 'UTC')::date, 1, coalesce(known.trade_count, 0), coalesce(known.gross_usd, 0),
         coalesce(known.volume_usd, 0)
  FROM accounts_player player
  LEFT JOIN trading_playerrevenue known ON known.player_id = player.id AND known.category = ''
  WHERE {_PART}
) AS known GROUP BY 1 HAVING sum(users) > 0 ORDER BY 1
"""  # noqa: S608 words of our own

# Who is not rolled up yet is new to a period in which no day of its is known.
_ACTIVITY = f"""
SELECT date_trunc(%(unit)s, day::timestamp)::date, period, sum(users)::bigint FROM (
  SELECT signup_day AS day, period, users FROM trading_cohortactivity
  WHERE unit = %(unit)s AND signup_day >= %(first_day)s AND signup_day < %(last_day)s AND {_OF.format("")}
  UNION ALL
  SELECT day, period, 1 FROM (
    SELECT DISTINCT (player.created_at AT TIME ZONE 'UTC')::date AS day, player.id,
           date_trunc(%(unit)s, fact.at AT TIME ZONE 'UTC')::date AS period
    FROM trading_revenuefact fact JOIN accounts_player player ON player.id = fact.player_id
    WHERE NOT fact.rolled AND fact.kind = 'trade' AND {_WHOLE}) AS made
  WHERE NOT EXISTS (
    SELECT FROM trading_activeday active WHERE active.player_id = made.id AND active.day >= made.period
      AND active.day < (made.period + %(long)s::interval)::date)
  UNION ALL
  SELECT day, period, 1 FROM (
    SELECT (player.created_at AT TIME ZONE 'UTC')::date AS day, player.id,
           date_trunc(%(unit)s, active.day::timestamp)::date AS period
    FROM accounts_player player JOIN trading_activeday active ON active.player_id = player.id WHERE {_PART}
    UNION
    SELECT (player.created_at AT TIME ZONE 'UTC')::date, player.id,
           date_trunc(%(unit)s, fact.at AT TIME ZONE 'UTC')::date
    FROM trading_revenuefact fact JOIN accounts_player player ON player.id = fact.player_id
    WHERE NOT fact.rolled AND fact.kind = 'trade' AND {_PART}) AS late
) AS active GROUP BY 1, 2
"""  # noqa: S608 words of our own


def sums(
    *, start: datetime, end: datetime, unit: str, operator_id: str | None
) -> Iterator[tuple[datetime, int, int, Decimal, Decimal]]:
    """Of each week or month (``unit``) of signup in [start, end): its begin, users, trades, gross and volume.

    ``start`` is the begin of such a period.
    """
    for begin, *rest in _rows(_SUMS, start, end, unit, operator_id):
        yield _instant(begin), *rest


def activity(
    *, start: datetime, end: datetime, unit: str, operator_id: str | None
) -> Iterator[tuple[datetime, datetime, int]]:
    """Period of signup, period of trading, and how many users of the one traded in the other."""
    for begin, period, users in _rows(_ACTIVITY, start, end, unit, operator_id):
        yield _instant(begin), _instant(period), users


def _rows(statement: str, start: datetime, end: datetime, unit: str, operator_id: str | None) -> list[tuple[Any, ...]]:
    last = max(start, clock.day_start(end))
    bounds = {
        "start": start,
        "last": last,
        "end": max(end, last),
        "first_day": start.date(),
        "last_day": last.date(),
        "unit": unit,
        "long": f"1 {unit}",
        "operator": None if operator_id is None else ids.decode("op", operator_id),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, bounds)
        return cursor.fetchall()


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
