"""The invented world: which markets exist at an instant, and how each of them ends.

Everything is a pure function of seed and time, for any past or future instant; nothing is stored. Markets come in
streams, each a row of numbered markets: a long stream always has one market open, the short stream opens a new one
every few minutes, and one stream keeps a disputed result about at all times.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal, get_args

from trading.feed import chance, wording
from trading.feed.names import IDS_PER_STREAM, Names, names, place_of_condition, place_of_token
from trading.feed.templates import LONG, SHORT

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CATEGORIES = tuple(LONG)
LONG_PERIODS_DAYS = (150, 120, 100, 80, 45, 25, 10)
SHORT_EVERY = timedelta(minutes=6)
SHORT_LIFE_MINUTES = (80, 200)
DISPUTE_EVERY = timedelta(days=3)

PROPOSED_AFTER = timedelta(minutes=2)
DISPUTED_AFTER = timedelta(minutes=30)
DISPUTE_LASTS = DISPUTE_EVERY + timedelta(hours=6)
LONG_CHALLENGE = timedelta(hours=2)
SHORT_CHALLENGE = timedelta(minutes=8)
CLOSED_AFTER = timedelta(minutes=3)
DECIDED_LATEST = timedelta(minutes=25)
LONGEST_AFTERMATH = {"short": timedelta(minutes=30), "long": timedelta(hours=3), "disputed": timedelta(days=4)}
"""From the planned end to the closing, at most."""
OVERTURNED_SHARE = 0.35

Kind = Literal["long", "short", "disputed"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LASTING: tuple[Kind, ...] = ("long", "disputed")
FLEETING: tuple[Kind, ...] = ("short",)
Result = Literal["yes", "no", "split", "cancelled"]


@dataclass(frozen=True, slots=True)
class Stream:
    """A row of markets, number n opening at ``first + n × every``; without a category they take turns."""

    index: int
    kind: Kind
    category: str | None
    every: timedelta
    first: datetime

    @property
    def longest_life(self) -> timedelta:
        """From opening to closing, at most."""
        planned = timedelta(minutes=SHORT_LIFE_MINUTES[1]) if self.kind == "short" else self.every
        return planned + LONGEST_AFTERMATH[self.kind]

    def newest(self, at: datetime) -> int:
        """The number of the last market opened by ``at``."""
        return (at - self.first) // self.every


@dataclass(frozen=True, slots=True)
class WorldMarket:
    """One invented market with everything that will ever be true of it; ``result`` is known here from the start.

    Trading is over at ``decided_at``. The oracle's result is proposed two minutes later, perhaps disputed, and final at
    ``confirmed_at``; the source closes the market at ``closed_at``. A cancelled one closes without the oracle.
    ``end_date`` is only the plan. ``key`` names its chances.
    """

    key: str
    kind: Kind
    names: Names
    category: str
    tags: tuple[str, ...]
    title: str
    description: str
    labels: tuple[str, str]
    opens_at: datetime
    end_date: datetime
    decided_at: datetime
    confirmed_at: datetime
    closed_at: datetime
    result: Result
    proposed_result: Result
    starting_price: float
    half_spread: Decimal
    final_volume_usd: float
    liquidity_usd: float


class World:
    """``World(seed)`` has a past and a future around any instant; ``epoch`` is where its markets are numbered 0."""

    def __init__(self, seed: int = 1, epoch: datetime = EPOCH) -> None:
        self.seed = seed
        self.streams = tuple(_streams(seed, epoch))

    def markets(self, *, at: datetime, kinds: Collection[Kind] = KINDS) -> list[WorldMarket]:
        """Every market not yet closed at ``at``, those waiting for the oracle included, by Gamma id."""
        return [market for market in self._around(at, at, kinds) if market.opens_at <= at < market.closed_at]

    def closed(self, *, since: datetime, until: datetime, kinds: Collection[Kind] = KINDS) -> list[WorldMarket]:
        """Every market closed in [since, until), by Gamma id; 240 short ones a day, so leave them out of long spans."""
        return [market for market in self._around(since, until, kinds) if since <= market.closed_at < until]

    def market(self, stream: int, number: int) -> WorldMarket:
        """The market of that stream and number, past or future."""
        return _market(self.seed, self.streams[stream], number)

    def find(self, condition_id: str) -> WorldMarket | None:
        """The market with this condition id, whenever it opens; None for a foreign id."""
        market = self._at(place_of_condition(condition_id))
        return market if market and market.names.condition_id == condition_id else None

    def by_token(self, token_id: str) -> tuple[WorldMarket, int] | None:
        """The market of a token and which of the pair it is (0: yes); None for a foreign id."""
        market = self._at(place_of_token(token_id))
        if market is None or token_id not in market.names.token_ids:
            return None
        return market, market.names.token_ids.index(token_id)

    def _at(self, place: tuple[int, int] | None) -> WorldMarket | None:
        if place is None or place[0] >= len(self.streams) or abs(place[1]) >= _numbers(self.streams[place[0]]):
            return None
        return self.market(*place)

    def _around(self, since: datetime, until: datetime, kinds: Collection[Kind]) -> Iterator[WorldMarket]:
        """Every market that may have been alive in the span, by Gamma id."""
        for stream in (each for each in self.streams if each.kind in kinds):
            for number in range(stream.newest(since - stream.longest_life), stream.newest(until) + 1):
                yield _market(self.seed, stream, number)


def _numbers(stream: Stream) -> int:
    """Numbers run from minus to plus this; the short stream's reach 57 years either way."""
    return 5_000_000 if stream.kind == "short" else IDS_PER_STREAM // 2


def _streams(seed: int, epoch: datetime) -> Iterator[Stream]:
    index = 0
    for category in CATEGORIES:
        for days in LONG_PERIODS_DAYS:
            shift = timedelta(hours=int(chance.between(f"{seed}/shift/{index}", 0, 24 * days)))
            yield Stream(index, "long", category, timedelta(days=days), epoch - shift)
            index += 1
    yield Stream(index, "disputed", "politics", DISPUTE_EVERY, epoch)
    yield Stream(index + 1, "short", None, SHORT_EVERY, epoch)


@lru_cache(maxsize=8192)
def _market(seed: int, stream: Stream, number: int) -> WorldMarket:
    key = f"{seed}/{stream.index}/{number}"
    opens_at = stream.first + number * stream.every
    short = stream.kind == "short"
    category = stream.category or CATEGORIES[number % len(CATEGORIES)]
    templates = (SHORT if short else LONG)[category]
    template = templates[(number // len(CATEGORIES) if short else number + stream.index) % len(templates)]
    end_date = opens_at + (_short_life(key, opens_at) if short else stream.every)
    decided_at = _decided(key, stream.kind, opens_at, end_date)
    starting_price = chance.between(f"{key}/start", *((0.35, 0.65) if short else (0.2, 0.8)))
    result = _result(key, stream, number, starting_price, (decided_at - opens_at).total_seconds())
    overturned = stream.kind == "disputed" and chance.uniform(f"{key}/overturned") < OVERTURNED_SHARE
    confirmed_at = decided_at + _until_confirmed(stream.kind, result)
    words = wording.fill(template, key, end_date)
    thin = short and number % 11 == 7
    return WorldMarket(
        key=key,
        kind=stream.kind,
        names=names(seed, stream.index, number, short=short),
        category=category,
        tags=template.tags,
        title=words.title,
        description=words.description,
        labels=words.labels,
        opens_at=opens_at,
        end_date=end_date,
        decided_at=decided_at,
        confirmed_at=confirmed_at,
        closed_at=confirmed_at + CLOSED_AFTER,
        result=result,
        proposed_result=_OPPOSITE[result] if overturned else result,
        starting_price=starting_price,
        half_spread=chance.choice(f"{key}/spread", _HALF_SPREADS),
        final_volume_usd=600.0 if thin else 10 ** chance.between(f"{key}/volume", *_VOLUME_DECADES[short]),
        liquidity_usd=350.0 if thin else 10 ** chance.between(f"{key}/liquidity", *_LIQUIDITY_DECADES[short]),
    )


_OPPOSITE: dict[Result, Result] = {"yes": "no", "no": "yes", "split": "split", "cancelled": "cancelled"}
_HALF_SPREADS = (Decimal("0.002"), Decimal("0.005"), Decimal("0.010"))
_VOLUME_DECADES = {False: (4.6, 6.6), True: (4.1, 5.2)}
_LIQUIDITY_DECADES = {False: (3.9, 5.6), True: (3.4, 4.6)}


def _short_life(key: str, opens_at: datetime) -> timedelta:
    """Up to a full five minutes of the clock."""
    minutes = int(chance.between(f"{key}/life", *SHORT_LIFE_MINUTES))
    return timedelta(minutes=minutes - (opens_at.minute + minutes) % 5)


def _decided(key: str, kind: Kind, opens_at: datetime, end_date: datetime) -> datetime:
    """When the answer is known: mostly at the planned end, sometimes well before it, sometimes after."""
    if kind == "short":
        return end_date + timedelta(seconds=int(chance.between(f"{key}/late", 60, 240)))
    draw = chance.uniform(f"{key}/decided")
    if kind == "long" and draw < 0.2:
        hours = (end_date - opens_at).total_seconds() / 3600 * chance.between(f"{key}/early", 0.03, 0.10)
        return end_date - timedelta(hours=int(hours))
    return end_date + DECIDED_LATEST * draw if draw < 0.5 else end_date


def _until_confirmed(kind: Kind, result: Result) -> timedelta:
    if result == "cancelled":
        return timedelta()
    if kind == "disputed":
        return DISPUTED_AFTER + DISPUTE_LASTS
    return PROPOSED_AFTER + (SHORT_CHALLENGE if kind == "short" else LONG_CHALLENGE)


def _result(key: str, stream: Stream, number: int, starting_price: float, seconds: float) -> Result:
    """Where the price path ends, but for fixed turns: so that any ten weeks hold every kind of result."""
    turns: dict[int, Result] = {}
    if stream.kind == "short":
        turns = {11: "split", 31: "cancelled"}
        turn = number % 40
    elif stream.kind == "long" and stream.every == timedelta(days=LONG_PERIODS_DAYS[-1]):
        turns = {0: "split", 2: "cancelled"}
        turn = (number + stream.index) % 5
    else:
        turn = -1
    if turn in turns:
        return turns[turn]
    return "yes" if chance.ends_yes(key, seconds, starting_price) else "no"
