"""What the five values of a score mean, trade by trade.

Pure and plain: this is the definition that the set-wise gathering is held to, and what explains a single trade to
staff. Prices and mids are dollars a share; a market's readings are of yes' mid, in the order of time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import accumulate

from predictu.money import ONE, ZERO, rounded

CLOSING_AFTER = timedelta(hours=24)
OPEN_FROM, OPEN_TO = Decimal("0.05"), Decimal("0.95")
"""Outside of these the result is as good as known, and a closing mid would only repeat it."""
FOLLOWED_WITHIN = timedelta(minutes=5)
FOLLOWED_BY = Decimal("0.03")
MATCHED_WITHIN = timedelta(minutes=2)
MATCHED_FROM = 10
"""Buys an account must have to be compared with others."""
PLACES = 4


@dataclass(frozen=True, slots=True)
class Buy:
    """A buy, neither test nor cancelled. ``price`` is what was paid, ``mid`` the bought outcome's at that moment."""

    market: str
    outcome: str
    price: Decimal
    mid: Decimal
    cost_usd: Decimal
    placed_at: datetime


@dataclass(frozen=True)
class MarketHistory:
    """A market's readings and the dates that end them; ``closed_at`` is None while it trades."""

    times: Sequence[datetime]
    mids: Sequence[Decimal]
    game_start_at: datetime | None = None
    end_date: datetime | None = None
    closed_at: datetime | None = None

    def at(self, moment: datetime) -> int:
        """Index of the last reading up to the moment, -1 where there is none."""
        return bisect_right(self.times, moment) - 1

    @cached_property
    def last_open(self) -> list[int]:
        """For each reading the index of the last one up to it within OPEN_FROM and OPEN_TO, -1 where there is none."""
        indexes = [i if OPEN_FROM <= mid <= OPEN_TO else -1 for i, mid in enumerate(self.mids)]
        return list(accumulate(indexes, max))


def closing_mid(buy: Buy, history: MarketHistory, *, now: datetime) -> Decimal | None:
    """The bought outcome's mid at the earliest of game start, end date, a day after the trade, and the last reading
    within OPEN_FROM and OPEN_TO before the market closed.

    None while that moment is not known or not over, where it does not come after the trade (a bet during the game), and
    where there is no reading. A market that still trades has no last reading yet: the last one so far stands for it,
    but only once another of the moments has passed.
    """
    dates = (history.game_start_at, history.end_date, buy.placed_at + CLOSING_AFTER)
    earliest = min(date for date in dates if date is not None)
    closed = history.closed_at is not None and history.closed_at <= now
    if not closed and earliest > now:
        return None
    until = history.at(history.closed_at if closed and history.closed_at else now)
    last = history.last_open[until] if until >= 0 else -1
    if last < 0:
        return None
    moment = min(earliest, history.times[last])
    if moment <= buy.placed_at:
        return None
    reading = history.at(moment)
    return _side(buy, history.mids[reading]) if reading >= 0 else None


def edge(pairs: Iterable[tuple[Buy, MarketHistory]], *, now: datetime) -> Decimal | None:
    """Mean of (closing mid − price paid) ÷ price paid, weighted by cost, over the buys that have a closing mid."""
    gain = cost = ZERO
    for buy, history in pairs:
        closing = closing_mid(buy, history, now=now)
        if closing is not None:
            gain += buy.cost_usd * (closing - buy.price) / buy.price
            cost += buy.cost_usd
    return rounded(gain / cost, PLACES) if cost else None


def followed(buy: Buy, history: MarketHistory) -> bool:
    """Whether a reading within five minutes after the buy was at least three points better for it."""
    first, last = history.at(buy.placed_at) + 1, history.at(buy.placed_at + FOLLOWED_WITHIN)
    return any(_side(buy, mid) >= buy.mid + FOLLOWED_BY for mid in history.mids[first : last + 1])


def timing(pairs: Iterable[tuple[Buy, MarketHistory]], *, now: datetime) -> Decimal | None:
    """Share of the buys that were followed by a better mid, of those whose five minutes are over."""
    results = [followed(buy, history) for buy, history in pairs if buy.placed_at + FOLLOWED_WITHIN <= now]
    return _share(sum(results), len(results))


def win_rate(pnls: Sequence[Decimal]) -> Decimal | None:
    """Share of the bets held to their settlement that were won; ``pnls`` are what the settlement gave or took.

    A bet counts while something of it was left when its market settled. What was sold before says less than nothing
    here: the buy settles with a profit of 0 whatever was won by it, and who takes a small gain within the hour loses
    the spread on every sale that has not moved yet. Edge and timing judge those bets.
    """
    return _share(sum(pnl > 0 for pnl in pnls), len(pnls))


def steadiness(costs: Sequence[Decimal]) -> Decimal | None:
    """1 − the coefficient of variation of the buys' costs (of all of them: the population's), within 0 and 1."""
    if not costs:
        return None
    count = len(costs)
    total = sum(costs, ZERO)
    spread = max(ZERO, count * sum((cost * cost for cost in costs), ZERO) - total * total)
    return rounded(max(ZERO, ONE - spread.sqrt() / total), PLACES)


def matched(mine: Sequence[Buy], theirs: Sequence[Buy]) -> int:
    """How many of my buys the other account matched: same market and outcome within two minutes, before or after."""
    return sum(
        any(
            (a.market, a.outcome) == (b.market, b.outcome) and abs(a.placed_at - b.placed_at) <= MATCHED_WITHIN
            for b in theirs
        )
        for a in mine
    )


def correlation(user: str, buys: Mapping[str, Sequence[Buy]]) -> tuple[Decimal, str, int] | None:
    """The highest share of the user's buys that one other account matched, that account, and how many they were.

    Both must have MATCHED_FROM buys; of equals the first id. None for a user with fewer; a share of 0 names nobody.
    """
    mine = buys[user]
    if len(mine) < MATCHED_FROM:
        return None
    others = [other for other in sorted(buys) if other != user and len(buys[other]) >= MATCHED_FROM]
    counts = {other: matched(mine, buys[other]) for other in others}
    best = max(others, key=lambda other: counts[other], default="")
    if not best or not counts[best]:
        return ZERO, "", 0
    return rounded(Decimal(counts[best]) / len(mine), PLACES), best, counts[best]


def _side(buy: Buy, yes_mid: Decimal) -> Decimal:
    return yes_mid if buy.outcome == "yes" else ONE - yes_mid


def _share(part: int, whole: int) -> Decimal | None:
    return rounded(Decimal(part) / whole, PLACES) if whole else None
