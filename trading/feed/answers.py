"""What the feed answers to a call, without HTTP: the few calls of Gamma and CLOB a sync needs, with their limits."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from trading.feed import chance, gamma
from trading.feed.state import mid
from trading.feed.world import FLEETING, LASTING, World, WorldMarket

EVENTS_PER_PAGE = 500
MARKETS_PER_PAGE = 100
DEFAULT_PER_PAGE = 20
IDS_PER_CALL = 100
TOKENS_PER_CALL = 500
LONG_CLOSED_LISTED = timedelta(days=120)
SHORT_CLOSED_LISTED = timedelta(days=2)
LONGEST_HISTORY = timedelta(days=15)
FINE_HISTORY = timedelta(days=31)
COARSE_MINUTES = 720
_INTERVALS = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "1w": timedelta(days=7),
    "1m": FINE_HISTORY,
    "max": timedelta(days=365),
}
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)

Query = Mapping[str, Sequence[str]]


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(text)


@dataclass
class Misbehaviour:
    """How the listings lie, for tests: markets that have vanished, cursors and pages that repeat for ever."""

    vanished: set[str] = field(default_factory=set)
    repeat_cursor: bool = False
    repeat_page: bool = False


class Source:
    """The calls; each takes its query or body and the instant it is asked at. Raises Refused."""

    def __init__(self, world: World, misbehaviour: Misbehaviour) -> None:
        self.world = world
        self.misbehaviour = misbehaviour

    def events(self, query: Query, at: datetime) -> dict[str, Any]:
        """``/events/keyset``: one event a market, with tags and the market nested."""
        listed, closed = self._listed(query, at)
        page, cursor = self._page(listed, query, EVENTS_PER_PAGE)
        rows = [gamma.event(market, at) for market in page]
        if not closed and not query.get("after_cursor"):
            rows.insert(0, gamma.three_way_event(at))
        return {"events": rows, **cursor}

    def markets(self, query: Query, at: datetime) -> dict[str, Any]:
        """``/markets/keyset``: by condition id when given, else the same listing as the events."""
        ids = query.get("condition_ids", ())
        if len(ids) > IDS_PER_CALL:
            raise Refused(422, "too many condition_ids")
        listed, closed = self._listed(query, at) if not ids else (self._asked_for(ids, query, at), False)
        page, cursor = self._page(listed, query, MARKETS_PER_PAGE)
        tagged = _boolean(query, "include_tag")
        return {"markets": [gamma.listing(market, at, include_tags=tagged) for market in page], **cursor}

    def midpoints(self, body: Any, at: datetime) -> dict[str, str]:
        """POST ``/midpoints``: a map of token to mid; tokens without one are absent."""
        if not isinstance(body, list) or len(body) > TOKENS_PER_CALL:
            raise Refused(400, "Invalid payload")
        tokens = [wanted.get("token_id") for wanted in body if isinstance(wanted, dict)]
        prices = {token: self._token_price(token, at) for token in tokens if isinstance(token, str)}
        return {token: price for token, price in prices.items() if price is not None}

    def history(self, query: Query, at: datetime) -> dict[str, Any]:
        """``/prices-history``: irregular points; nothing below twelve-hour steps once a market is closed."""
        token = _one(query, "market")
        fidelity = max(1, _integer(query, "fidelity", 1))
        since, until = _span(query, fidelity, at)
        found = self.world.by_token(token or "")
        if found is None or (found[0].closed_at <= at and fidelity < COARSE_MINUTES):
            return {"history": []}
        market, step = found[0], timedelta(minutes=fidelity)
        moment = max(since, market.opens_at)
        points = []
        while moment <= min(until, at):
            late = timedelta(seconds=int(chance.between(f"{market.key}/tick/{moment.timestamp()}", 0, 50)))
            price = self._token_price(token or "", moment + late)
            if price is not None and moment + late <= at:
                points.append({"t": int((moment + late).timestamp()), "p": float(price)})
            moment += step
        return {"history": points}

    def _token_price(self, token: str, at: datetime) -> str | None:
        found = self.world.by_token(token)
        price = mid(found[0], at) if found else None
        if found is None or price is None or found[0].names.condition_id in self.misbehaviour.vanished:
            return None
        return str(1 - price if found[1] else price)

    def _listed(self, query: Query, at: datetime) -> tuple[list[WorldMarket], bool]:
        closed = _boolean(query, "closed")
        if closed:
            found = self.world.closed(since=at - LONG_CLOSED_LISTED, until=at, kinds=LASTING)
            found += self.world.closed(since=at - SHORT_CLOSED_LISTED, until=at, kinds=FLEETING)
        else:
            found = self.world.markets(at=at)
        return [market for market in found if market.names.condition_id not in self.misbehaviour.vanished], closed

    def _asked_for(self, ids: Sequence[str], query: Query, at: datetime) -> list[WorldMarket]:
        closed = _boolean(query, "closed")
        known = {each: self.world.find(each) for each in ids if each not in self.misbehaviour.vanished}
        found = [market for market in known.values() if market and market.opens_at <= at]
        return sorted(
            (market for market in found if (market.closed_at <= at) == closed), key=lambda market: market.names.gamma_id
        )

    def _page(self, listed: list[WorldMarket], query: Query, most: int) -> tuple[list[WorldMarket], dict[str, str]]:
        if "offset" in query:
            raise Refused(422, "offset is not supported")
        limit = _integer(query, "limit", DEFAULT_PER_PAGE)
        if limit < 0:
            raise Refused(422, "limit must not be negative")
        sent = _one(query, "after_cursor")
        after = _position(sent) if sent and not self.misbehaviour.repeat_page else 0
        rest = [market for market in listed if market.names.gamma_id > after]
        page = rest[: min(limit, most)]
        if not page or (len(rest) == len(page) and not self.misbehaviour.repeat_cursor):
            return page, {}
        last = page[-1].names.gamma_id
        if self.misbehaviour.repeat_cursor:
            return page, {"next_cursor": sent or _cursor(last)}
        if self.misbehaviour.repeat_page:
            return page, {"next_cursor": _cursor(last + (_position(sent) if sent else 0))}
        return page, {"next_cursor": _cursor(last)}


CALLS: dict[tuple[str, str], Callable[[Source, Any, datetime], dict[str, Any]]] = {
    ("GET", "/events/keyset"): Source.events,
    ("GET", "/markets/keyset"): Source.markets,
    ("POST", "/midpoints"): Source.midpoints,
    ("GET", "/prices-history"): Source.history,
}


def _one(query: Query, name: str) -> str | None:
    return query[name][0] if query.get(name) else None


def _boolean(query: Query, name: str) -> bool:
    return (_one(query, name) or "false").lower() == "true"


def _integer(query: Query, name: str, default: int) -> int:
    written = _one(query, name)
    if written is None:
        return default
    try:
        return int(written)
    except ValueError as error:
        raise Refused(422, f"{name} is not an integer") from error


def _span(query: Query, fidelity: int, at: datetime) -> tuple[datetime, datetime]:
    interval = _one(query, "interval")
    if interval is None:
        since = _moment(_integer(query, "startTs", int((at - LONGEST_HISTORY).timestamp())))
        until = _moment(_integer(query, "endTs", int(at.timestamp())))
        if until - since > LONGEST_HISTORY:
            raise Refused(400, "invalid filters: 'startTs' and 'endTs' interval is too long")
        return since, until
    if interval not in _INTERVALS:
        raise Refused(400, "invalid filters: interval")
    longest = _INTERVALS[interval] if fidelity >= COARSE_MINUTES else min(_INTERVALS[interval], FINE_HISTORY)
    return at - longest, at


def _moment(seconds: int) -> datetime:
    if not _EARLIEST.timestamp() <= seconds <= _LATEST.timestamp():
        raise Refused(400, "invalid filters: time out of range")
    return datetime.fromtimestamp(seconds, UTC)


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": position}).encode()).decode()


def _position(cursor: str) -> int:
    try:
        return int(json.loads(base64.urlsafe_b64decode(cursor))["after"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise Refused(422, "after_cursor is not one of ours") from error
