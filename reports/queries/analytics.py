"""Cohorts, lifetime value and behaviour: what the database adds up for the pure modules to word."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from operators.models import Operator
from predictu import clock, ids, money
from predictu.money import ZERO
from reports import behavior
from reports.cohorts import Cohort, Granularity
from reports.cohorts import report as cohort_report
from trading.queries import revenue

SEGMENTS = ("operator", "tier", "category", "channel")

# Rolled-up sums and what is not rolled up yet, a row per player and category.
_EARNED = """
SELECT player_id, category, gross_usd, first_30d_usd, volume_usd, trade_count, first_trade_at, last_trade_at
FROM trading_playerrevenue
UNION ALL
SELECT fact.player_id, fact.category, fact.spread_usd + fact.fee_usd + fact.settlement_fee_usd,
       CASE WHEN fact.at < player.created_at + interval '30 days'
            THEN fact.spread_usd + fact.fee_usd + fact.settlement_fee_usd ELSE 0 END,
       fact.volume_usd, fact.trade_count,
       CASE WHEN fact.kind = 'trade' THEN fact.at END, CASE WHEN fact.kind = 'trade' THEN fact.at END
FROM trading_revenuefact fact JOIN accounts_player player ON player.id = fact.player_id
WHERE NOT fact.rolled
"""

_MEMBERS = f"""
WITH earned AS (
  SELECT player_id, sum(gross_usd) AS gross, sum(volume_usd) AS volume, sum(trade_count) AS trades
  FROM ({_EARNED}) AS rows GROUP BY player_id)
SELECT date_trunc(%(unit)s, player.created_at, 'UTC'), count(*), coalesce(sum(earned.trades), 0),
       coalesce(sum(earned.gross), 0), coalesce(sum(earned.volume), 0)
FROM accounts_player player LEFT JOIN earned ON earned.player_id = player.id
WHERE NOT player.is_test AND player.created_at >= %(start)s AND player.created_at < %(end)s
  AND (%(operator)s::uuid IS NULL OR player.operator_id = %(operator)s)
GROUP BY 1 ORDER BY 1
"""  # noqa: S608 text of our own

_ACTIVITY = """
SELECT cohort, period, count(*) FROM (
  SELECT date_trunc(%(unit)s, player.created_at, 'UTC') AS cohort,
         date_trunc(%(unit)s, active.day::timestamp AT TIME ZONE 'UTC', 'UTC') AS period, player.id
  FROM trading_activeday active JOIN accounts_player player ON player.id = active.player_id
  WHERE NOT player.is_test AND player.created_at >= %(start)s AND player.created_at < %(end)s
    AND (%(operator)s::uuid IS NULL OR player.operator_id = %(operator)s)
  UNION
  SELECT date_trunc(%(unit)s, player.created_at, 'UTC'), date_trunc(%(unit)s, fact.at, 'UTC'), player.id
  FROM trading_revenuefact fact JOIN accounts_player player ON player.id = fact.player_id
  WHERE NOT fact.rolled AND fact.kind = 'trade' AND player.created_at >= %(start)s AND player.created_at < %(end)s
    AND (%(operator)s::uuid IS NULL OR player.operator_id = %(operator)s)
) AS pairs GROUP BY 1, 2
"""

_SEGMENT_LABELS = {"operator": "operator.slug", "tier": "player.tier", "channel": "player.channel"}

_LIFE = """
SELECT {label}, count(*), coalesce(sum(gross), 0), coalesce(sum(first_30d), 0), coalesce(sum(trades), 0),
       coalesce(sum(volume), 0), avg(extract(epoch FROM last_at - first_at) / 86400)
FROM accounts_player player JOIN operators_operator operator ON operator.id = player.operator_id
LEFT JOIN (
  SELECT player_id, sum(gross_usd) AS gross, sum(first_30d_usd) AS first_30d, sum(volume_usd) AS volume,
         sum(trade_count) AS trades, min(first_trade_at) AS first_at, max(last_trade_at) AS last_at
  FROM ({earned}) AS rows GROUP BY player_id) AS earned ON earned.player_id = player.id
WHERE NOT player.is_test AND (%(operator)s::uuid IS NULL OR player.operator_id = %(operator)s)
GROUP BY 1 ORDER BY 2 DESC, 1
"""
_LIFE_BY_CATEGORY = f"""
SELECT category, count(*), sum(gross), sum(first_30d), sum(trades), sum(volume),
       avg(extract(epoch FROM last_at - first_at) / 86400)
FROM (
  SELECT category, player_id, sum(gross_usd) AS gross, sum(first_30d_usd) AS first_30d, sum(volume_usd) AS volume,
         sum(trade_count) AS trades, min(first_trade_at) AS first_at, max(last_trade_at) AS last_at
  FROM ({_EARNED}) AS rows GROUP BY category, player_id) AS earned
JOIN accounts_player player ON player.id = earned.player_id
WHERE %(operator)s::uuid IS NULL OR player.operator_id = %(operator)s
GROUP BY category ORDER BY 2 DESC, 1
"""  # noqa: S608 text of our own

_SIGNUPS = """
SELECT date_trunc('month', created_at, 'UTC'), count(*) FROM accounts_player
WHERE NOT is_test AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s) GROUP BY 1 ORDER BY 1
"""

_BEHAVIOUR = """
WITH trades AS MATERIALIZED (
  SELECT player_id, market_id, category, device, cost_usd, created_at,
         created_at - lag(created_at) OVER player AS since,
         lead(created_at) OVER player - created_at AS until
  FROM trading_trade
  WHERE NOT is_test AND status <> 'cancelled' AND created_at >= %(start)s AND created_at < %(end)s
    AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s)
  WINDOW player AS (PARTITION BY player_id ORDER BY created_at, id))
SELECT 'hour', extract(hour FROM created_at AT TIME ZONE 'UTC')::integer::text, count(*)::numeric FROM trades GROUP BY 2
UNION ALL SELECT 'category', category, count(*) FROM trades GROUP BY 2
UNION ALL SELECT 'device', device, count(*) FROM trades GROUP BY 2
UNION ALL SELECT 'size', CASE WHEN cost_usd < 5 THEN 'under_5_usd' WHEN cost_usd < 20 THEN '5_20_usd'
                              WHEN cost_usd < 100 THEN '20_100_usd' ELSE '100_plus_usd' END, count(*)
          FROM trades GROUP BY 2
UNION ALL SELECT 'frequency', total || '/' || weeks, count(*) FROM (
            SELECT count(*) AS total, count(DISTINCT date_trunc('week', created_at, 'UTC')) AS weeks
            FROM trades GROUP BY player_id) AS users GROUP BY 2
UNION ALL SELECT 'sessions', 'count', count(*) FILTER (WHERE since IS NULL OR since > interval '30 minutes') FROM trades
UNION ALL SELECT 'sessions', 'trades', count(*) FROM trades
UNION ALL SELECT 'sessions', 'seconds',
            coalesce(sum(extract(epoch FROM since)) FILTER (WHERE since <= interval '30 minutes'), 0)
            + 60 * count(*) FILTER (WHERE (since IS NULL OR since > interval '30 minutes')
                                      AND (until IS NULL OR until > interval '30 minutes')) FROM trades
UNION ALL (SELECT 'market', market_id::text, count(*) FROM trades GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT 10)
"""


def cohorts(
    *, start: datetime, end: datetime, granularity: Granularity, operator: Operator | None, now: datetime
) -> dict[str, Any]:
    """The cohorts of the signup periods that [start, end) touches."""
    bounds = {
        "start": granularity.start(start),
        "end": end,
        "unit": str(granularity),
        "operator": _operator(operator),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVITY, bounds)
        active: dict[datetime, dict[int, int]] = defaultdict(dict)
        for cohort, period, count in cursor.fetchall():
            active[cohort][granularity.offset(cohort, period)] = count
        cursor.execute(_MEMBERS, bounds)
        found = [
            Cohort(
                start=cohort,
                users=users,
                active=active[cohort],
                trades=int(trades),
                revenue_usd=gross,
                volume_usd=volume,
            )
            for cohort, users, trades, gross, volume in cursor.fetchall()
        ]
    return cohort_report(found, granularity=granularity, now=now)


@dataclass(frozen=True, slots=True)
class _Life:
    """Sums over the users of a segment."""

    label: str
    users: int
    gross: Decimal
    first_30d: Decimal
    trades: Decimal
    volume: Decimal
    days: Decimal | None

    def row(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "user_count": self.users,
            "ltv_usd": money.half_up(self.gross / self.users),
            "ltv_30d_usd": money.half_up(self.first_30d / self.users),
            "avg_lifespan_days": int(money.rounded(self.days, 0)) if self.days is not None else None,
            "avg_trades": money.rounded(Decimal(self.trades) / self.users, 1),
            "avg_volume_usd": money.half_up(self.volume / self.users),
        }


def lifetime_value(*, segment: str, operator: Operator | None, now: datetime) -> dict[str, Any]:
    """Gross revenue per registered user: in all, by segment, and as of each month's end."""
    lives = _lives(segment, operator)
    everyone = lives if segment != "category" else _lives("operator", operator)
    users = sum(life.users for life in everyone)
    gross = sum((life.gross for life in everyone), ZERO)
    first_30d = sum((life.first_30d for life in everyone), ZERO)
    return {
        "global_ltv_usd": money.half_up(gross / users) if users else ZERO,
        "global_ltv_30d_usd": money.half_up(first_30d / users) if users else ZERO,
        "segments": [life.row() for life in lives],
        "trend": _trend(operator, now),
    }


def _lives(segment: str, operator: Operator | None) -> list[_Life]:
    if segment == "category":
        statement = _LIFE_BY_CATEGORY
    else:
        statement = _LIFE.format(label=_SEGMENT_LABELS[segment], earned=_EARNED)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"operator": _operator(operator)})
        return [_Life(label or "unknown", *rest) for label, *rest in cursor.fetchall()]


def _trend(operator: Operator | None, now: datetime) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_SIGNUPS, {"operator": _operator(operator)})
        signups = dict(cursor.fetchall())
    if not signups:
        return []
    scope = None if operator is None else [operator.id]
    by_month: dict[datetime, Decimal] = defaultdict(Decimal)
    begin = min(signups)
    for cell in revenue.cells(start=begin, end=now, unit="month", operator_ids=scope):
        by_month[cell.bucket] += cell.sums.gross_usd
    rows, users, gross, month = [], 0, ZERO, begin
    while month <= now:
        users, gross = users + signups.get(month, 0), gross + by_month[month]
        rows.append({"month": f"{month:%Y-%m}", "ltv_usd": money.half_up(gross / users)})
        month = clock.next_month(month)
    return rows


def behaviour(*, start: datetime, end: datetime, operator: Operator | None) -> dict[str, Any]:
    """How users trade in [start, end), cancelled and test trades left out."""
    counts: dict[str, dict[str, Decimal]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_BEHAVIOUR, {"start": start, "end": end, "operator": _operator(operator)})
        for kind, key, count in cursor.fetchall():
            counts[kind][key] = count
    frequencies: dict[str, int] = defaultdict(int)
    for key, users in counts["frequency"].items():
        trades, _, weeks = key.partition("/")
        frequencies[behavior.frequency(int(trades), int(weeks))] += int(users)
    sessions = counts["sessions"]
    return behavior.document(
        trades_by_hour={int(hour): int(count) for hour, count in counts["hour"].items()},
        trades_by_category=_whole(counts["category"]),
        trades_by_device=_whole(counts["device"]),
        trades_by_bet_size=_whole(counts["size"]),
        users_by_frequency=frequencies,
        sessions=behavior.Sessions(
            int(sessions["count"]), int(sessions["trades"]), timedelta(seconds=float(sessions["seconds"]))
        ),
        markets=_popular(counts["market"]),
    )


def _popular(counts: Mapping[str, Decimal]) -> list[behavior.PopularMarket]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, title FROM trading_market WHERE id = ANY(%s::uuid[])", [list(counts)])
        return [
            behavior.PopularMarket(ids.encode("mkt", id_), title, int(counts[str(id_)]))
            for id_, title in cursor.fetchall()
        ]


def _whole(counts: Mapping[str, Decimal]) -> dict[str, int]:
    return {key: int(count) for key, count in counts.items()}


def _operator(operator: Operator | None) -> Any:
    return None if operator is None else ids.decode("op", operator.id)
