"""Retention by signup cohort: ISO weeks or months of signup, and the share of each that traded in the periods after.

A pure module. The cohorts come from plain rows (``gather``) or summed by the database (``Cohort``); ``report`` is the
documented answer. A period that is not over is absent, not zero.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from predictu import clock, money


class Granularity(StrEnum):
    WEEK = "week"
    MONTH = "month"

    def start(self, moment: datetime) -> datetime:
        """The first instant of the period ``moment`` lies in."""
        return clock.week_start(moment) if self is Granularity.WEEK else clock.month_start(moment)

    def offset(self, start: datetime, moment: datetime) -> int:
        """How many periods after the one beginning at ``start`` the moment lies; negative before it."""
        if self is Granularity.WEEK:
            return (clock.week_start(moment) - start) // timedelta(weeks=1)
        return (moment.year - start.year) * 12 + moment.month - start.month

    def label(self, start: datetime) -> str:
        """``2026-W10`` or ``2026-03``."""
        if self is Granularity.MONTH:
            return f"{start:%Y-%m}"
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One user: when it signed up and the sums of its trades."""

    user_id: str
    signed_up_at: datetime
    trades: int
    revenue_usd: Decimal
    volume_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """The users who signed up in the period from ``start``, and how many of them traded in the k-th period after it."""

    start: datetime
    users: int
    active: Mapping[int, int]
    trades: int
    revenue_usd: Decimal
    volume_usd: Decimal

    def retention(self, offset: int) -> Decimal:
        """1 in the signup period itself, whether they traded or not."""
        return Decimal(self.active.get(offset, 0)) / self.users if offset else money.ONE


def gather(
    members: Iterable[Member], activity: Iterable[tuple[str, datetime]], *, granularity: Granularity
) -> list[Cohort]:
    """Cohorts of users and of (user, some instant of a period in which it traded) pairs; pairs may repeat."""
    by_start: dict[datetime, list[Member]] = defaultdict(list)
    start_of: dict[str, datetime] = {}
    for member in members:
        start_of[member.user_id] = granularity.start(member.signed_up_at)
        by_start[start_of[member.user_id]].append(member)
    seen = {
        (user_id, granularity.offset(start_of[user_id], moment)) for user_id, moment in activity if user_id in start_of
    }
    active: dict[datetime, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for user_id, offset in seen:
        active[start_of[user_id]][offset] += 1
    return [
        Cohort(
            start=start,
            users=len(group),
            active=dict(active[start]),
            trades=sum(member.trades for member in group),
            revenue_usd=sum((member.revenue_usd for member in group), money.ZERO),
            volume_usd=sum((member.volume_usd for member in group), money.ZERO),
        )
        for start, group in sorted(by_start.items())
    ]


def report(cohorts: Iterable[Cohort], *, granularity: Granularity, now: datetime) -> dict[str, Any]:
    """The documented answer, oldest cohort first. Months say ``month_k`` where weeks say ``week_k``."""
    ordered = sorted((cohort for cohort in cohorts if cohort.users), key=lambda cohort: cohort.start)
    return {
        "cohorts": [_row(cohort, granularity, now) for cohort in ordered],
        "summary": _summary(ordered, granularity, now),
    }


def _row(cohort: Cohort, granularity: Granularity, now: datetime) -> dict[str, Any]:
    shown = range(max(1, _finished(cohort, granularity, now)))
    return {
        "cohort": granularity.label(cohort.start),
        "signup_count": cohort.users,
        "retention": {f"{granularity}_{offset}": money.rounded(cohort.retention(offset), 4) for offset in shown},
        "avg_trades_per_user": money.rounded(Decimal(cohort.trades) / cohort.users, 1),
        "avg_revenue_per_user_usd": money.half_up(cohort.revenue_usd / cohort.users),
        "avg_volume_per_user_usd": money.half_up(cohort.volume_usd / cohort.users),
    }


def _finished(cohort: Cohort, granularity: Granularity, now: datetime) -> int:
    """How many of the cohort's periods, its first included, are over."""
    return granularity.offset(cohort.start, now)


def _summary(cohorts: list[Cohort], granularity: Granularity, now: datetime) -> dict[str, Any]:
    def having(offset: int) -> list[Cohort]:
        return [cohort for cohort in cohorts if _finished(cohort, granularity, now) > offset]

    def mean(offset: int) -> Decimal | None:
        shares = [cohort.retention(offset) for cohort in having(offset)]
        return money.rounded(sum(shares, money.ZERO) / len(shares), 4) if shares else None

    def first(key: Callable[[Cohort], tuple[Decimal, int]]) -> str | None:
        chosen = min(having(1), key=key, default=None)
        return granularity.label(chosen.start) if chosen else None

    return {
        f"avg_{granularity}_1_retention": mean(1),
        f"avg_{granularity}_4_retention": mean(4),
        "best_cohort": first(lambda cohort: (-cohort.retention(1), -cohort.users)),
        "worst_cohort": first(lambda cohort: (cohort.retention(1), -cohort.users)),
    }
