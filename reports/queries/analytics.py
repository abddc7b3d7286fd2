"""Cohorts, lifetime value and behaviour: what the database adds up for the pure modules to word."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts import signups
from accounts.models import Player
from operators.models import Operator
from predictu import clock, ids, money
from predictu.money import ZERO
from reports import behavior
from reports.cohorts import Cohort, Granularity
from reports.cohorts import report as cohort_report
from trading.queries import cohorts as rolled
from trading.queries import habits, lifetimes, revenue
from trading.queries.lifetimes import Lives

SEGMENTS = ("operator", "tier", "category", "channel")
_NORMAL = Player.Tier.NORMAL.value
_SECONDS_A_DAY = 86_400


def cohorts(
    *, start: datetime, end: datetime, granularity: Granularity, operator: Operator | None, now: datetime
) -> dict[str, Any]:
    """The cohorts of the signup periods that [start, end) touches."""
    wanted = {"start": granularity.start(start), "end": end, "unit": str(granularity), "operator_id": _id(operator)}
    active: dict[datetime, dict[int, int]] = defaultdict(dict)
    for cohort, period, users in rolled.activity(**wanted):
        active[cohort][granularity.offset(cohort, period)] = users
    found = [
        Cohort(start=cohort, users=users, active=active[cohort], trades=trades, revenue_usd=gross, volume_usd=volume)
        for cohort, users, trades, gross, volume in rolled.sums(**wanted)
    ]
    return cohort_report(found, granularity=granularity, now=now)


@dataclass(slots=True)
class _Life:
    """Sums over the users of a segment, those who traded among them; ``seconds`` from first trade to last."""

    label: str
    users: int = 0
    traders: int = 0
    gross: Decimal = ZERO
    first_30d: Decimal = ZERO
    volume: Decimal = ZERO
    trades: Decimal = ZERO
    seconds: Decimal = ZERO

    def add(self, part: Lives, sign: int = 1) -> None:
        self.users += sign * part.registered
        self.traders += sign * int(part.traders)
        self.gross += sign * part.gross_usd
        self.first_30d += sign * part.first_30d_usd
        self.volume += sign * part.volume_usd
        self.trades += sign * part.trade_count
        self.seconds += sign * part.lifespans_s

    def row(self) -> dict[str, Any]:
        days = self.seconds / self.traders / _SECONDS_A_DAY if self.traders else None
        return {
            "label": self.label or "unknown",
            "user_count": self.users,
            "ltv_usd": money.half_up(self.gross / self.users),
            "ltv_30d_usd": money.half_up(self.first_30d / self.users),
            "avg_lifespan_days": int(money.rounded(days, 0)) if days is not None else None,
            "avg_trades": money.rounded(self.trades / self.users, 1),
            "avg_volume_usd": money.half_up(self.volume / self.users),
        }


def lifetime_value(*, segment: str, operator: Operator | None, now: datetime) -> dict[str, Any]:
    """Gross revenue per registered user: in all, by segment, and as of each month's end."""
    parts = lifetimes.lives(_id(operator))
    everyone = _Life("")
    for part in parts:
        if part.segment == "channel":
            everyone.add(part)
    lives = _segments(segment, parts)
    return {
        "global_ltv_usd": money.half_up(everyone.gross / everyone.users) if everyone.users else ZERO,
        "global_ltv_30d_usd": money.half_up(everyone.first_30d / everyone.users) if everyone.users else ZERO,
        "segments": [life.row() for life in sorted(lives, key=lambda life: (-life.users, life.label)) if life.users],
        "trend": _trend(operator, now),
    }


def _segments(segment: str, parts: list[Lives]) -> list[_Life]:
    """Users by operator and channel are all users in parts; those of the normal tier are all but the flagged."""
    found: dict[str, _Life] = {}

    def life(label: str) -> _Life:
        return found.setdefault(label, _Life(label))

    for part in parts:
        if segment == "tier" and part.segment == "tier":
            life(part.label).add(part)
            life(_NORMAL).add(part, sign=-1)
        elif segment == "tier" and part.segment == "channel":
            life(_NORMAL).add(part)
        elif segment == "operator" and part.segment == "channel":
            life(part.operator).add(part)
        elif segment == part.segment:
            life(part.label).add(part)
    return list(found.values())


def _trend(operator: Operator | None, now: datetime) -> list[dict[str, Any]]:
    scope = None if operator is None else [operator.id]
    joined = signups.by_month(scope)
    if not joined:
        return []
    by_month: dict[datetime, Decimal] = defaultdict(Decimal)
    begin = min(joined)
    for cell in revenue.cells(start=begin, end=now, unit="month", operator_ids=scope):
        by_month[cell.bucket] += cell.sums.gross_usd
    rows, users, gross, month = [], 0, ZERO, begin
    while month <= now:
        users, gross = users + joined.get(month, 0), gross + by_month[month]
        rows.append({"month": f"{month:%Y-%m}", "ltv_usd": money.half_up(gross / users)})
        month = clock.next_month(month)
    return rows


def behaviour(*, start: datetime, end: datetime, operator: Operator | None) -> dict[str, Any]:
    """How users trade in [start, end), cancelled and test trades left out."""
    counts = habits.habits(start=start, end=end, operator_id=_id(operator))
    frequencies: dict[str, int] = defaultdict(int)
    for key, users in counts["frequency"].items():
        trades, _, weeks = key.partition("/")
        frequencies[behavior.frequency(int(trades), int(weeks))] += users
    sessions = counts["sessions"]
    return behavior.document(
        trades_by_hour={int(hour): count for hour, count in counts["hour"].items()},
        trades_by_category=counts["category"],
        trades_by_device=counts["device"],
        trades_by_bet_size=counts["size"],
        users_by_frequency=frequencies,
        sessions=behavior.Sessions(
            sessions.get("count", 0),
            sessions.get("trades", 0),
            timedelta(microseconds=sessions.get("microseconds", 0)),
        ),
        markets=_popular(counts["market"]),
    )


def _popular(counts: Mapping[str, int]) -> list[behavior.PopularMarket]:
    """The busiest of the markets; among equals all, for the last place is taken by name."""
    most = sorted(counts.values(), reverse=True)[: behavior.POPULAR_MARKETS]
    wanted = {id_: count for id_, count in counts.items() if count >= most[-1]} if most else {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, title FROM trading_market WHERE id = ANY(%s::uuid[])", [list(wanted)])
        return [
            behavior.PopularMarket(ids.encode("mkt", id_), title, wanted[str(id_)]) for id_, title in cursor.fetchall()
        ]


def _id(operator: Operator | None) -> str | None:
    return None if operator is None else operator.id
