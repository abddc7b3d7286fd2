"""How users trade: hours, categories, sessions, frequency, devices, bet sizes.

A pure module that takes counts, which the database sums, and keeps what they mean: which bucket, which session, how
shares are rounded so that they add up. Without data the answer is zeros.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from predictu import money

SESSION_GAP = timedelta(minutes=30)
SINGLE_TRADE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
MICROSECONDS_A_MINUTE = Decimal(60_000_000)
PEAK_HOURS = 4
POPULAR_MARKETS = 10

FREQUENCIES = ("1_per_week", "2_5_per_week", "6_10_per_week", "11_plus_per_week")
BET_SIZES = ("under_5_usd", "5_20_usd", "20_100_usd", "100_plus_usd")
DEVICES = ("mobile", "desktop", "tablet")


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sums over sessions; they add up over users."""

    count: int = 0
    trades: int = 0
    duration: timedelta = timedelta()

    def __add__(self, other: "Sessions") -> "Sessions":
        return Sessions(self.count + other.count, self.trades + other.trades, self.duration + other.duration)


@dataclass(frozen=True, slots=True)
class PopularMarket:
    market_id: str
    title: str
    trade_count: int


def sessions(times: Iterable[datetime]) -> Sessions:
    """One user's sessions from its trade times, ascending: runs with gaps of at most 30 minutes.

    A session lasts from its first trade to its last; one of a single trade lasts a minute.
    """
    total = Sessions()
    first = last = None
    trades = 0
    for moment in times:
        if first is None or last is None or moment - last > SESSION_GAP:
            total += _session(first, last, trades)
            first, trades = moment, 0
        last = moment
        trades += 1
    return total + _session(first, last, trades)


def _session(first: datetime | None, last: datetime | None, trades: int) -> Sessions:
    if first is None or last is None:
        return Sessions()
    return Sessions(1, trades, last - first if trades > 1 else SINGLE_TRADE)


def frequency(trades: int, weeks: int) -> str:
    """The bucket of a user with ``trades`` in ``weeks`` different weeks: trades per such week, rounded half up."""
    per_week = money.rounded(Decimal(trades) / weeks, 0)
    if per_week <= 1:
        return "1_per_week"
    if per_week <= 5:
        return "2_5_per_week"
    return "6_10_per_week" if per_week <= 10 else "11_plus_per_week"


def bet_size(cost_usd: Decimal) -> str:
    """The bucket of a trade by its cost; a bound belongs to the bucket above it."""
    if cost_usd < 5:
        return "under_5_usd"
    if cost_usd < 20:
        return "5_20_usd"
    return "20_100_usd" if cost_usd < 100 else "100_plus_usd"


def peak_hours(trades_by_hour: Mapping[int, int]) -> list[int]:
    """The four busiest UTC hours, ascending; of equally busy ones the earlier. Hours without a trade are none."""
    busiest = sorted(
        (hour for hour, trades in trades_by_hour.items() if trades), key=lambda hour: (-trades_by_hour[hour], hour)
    )
    return sorted(busiest[:PEAK_HOURS])


def distribution(counts: Mapping[str, int], keys: Sequence[str]) -> dict[str, Decimal]:
    """The share of each key among the counted keys, two places, adding up to 1 by largest remainder."""
    return dict(zip(keys, _shares(money.ONE, [counts.get(key, 0) for key in keys], 2), strict=True))


def category_distribution(trades_by_category: Mapping[str, int]) -> list[dict[str, Any]]:
    """Per cent of trades by category with any, largest first (ties by name), adding up to 100 by largest remainder."""
    ordered = sorted(
        (category for category, trades in trades_by_category.items() if trades),
        key=lambda category: (-trades_by_category[category], category),
    )
    shares = _shares(Decimal(100), [trades_by_category[category] for category in ordered], 1)
    return [{"category": category, "pct": share} for category, share in zip(ordered, shares, strict=True)]


def document(
    *,
    trades_by_hour: Mapping[int, int],
    trades_by_category: Mapping[str, int],
    trades_by_device: Mapping[str, int],
    trades_by_bet_size: Mapping[str, int],
    users_by_frequency: Mapping[str, int],
    sessions: Sessions,
    markets: Iterable[PopularMarket],
) -> dict[str, Any]:
    """The documented answer from the counts of a period."""
    popular = sorted(markets, key=lambda market: (-market.trade_count, market.market_id))[:POPULAR_MARKETS]
    return {
        "peak_hours_utc": peak_hours(trades_by_hour),
        "category_distribution": category_distribution(trades_by_category),
        "avg_session_duration_minutes": _mean(
            Decimal(sessions.duration // MICROSECOND) / MICROSECONDS_A_MINUTE, sessions
        ),
        "avg_trades_per_session": _mean(Decimal(sessions.trades), sessions),
        "trade_frequency_distribution": distribution(users_by_frequency, FREQUENCIES),
        "device_breakdown": distribution(trades_by_device, DEVICES),
        "bet_size_distribution": distribution(trades_by_bet_size, BET_SIZES),
        "popular_markets": [
            {"market_id": market.market_id, "title": market.title, "trade_count": market.trade_count}
            for market in popular
        ],
    }


def _mean(total: Decimal, sessions: Sessions) -> Decimal:
    return money.rounded(total / sessions.count, 1) if sessions.count else money.ZERO


def _shares(total: Decimal, counts: Sequence[int], places: int) -> list[Decimal]:
    return money.apportion(total, [Decimal(count) for count in counts], places)
