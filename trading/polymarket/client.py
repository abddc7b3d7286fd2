"""The source's calls a sync needs: Gamma's listings page by page, CLOB's mids and price history.

Rows come as they were sent, with Decimals for numbers; ``parse`` reads them. Paging stops with an error rather than
going round: a cursor that is ignored would show page one for ever.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from predictu import money
from trading.polymarket import reading
from trading.polymarket.errors import PagingStuck, SourceMalformed
from trading.polymarket.transport import ClientOptions, Transport

PAGE_SIZE = 100
CONDITION_IDS_PER_CALL = 70
"""100 are allowed, but a URL over 8 KB is refused and each takes 81 characters."""
TOKENS_PER_CALL = 100
LONGEST_HISTORY_WINDOW = timedelta(days=15)
RESOLVED_FIDELITY_MINUTES = 720
"""Below twelve-hour steps the history of a resolved market is empty."""
DEFAULT_OPTIONS = ClientOptions()
END_CURSORS = (None, "", "LTE=")
Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as they came; ``next_cursor`` resumes after them and is None on the last page."""

    rows: list[Any]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PricePoint:
    at: datetime
    price: Decimal


class PolymarketClient:
    """Calls raise the errors of ``trading.polymarket.errors``. One client serves one thread."""

    def __init__(
        self,
        *,
        gamma_url: str,
        clob_url: str,
        options: ClientOptions = DEFAULT_OPTIONS,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gamma = Transport(gamma_url, options=options, sleep=sleep, monotonic=monotonic)
        self._clob = Transport(clob_url, options=options, sleep=sleep, monotonic=monotonic)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._gamma.close()
        self._clob.close()

    def events_keyset(
        self,
        *,
        closed: bool,
        after_cursor: str | None = None,
        page_size: int = PAGE_SIZE,
        filters: Parameters = (),
    ) -> Iterator[Page]:
        """Pages of events with tags and nested markets, from ``after_cursor`` on; keep ``filters`` between pages."""
        asked = [("closed", _written(closed)), ("limit", str(page_size)), *filters]
        return self._pages("/events/keyset", "events", asked, after_cursor)

    def markets_keyset(
        self, *, closed: bool, condition_ids: Iterable[str] | None = None, after_cursor: str | None = None
    ) -> Iterator[Page]:
        """Pages of markets with their tags: all of them, or those with these condition ids, in calls of ≤ 70 ids."""
        asked = [("closed", _written(closed)), ("limit", str(PAGE_SIZE)), ("include_tag", "true")]
        if condition_ids is None:
            yield from self._pages("/markets/keyset", "markets", asked, after_cursor)
            return
        for ids in _batches(condition_ids, CONDITION_IDS_PER_CALL):
            yield from self._pages("/markets/keyset", "markets", [*asked, *(("condition_ids", each) for each in ids)])

    def post_midpoints(self, token_ids: Iterable[str]) -> dict[str, Decimal]:
        """Mids to four places by token, those strictly inside (0, 1); tokens without one are absent."""
        found: dict[str, Decimal] = {}
        for tokens in _batches(token_ids, TOKENS_PER_CALL):
            answer = self._clob.call("POST", "/midpoints", json=[{"token_id": token} for token in tokens])
            if not isinstance(answer, Mapping):
                raise SourceMalformed
            prices = {token: _price(answer.get(token)) for token in tokens}
            found |= {token: price for token, price in prices.items() if price is not None}
        return found

    def prices_history(
        self, token_id: str, *, start: datetime, end: datetime, fidelity_minutes: int = 60, resolved: bool = False
    ) -> list[PricePoint]:
        """The token's prices in [start, end], oldest first, one for each second at most; often there are none.

        A resolved market is asked for in steps of at least twelve hours.
        """
        fidelity = max(fidelity_minutes, RESOLVED_FIDELITY_MINUTES) if resolved else fidelity_minutes
        points: dict[int, Decimal] = {}
        since = start
        while since < end:
            until = min(end, since + LONGEST_HISTORY_WINDOW)
            points |= self._history_window(token_id, since, until, fidelity)
            since = until
        return [
            PricePoint(moment, points[second])
            for second in sorted(points)
            if start <= (moment := datetime.fromtimestamp(second, UTC)) <= end
        ]

    def _history_window(self, token_id: str, since: datetime, until: datetime, fidelity: int) -> dict[int, Decimal]:
        asked = [
            ("market", token_id),
            ("startTs", str(int(since.timestamp()))),
            ("endTs", str(int(until.timestamp()))),
            ("fidelity", str(fidelity)),
        ]
        answer = self._clob.call("GET", "/prices-history", params=asked)
        history = answer.get("history") if isinstance(answer, Mapping) else None
        if not isinstance(history, list):
            raise SourceMalformed
        points = {}
        for point in history:
            second, price = (point.get("t"), point.get("p")) if isinstance(point, Mapping) else (None, None)
            moment, read = reading.number(second), _price(price)
            if moment is not None and read is not None and since.timestamp() - 1 <= moment <= until.timestamp() + 1:
                points[int(moment)] = read
        return points

    def _pages(self, path: str, wrapper: str, asked: Parameters, after_cursor: str | None = None) -> Iterator[Page]:
        cursors: set[str] = set()
        ids: set[str] = set()
        cursor = after_cursor
        while True:
            params = [*asked]
            if cursor:
                cursors.add(cursor)
                params.append(("after_cursor", cursor))
            answer = self._gamma.call("GET", path, params=params)
            rows = answer.get(wrapper) if isinstance(answer, Mapping) else None
            if not isinstance(rows, list):
                raise SourceMalformed
            told = answer.get("next_cursor")
            cursor = told if isinstance(told, str) and told not in END_CURSORS else None
            new = {each for row in rows if (each := _row_id(row))} - ids
            if cursor and not new:
                raise PagingStuck("A page of the source held no new ids")
            ids |= new
            yield Page(rows, cursor)
            if cursor is None:
                return
            if cursor in cursors:
                raise PagingStuck("A cursor of the source came twice")


def _written(value: bool) -> str:
    return "true" if value else "false"


def _batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    """Each item once, in order, ``size`` at a time."""
    distinct = list(dict.fromkeys(items))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def _row_id(row: Any) -> str | None:
    return reading.identifier(row.get("id")) if isinstance(row, Mapping) else None


def _price(value: Any) -> Decimal | None:
    """To four places, if strictly inside (0, 1): a side that is missing counts as 0 or 1 at the source."""
    read = reading.number(value)
    if read is None:
        return None
    rounded = money.rounded(read, 4)
    return rounded if 0 < rounded < 1 else None
