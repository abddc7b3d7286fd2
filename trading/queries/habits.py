"""How users traded in a span, cancelled and test trades left out.

Whole days come from what rolling up kept, the rest from the trades themselves.

Facts not rolled up yet are added in the same statement. Sessions cannot be added up: for every user and day such a fact
touches, what was kept is taken off and read anew. At the two ends of a span sessions are cut: a trade whose neighbour
lies outside has none.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import connection

from predictu import clock, ids
from trading import tally_sql

_GAP, _TICK = timedelta(minutes=30), timedelta(milliseconds=1)
_OF = "(%(operator)s::uuid IS NULL OR operator_id = %(operator)s)"
_WHOLE_DAYS = "day >= %(first)s::date AND day < %(last)s::date"
_FRESH_START = "(since IS NULL OR since > interval '30 minutes')"
_ALONE = "(until IS NULL OR until > interval '30 minutes')"


def _trades(start: str, end: str) -> str:
    """Trades between two parameters with the time to their neighbours among them; ids are times, so they find them."""
    return f"""
  SELECT id, player_id, operator_id, market_id, category, device, cost_usd, created_at,
         created_at - lag(created_at) OVER neighbours AS since, lead(created_at) OVER neighbours - created_at AS until
  FROM trading_trade
  WHERE NOT is_test AND status <> 'cancelled' AND {_OF} AND id >= %({start}_id)s AND id < %({end}_id)s
    AND created_at >= %({start})s AND created_at < %({end})s
  WINDOW neighbours AS (PARTITION BY player_id ORDER BY created_at, id)
"""  # noqa: S608 words of our own


# The part days at either end, their sessions going on into the whole days between but not beyond the span.
_PARTS = f"""
parts AS MATERIALIZED (
  SELECT * FROM ({_trades("start", "first_more")}) AS head WHERE created_at < %(first)s
  UNION ALL
  SELECT * FROM ({_trades("last_less", "end")}) AS tail WHERE created_at >= %(last)s)
"""  # noqa: S608 words of our own
# Sessions of whole days that an end of the span cuts: one more begins there, one trade more is alone.
_CUT = f"""
SELECT 0 AS trades, count(*) AS starts, count(*) FILTER (WHERE {_ALONE}) AS singles,
       -coalesce(sum(extract(epoch FROM since) * 1000000), 0)::bigint AS gaps_us
FROM ({_trades("start_less", "start_more")}) AS around
WHERE since <= interval '30 minutes' AND created_at - since < %(start)s AND created_at >= %(first)s
UNION ALL
SELECT 0, 0, count(*), 0 FROM ({_trades("end_less", "end_more")}) AS around
WHERE {_FRESH_START} AND until <= interval '30 minutes' AND created_at + until >= %(end)s AND created_at < %(last)s
"""  # noqa: S608 words of our own

_OF_PARTS = f"""
count(*) AS trades, count(*) FILTER (WHERE {_FRESH_START}) AS starts,
count(*) FILTER (WHERE {_FRESH_START} AND {_ALONE}) AS singles,
coalesce(sum(extract(epoch FROM since) * 1000000) FILTER (WHERE since <= interval '30 minutes'), 0)::bigint AS gaps_us
"""

_HABITS = f"""
WITH {_PARTS},
waiting AS MATERIALIZED (
  SELECT kind, trade_id, trade_count FROM trading_revenuefact WHERE NOT rolled AND {_OF}),
moved AS MATERIALIZED ({tally_sql.MOVED.format(facts="waiting")}),
moved_inside AS MATERIALIZED (
  SELECT * FROM moved WHERE {_WHOLE_DAYS}),
touched AS MATERIALIZED (
  SELECT DISTINCT player_id, near.day FROM moved CROSS JOIN LATERAL {tally_sql.NEAR}
  WHERE near.day >= %(first)s::date AND near.day < %(last)s::date),
fresh AS MATERIALIZED ({tally_sql.FRESH}),
stale AS MATERIALIZED (
  SELECT kept.* FROM touched
  JOIN trading_activeday kept ON kept.player_id = touched.player_id AND kept.day = touched.day),
counted AS (
  SELECT kind, key, trades FROM trading_tradepattern WHERE {_WHOLE_DAYS} AND {_OF}
  UNION ALL
  SELECT pattern.kind, pattern.key, change FROM moved_inside CROSS JOIN LATERAL {tally_sql.PATTERNS}
  UNION ALL
  SELECT pattern.kind, pattern.key, 1 FROM parts CROSS JOIN LATERAL {tally_sql.PATTERNS}
  UNION ALL
  SELECT 'market', market_id::text, buy_yes + buy_no + sell_yes + sell_no
         - cancelled_buy_yes - cancelled_buy_no - cancelled_sell_yes - cancelled_sell_no
  FROM trading_tradetally WHERE {_WHOLE_DAYS} AND {_OF}
  UNION ALL
  SELECT 'market', market_id::text, change FROM moved_inside
  UNION ALL
  SELECT 'market', market_id::text, 1 FROM parts),
days AS (
  SELECT player_id, day, trades FROM trading_activeday kept WHERE {_WHOLE_DAYS} AND {_OF}
  UNION ALL
  SELECT player_id, day, -trades FROM stale
  UNION ALL
  SELECT player_id, day, trades FROM fresh
  UNION ALL
  SELECT player_id, (created_at AT TIME ZONE 'UTC')::date, 1 FROM parts),
weeks AS (
  SELECT player_id, date_trunc('week', day::timestamp) AS week, sum(trades) AS trades FROM days GROUP BY 1, 2),
sessions AS (
  SELECT trades, starts, singles, gaps_us FROM trading_tradeday WHERE {_WHOLE_DAYS} AND {_OF}
  UNION ALL
  SELECT -trades, -starts, -singles, -gaps_us FROM stale
  UNION ALL
  SELECT trades, starts, singles, gaps_us FROM fresh
  UNION ALL
  SELECT {_OF_PARTS} FROM parts
  UNION ALL
  {_CUT})
SELECT kind, key, sum(trades) FROM counted GROUP BY 1, 2
UNION ALL
SELECT 'frequency', total || '/' || weeks, count(*) FROM (
  SELECT sum(trades) AS total, count(*) FILTER (WHERE trades > 0) AS weeks FROM weeks
  GROUP BY player_id HAVING sum(trades) > 0) AS users GROUP BY 2
UNION ALL
SELECT 'sessions', of.key, of.value FROM (
  SELECT sum(trades) AS trades, sum(starts) AS starts, sum(gaps_us) + 60000000 * sum(singles) AS microseconds
  FROM sessions) AS sums CROSS JOIN LATERAL (VALUES ('trades', trades), ('count', starts),
                                                    ('microseconds', microseconds)) AS of (key, value)
"""  # noqa: S608 words of our own


def habits(*, start: datetime, end: datetime, operator_id: str | None) -> dict[str, dict[str, int]]:
    """Trades in [start, end) by ``hour``, ``category``, ``device``, ``size`` and ``market`` (bare id); users by
    ``frequency`` (``trades/weeks``); ``sessions``: ``count``, ``trades`` and ``microseconds``."""
    first, last = clock.whole_days(start, end)
    end = max(start, end)
    begins = {"start": start, "last_less": last - _GAP, "start_less": start - _GAP, "end_less": end - 2 * _GAP}
    ends = {"first_more": first + _GAP, "end": end, "start_more": start + 2 * _GAP, "end_more": end + _GAP}
    if first == last:  # no whole day: all of it is one part, cut at both ends
        first = last = end
        begins |= dict.fromkeys(("last_less", "start_less", "end_less"), end)
        ends = dict.fromkeys(ends, end)
    else:
        ends = {name: moment + _TICK if name != "end" else moment for name, moment in ends.items()}
    bounds = {
        **begins,
        **ends,
        **{f"{name}_id": ids.first(moment) for name, moment in begins.items()},
        **{f"{name}_id": ids.first(moment + _TICK) for name, moment in ends.items()},
        "first": first,
        "last": last,
        "operator": None if operator_id is None else ids.decode("op", operator_id),
    }
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_HABITS, bounds)
        for kind, key, count in cursor.fetchall():
            if count:
                found[kind][key] = int(count)
    return found
