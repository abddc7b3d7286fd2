"""What was earned: the one reader of revenue facts and their rollups.

Gross revenue is spread + fees (settlement fees counted under fees) of non-test trades, dated when it happened.
Predictu's share is rounded cumulatively per operator, calendar month, source and percentage, so that rows add up at
every granularity: a row is R(end) − R(start) with R(t) = half-up(gross since the month began × share).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from predictu import clock, ids, money
from predictu.money import ZERO

UNITS = ("hour", "day", "week", "month")

_COLUMNS = "share_pct, spread_usd, fee_usd, settlement_fee_usd, volume_usd, trade_count"
_SUMS = """
sum(spread_usd), sum(fee_usd), sum(settlement_fee_usd), sum(volume_usd), sum(trade_count)
"""
_NAMES = ("start", "first", "first_day", "first_month", "last_month", "last_day", "last", "end")
_SCOPED = "(%(all)s OR operator_id = ANY(%(operators)s))"


def _earned(bound: str) -> str:
    """What was earned between the bounds of ``_tiers``: part hours from the facts, hours, days and months from their
    sums, and what is in no sum yet. ``bound`` is how the statement writes a bound's name."""
    at = {name: bound.format(name) for name in _NAMES}
    days = {name: f"({text} AT TIME ZONE 'UTC')::date" for name, text in at.items()}
    return f"""
  SELECT operator_id, at, {_COLUMNS} FROM trading_revenuefact
  WHERE (at >= {at["start"]} AND at < {at["first"]} OR at >= {at["last"]} AND at < {at["end"]})
    AND {_SCOPED}
  UNION ALL
  SELECT operator_id, at, {_COLUMNS} FROM trading_revenuefact
  WHERE NOT rolled AND at >= {at["first"]} AND at < {at["last"]} AND {_SCOPED}
  UNION ALL
  SELECT operator_id, hour, {_COLUMNS} FROM trading_hourlyrevenue
  WHERE (hour >= {at["first"]} AND hour < {at["first_day"]}
         OR hour >= {at["last_day"]} AND hour < {at["last"]}) AND {_SCOPED}
  UNION ALL
  SELECT operator_id, day::timestamp AT TIME ZONE 'UTC', {_COLUMNS} FROM trading_dailyrevenue
  WHERE (day >= {days["first_day"]} AND day < {days["first_month"]}
         OR day >= {days["last_month"]} AND day < {days["last_day"]}) AND {_SCOPED}
  UNION ALL
  SELECT operator_id, month, {_COLUMNS} FROM trading_monthlyrevenue
  WHERE month >= {at["first_month"]} AND month < {at["last_month"]} AND {_SCOPED}
"""  # noqa: S608 columns of our own


_CELLS = f"""
SELECT operator_id, date_trunc(%(unit)s, at, 'UTC') AS bucket, share_pct, {_SUMS}
FROM ({_earned("%({})s::timestamptz")}) AS earned GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""  # noqa: S608 columns of our own

_SPANS = f"""
SELECT number, {_SUMS}
FROM unnest({", ".join(f"%({name}s)s::timestamptz[]" for name in _NAMES)})
  WITH ORDINALITY AS span ({", ".join(f'"{name}"' for name in _NAMES)}, number)
CROSS JOIN LATERAL ({_earned('span."{}"')}) AS earned GROUP BY 1
"""  # noqa: S608 columns of our own

_DISTINCT = """
SELECT operator_id, count(*) FROM (
  SELECT operator_id, player_id FROM trading_activeday
  WHERE day >= %(first)s AND day < %(last)s AND (%(all)s OR operator_id = ANY(%(operators)s))
  UNION
  SELECT operator_id, player_id FROM trading_revenuefact
  WHERE NOT rolled AND kind = 'trade' AND at >= %(first)s AND at < %(last)s
    AND (%(all)s OR operator_id = ANY(%(operators)s))
  UNION
  SELECT operator_id, player_id FROM trading_revenuefact
  WHERE kind = 'trade' AND (at >= %(start)s AND at < %(first)s OR at >= %(last)s AND at < %(end)s)
    AND (%(all)s OR operator_id = ANY(%(operators)s))
) AS traders GROUP BY operator_id
"""


@dataclass(slots=True)
class Sums:
    """Gross amounts of a span. ``fees_usd`` includes ``settlement_fees_usd``."""

    spread_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    settlement_fees_usd: Decimal = ZERO
    volume_usd: Decimal = ZERO
    trade_count: int = 0
    predictu_spread_usd: Decimal = ZERO
    predictu_fees_usd: Decimal = ZERO

    @property
    def gross_usd(self) -> Decimal:
        return self.spread_usd + self.fees_usd

    @property
    def predictu_usd(self) -> Decimal:
        return self.predictu_spread_usd + self.predictu_fees_usd

    @property
    def operator_usd(self) -> Decimal:
        return self.gross_usd - self.predictu_usd

    def add(self, other: "Sums") -> None:
        self.spread_usd += other.spread_usd
        self.fees_usd += other.fees_usd
        self.settlement_fees_usd += other.settlement_fees_usd
        self.volume_usd += other.volume_usd
        self.trade_count += other.trade_count
        self.predictu_spread_usd += other.predictu_spread_usd
        self.predictu_fees_usd += other.predictu_fees_usd


@dataclass(frozen=True, slots=True)
class Cell:
    """Gross of one operator, bucket and share percentage, not yet shared."""

    operator_id: str
    bucket: datetime
    share_pct: Decimal
    sums: Sums


@dataclass(slots=True)
class Revenue:
    """Revenue of a span: in all, by operator, by bucket (empty buckets present), by operator and bucket."""

    total: Sums = field(default_factory=Sums)
    by_operator: dict[str, Sums] = field(default_factory=dict)
    series: dict[datetime, Sums] = field(default_factory=dict)
    cells: dict[tuple[str, datetime], Sums] = field(default_factory=dict)


def cells(*, start: datetime, end: datetime, unit: str, operator_ids: Sequence[str] | None = None) -> list[Cell]:
    """Gross per operator, bucket and percentage in [start, end), from rollups, unmarked facts and part hours."""
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, {"unit": unit, **_tiers(start, end, unit), **_scope(operator_ids)})
        rows = cursor.fetchall()
    return [
        Cell(
            ids.encode("op", operator),
            bucket,
            share,
            Sums(spread, fee + settlement, settlement, volume, int(count)),
        )
        for operator, bucket, share, spread, fee, settlement, volume, count in rows
    ]


def revenue(*, start: datetime, end: datetime, unit: str = "day", operator_ids: Sequence[str] | None = None) -> Revenue:
    """Revenue of [start, end) in buckets of ``unit`` with Predictu's share of every row."""
    found = Revenue(series={bucket: Sums() for bucket in buckets(start, end, unit)})
    before = _before(start, operator_ids)
    for (operator_id, bucket), sums in _shared(start, end, unit, operator_ids, before).items():
        found.cells[operator_id, bucket] = sums
        found.total.add(sums)
        found.by_operator.setdefault(operator_id, Sums()).add(sums)
        found.series.setdefault(bucket, Sums()).add(sums)
    return found


Grain = tuple[str, datetime, Decimal]


def _before(start: datetime, operator_ids: Sequence[str] | None) -> dict[Grain, Sums]:
    """Gross per grain from the beginning of the month ``start`` lies in up to ``start``."""
    month = clock.month_start(start)
    gross: dict[Grain, Sums] = defaultdict(Sums)
    if month < start:
        for cell in cells(start=month, end=start, unit="month", operator_ids=operator_ids):
            gross[cell.operator_id, month, cell.share_pct].add(cell.sums)
    return gross


def _shared(
    start: datetime, end: datetime, unit: str, operator_ids: Sequence[str] | None, before: dict[Grain, Sums]
) -> dict[tuple[str, datetime], Sums]:
    """Sums per operator and bucket with the shares filled in; a week over a month's end is shared in two parts."""
    fine = "day" if unit == "week" else unit
    result: dict[tuple[str, datetime], Sums] = defaultdict(Sums)
    running = before
    for cell in sorted(cells(start=start, end=end, unit=fine, operator_ids=operator_ids), key=lambda c: c.bucket):
        grain = (cell.operator_id, clock.month_start(cell.bucket), cell.share_pct)
        so_far = running.setdefault(grain, Sums())
        rate = cell.share_pct / 100
        sums = cell.sums
        sums.predictu_spread_usd = money.half_up((so_far.spread_usd + sums.spread_usd) * rate) - money.half_up(
            so_far.spread_usd * rate
        )
        sums.predictu_fees_usd = money.half_up((so_far.fees_usd + sums.fees_usd) * rate) - money.half_up(
            so_far.fees_usd * rate
        )
        so_far.add(sums)
        bucket = clock.week_start(cell.bucket) if unit == "week" else cell.bucket
        result[cell.operator_id, bucket].add(sums)
    return result


def buckets(start: datetime, end: datetime, unit: str) -> list[datetime]:
    """The starts of the UTC buckets that [start, end) touches; weeks are ISO weeks."""
    first = {
        "hour": clock.hour_start,
        "day": clock.day_start,
        "week": clock.week_start,
        "month": clock.month_start,
    }[unit](start)
    found = []
    while first < end:
        found.append(first)
        first = clock.next_month(first) if unit == "month" else first + _STEPS[unit]
    return found


_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


def gross(*, start: datetime, end: datetime, operator_ids: Sequence[str] | None = None) -> dict[str, Sums]:
    """Gross by operator in [start, end), without shares: for counters and deltas."""
    result: dict[str, Sums] = defaultdict(Sums)
    for cell in cells(start=start, end=end, unit="month", operator_ids=operator_ids):
        result[cell.operator_id].add(cell.sums)
    return result


def spans(wanted: Sequence[tuple[datetime, datetime]], operator_ids: Sequence[str] | None = None) -> list[Sums]:
    """Gross of each [start, end), without shares, as one statement sees them."""
    found = [Sums() for _ in wanted]
    tiers = [_tiers(start, end) for start, end in wanted]
    bounds = {f"{name}s": [tier[name] for tier in tiers] for name in _NAMES}
    with connection.cursor() as cursor:
        cursor.execute(_SPANS, {**bounds, **_scope(operator_ids)})
        for number, spread, fee, settlement, volume, count in cursor.fetchall():
            found[number - 1] = Sums(spread, fee + settlement, settlement, volume, int(count))
    return found


_ALL_TIME = """
SELECT coalesce(sum(gross), 0) FROM (
  SELECT spread_usd + fee_usd + settlement_fee_usd AS gross FROM trading_monthlyrevenue
  WHERE %(all)s OR operator_id = ANY(%(operators)s)
  UNION ALL
  SELECT spread_usd + fee_usd + settlement_fee_usd FROM trading_revenuefact
  WHERE NOT rolled AND (%(all)s OR operator_id = ANY(%(operators)s))
) AS earned
"""


def all_time(operator_ids: Sequence[str] | None = None) -> Decimal:
    """Gross of everything there is."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL_TIME, _scope(operator_ids))
        total: Decimal = cursor.fetchone()[0]
    return total


def traders(*, start: datetime, end: datetime, operator_ids: Sequence[str] | None = None) -> dict[str, int]:
    """Distinct users with a trade in [start, end) by operator; a user belongs to one, so they add up."""
    with connection.cursor() as cursor:
        cursor.execute(_DISTINCT, {**_bounds(start, end, clock.DAY), **_scope(operator_ids)})
        return {ids.encode("op", operator): count for operator, count in cursor.fetchall()}


def _bounds(start: datetime, end: datetime, step: timedelta) -> dict[str, Any]:
    """[start, end) with the whole steps inside it; where there are none, all of it is taken from the facts."""
    floor = clock.hour_start if step < clock.DAY else clock.day_start
    first, last = floor(start), floor(end)
    if first < start:
        first += step
    if first >= last:
        first = last = end
    return {"start": start, "end": end, "first": first, "last": last}


def _tiers(start: datetime, end: datetime, unit: str = "month") -> dict[str, datetime]:
    """``_bounds`` by the hour, with the whole days and months inside where those are fine enough for ``unit``."""
    bounds = _bounds(start, end, timedelta(hours=1))
    first, last = bounds["first"], bounds["last"]
    first_day, last_day = clock.whole_days(first, last) if unit != "hour" else (last, last)
    month = clock.month_start(first_day)
    first_month = month if month == first_day else clock.next_month(first_day)
    last_month = clock.month_start(last_day)
    if unit != "month" or first_month >= last_month:
        first_month = last_month = last_day
    days = {"first_day": first_day, "first_month": first_month, "last_month": last_month, "last_day": last_day}
    return bounds | days


def _scope(operator_ids: Iterable[str] | None) -> dict[str, Any]:
    return {
        "all": operator_ids is None,
        "operators": [ids.decode("op", operator_id) for operator_id in operator_ids or ()],
    }


# A user's newest trade tells whether it is active in a window that ends now; one made since then (by another host's
# clock) sends the question to its facts. Then those of whom nothing in the window is rolled up yet.
_ACTIVE = """
SELECT number,
  (SELECT count(*) FROM trading_playerrevenue WHERE category = '' AND last_trade_at >= since
     AND last_trade_at < %(now)s AND (%(all)s OR operator_id = ANY(%(operators)s)))
  + (SELECT count(*) FROM trading_playerrevenue ahead WHERE category = '' AND last_trade_at >= %(now)s
       AND (%(all)s OR operator_id = ANY(%(operators)s)) AND EXISTS (
         SELECT FROM trading_revenuefact fact WHERE fact.operator_id = ahead.operator_id AND fact.at >= since
           AND fact.at < %(now)s AND fact.player_id = ahead.player_id AND fact.kind = 'trade'))
  + (SELECT count(DISTINCT player_id) FROM trading_revenuefact fact WHERE NOT rolled AND kind = 'trade' AND at >= since
       AND at < %(now)s AND (%(all)s OR operator_id = ANY(%(operators)s)) AND NOT EXISTS (
         SELECT FROM trading_playerrevenue known WHERE known.player_id = fact.player_id AND known.category = ''
           AND known.last_trade_at >= since))
FROM unnest(%(since)s::timestamptz[]) WITH ORDINALITY AS span (since, number)
"""


def active(since: Sequence[datetime], *, now: datetime, operator_ids: Sequence[str] | None = None) -> list[int]:
    """Distinct users with a trade in each [since, now)."""
    found = [0 for _ in since]
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVE, {"since": list(since), "now": now, **_scope(operator_ids)})
        for number, count in cursor.fetchall():
            found[number - 1] = count
    return found


# Whoever is not rolled up yet is new to a day or month in which it has not traded before.
_TRADERS_BY_BUCKET = """
SELECT bucket, sum(users)::bigint FROM (
  SELECT day AS bucket, traders AS users FROM trading_tradeday
  WHERE %(unit)s = 'day' AND day >= %(first)s AND day < %(last)s AND (%(all)s OR operator_id = ANY(%(operators)s))
  UNION ALL
  SELECT period, users FROM trading_cohortactivity
  WHERE %(unit)s = 'month' AND unit = 'month' AND period >= %(first)s AND period < %(last)s
    AND (%(all)s OR operator_id = ANY(%(operators)s))
  UNION ALL
  SELECT made.bucket, 1 FROM (
    SELECT DISTINCT date_trunc(%(unit)s, at AT TIME ZONE 'UTC')::date AS bucket, player_id FROM trading_revenuefact
    WHERE NOT rolled AND kind = 'trade' AND at >= %(start)s AND at < %(end)s
      AND (%(all)s OR operator_id = ANY(%(operators)s))) AS made
  WHERE NOT EXISTS (
    SELECT FROM trading_activeday active WHERE active.player_id = made.player_id AND active.day >= made.bucket
      AND active.day < (made.bucket + %(long)s::interval)::date)
) AS traders GROUP BY 1
"""


def traders_by_bucket(
    *, start: datetime, end: datetime, unit: str, operator_ids: Sequence[str] | None = None
) -> dict[datetime, int]:
    """Distinct users with a trade by whole UTC day or month; ``start`` and ``end`` are midnights."""
    with connection.cursor() as cursor:
        days = {"first": start.date(), "last": end.date(), "start": start, "end": end, "unit": unit}
        cursor.execute(_TRADERS_BY_BUCKET, {**days, "long": f"1 {unit}", **_scope(operator_ids)})
        return {datetime.combine(bucket, time(), UTC): count for bucket, count in cursor.fetchall()}
