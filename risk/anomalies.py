"""Unusual patterns of trading, judged from plain values. Pure.

A stake over ten times the user's own 30-day median and at least $100; more than 20 trades of a user within a minute;
over 90 % of the money on one side of a market, in at least 50 trades of 15 minutes.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from predictu import money, shown
from predictu.money import ZERO

STAKE_TIMES_MEDIAN = 10
STAKE_LEAST_USD = Decimal(100)
STAKE_DAYS = 30
TRADES_A_MINUTE = 20
MINUTE = timedelta(minutes=1)
FLOW_SHARE = Decimal("0.9")
FLOW_TRADES = 50
FLOW_WINDOW = timedelta(minutes=15)
# What follows within this time of the last sign of it is the same burst, and one event.
QUIET = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A trade as the rules see it: when, and how many dollars towards YES or NO (a sell of YES goes to NO)."""

    at: datetime
    towards: str
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Finding:
    """Something unusual: at which moment, in a plain sentence, with what was measured and against what."""

    at: datetime
    message: str
    value: Decimal
    threshold: Decimal


def towards(side: str, outcome: str) -> str:
    """The outcome a trade's money goes to."""
    return outcome if side == "buy" else "no" if outcome == "yes" else "yes"


def stake(*, at: datetime, cost_usd: Decimal, median_usd: Decimal | None, user_id: str) -> Finding | None:
    """A stake far beyond the user's own; without earlier stakes nothing is unusual."""
    if median_usd is None or cost_usd < STAKE_LEAST_USD or cost_usd <= STAKE_TIMES_MEDIAN * median_usd:
        return None
    times = shown.amount(cost_usd / median_usd, 1).removesuffix(".0") if median_usd else "far more than 10"
    message = (
        f"{{{user_id}}} staked ${shown.amount(cost_usd)}, {times} times their own 30-day median"
        f" of ${shown.amount(median_usd)}"
    )
    return Finding(at, message, cost_usd, money.half_up(STAKE_TIMES_MEDIAN * median_usd))


def rapid(moments: Sequence[datetime], *, user_id: str) -> list[Finding]:
    """The moments at which a user had made more than 20 trades within a minute. ``moments`` ascend."""
    window: deque[datetime] = deque()
    found = []
    for at in moments:
        window.append(at)
        while window[0] <= at - MINUTE:
            window.popleft()
        if len(window) > TRADES_A_MINUTE:
            message = f"{{{user_id}}} made {len(window)} trades within a minute"
            found.append(Finding(at, message, Decimal(len(window)), Decimal(TRADES_A_MINUTE)))
    return found


def one_sided(trades: Iterable[Seen], *, market_id: str) -> list[Finding]:
    """The moments at which nearly all money of a busy quarter of an hour had gone to one side. ``trades`` ascend."""
    window: deque[Seen] = deque()
    sums = {"yes": ZERO, "no": ZERO}
    found = []
    for trade in trades:
        window.append(trade)
        sums[trade.towards] += trade.cost_usd
        while window[0].at <= trade.at - FLOW_WINDOW:
            gone = window.popleft()
            sums[gone.towards] -= gone.cost_usd
        total, side = sums["yes"] + sums["no"], max(sums, key=lambda name: sums[name])
        if len(window) >= FLOW_TRADES and sums[side] > FLOW_SHARE * total:
            percent = money.percent(sums[side], total)
            message = (
                f"{shown.percent(percent)} of the ${shown.amount(total)} traded on {{{market_id}}} within 15 minutes"
                f" ({len(window)} trades) went to {side.upper()}"
            )
            found.append(Finding(trade.at, message, percent, FLOW_SHARE * 100))
    return found


def bursts(findings: Iterable[Finding], *, last_at: datetime | None) -> tuple[list[Finding], datetime | None]:
    """Of each burst only its first finding, and when a sign was last seen. ``findings`` ascend."""
    first = []
    for finding in findings:
        if last_at is None or finding.at - last_at > QUIET:
            first.append(finding)
        last_at = finding.at if last_at is None else max(last_at, finding.at)
    return first, last_at
