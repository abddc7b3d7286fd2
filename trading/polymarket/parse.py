"""A raw Gamma market to one value the platform understands, or the reason why it is left out.

Nothing is invented: a missing, zero or mismatched price is None, an unreadable number is unknown, never 0. The first
outcome is our ``yes``, except for a pair labelled No/Yes, which is turned round.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from predictu import money
from trading.polymarket import reading
from trading.polymarket.source import (
    DESCRIPTION_LENGTH,
    GAMMA_ID_LENGTH,
    ID_LENGTH,
    LABEL_LENGTH,
    SLUG_LENGTH,
    STATUS_LENGTH,
    TAGS_KEPT,
    TITLE_LENGTH,
    URL_LENGTH,
    Skip,
    SkipReason,
    SourceMarket,
    Tag,
)

FURTHEST_FROM_ONE = Decimal("0.02")
"""Two prices whose sum is further off contradict each other; every recorded pair of a market with a price adds up."""
WIDEST_ONE_SIDED_SPREAD = Decimal("0.10")
"""With one side of the book empty the source quotes half the distance to it; past this width that is no price."""

_CONDITION_ID = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_TOKEN_ID = re.compile(r"[0-9]{1,80}|0x[0-9a-fA-F]{1,64}", re.ASCII)
_URL = re.compile(r"https?://[^\s\"'<>\\]+", re.ASCII)
_KEPT_RAW = (
    "id", "conditionId", "questionID", "outcomes", "outcomePrices", "clobTokenIds", "active", "closed", "archived",
    "acceptingOrders", "enableOrderBook", "umaResolutionStatus", "umaResolutionStatuses", "umaEndDate",
    "automaticallyResolved", "resolvedBy", "resolutionSource", "endDate", "endDateIso", "gameStartTime",
    "closedTime", "createdAt", "updatedAt", "bestBid", "bestAsk", "spread", "lastTradePrice", "volume", "volumeNum",
    "liquidity", "liquidityNum", "negRisk", "negRiskMarketID", "negRiskRequestID", "groupItemTitle",
)  # fmt: skip


def parse_event(event: Any) -> Iterator[SourceMarket | Skip]:
    """Every market of one Gamma event, with the event's tags."""
    if not isinstance(event, Mapping):
        yield Skip(SkipReason.NOT_AN_OBJECT, "", "The event is not a JSON object.")
        return
    markets = event.get("markets")
    for market in markets if isinstance(markets, list) else ():
        yield parse_market(market, event=event)


def parse_market(raw: Any, *, event: Mapping[str, Any] | None = None) -> SourceMarket | Skip:
    """One market; ``event`` is the event it was nested in, else the stub inside the market is used."""
    if not isinstance(raw, Mapping):
        return Skip(SkipReason.NOT_AN_OBJECT, "", "The row is not a JSON object.")
    condition_id = _matching(raw.get("conditionId"), _CONDITION_ID)
    gamma_id = reading.identifier(raw.get("id"), GAMMA_ID_LENGTH) or ""
    source_id = gamma_id or condition_id or ""
    if not source_id:
        return Skip(SkipReason.NO_ID, "", "The row has neither a Gamma id nor a condition id.")
    if not condition_id:
        return Skip(SkipReason.NO_CONDITION_ID, source_id, "It has no condition id, so its result cannot be followed.")
    labels = _labels(raw.get("outcomes"))
    if isinstance(labels, SkipReason):
        return Skip(labels, source_id, _OUTCOME_SENTENCES[labels])
    title = reading.text(raw.get("question"), TITLE_LENGTH)
    if not title:
        return Skip(SkipReason.NO_TITLE, source_id, "The row has no question.")
    reversed_pair = [label.casefold() for label in labels] == ["no", "yes"]
    return _market(raw, gamma_id, condition_id, title, labels, reversed_pair, event or _event_stub(raw))


def _market(
    raw: Mapping[str, Any],
    gamma_id: str,
    condition_id: str,
    title: str,
    labels: tuple[str, str],
    reversed_pair: bool,
    event: Mapping[str, Any],
) -> SourceMarket:
    prices = _prices(raw.get("outcomePrices"))
    tokens = _tokens(raw.get("clobTokenIds"))
    book = _book(raw)
    last_trade = _inside(reading.number(raw.get("lastTradePrice")))
    if reversed_pair:
        labels, prices, tokens = labels[::-1], prices and prices[::-1], tokens and tokens[::-1]
        book, last_trade = _mirrored(book), _complement(last_trade)
    tags = _tags(event.get("tags")) or _tags(raw.get("tags"))
    return SourceMarket(
        gamma_id=gamma_id,
        condition_id=condition_id,
        question_id=reading.identifier(raw.get("questionID")),
        slug=reading.text(raw.get("slug"), SLUG_LENGTH),
        title=title,
        description=reading.text(raw.get("description"), DESCRIPTION_LENGTH),
        image_url=_url(raw.get("image")) or _url(raw.get("icon")) or _url(event.get("image")),
        outcome_labels=labels,
        token_ids=tokens,
        outcome_prices=prices,
        yes_mid=_mid(prices, book, quoted="bestBid" in raw or "bestAsk" in raw),
        last_trade=last_trade,
        best_bid=book[0],
        best_ask=book[1],
        volume_usd=_amount(raw, "volumeNum", "volume", "volumeClob"),
        liquidity_usd=_amount(raw, "liquidityNum", "liquidity", "liquidityClob"),
        start_date=reading.instant(raw.get("startDate")),
        end_date=reading.instant(raw.get("endDate")),
        end_date_iso=reading.day(raw.get("endDateIso")),
        game_start_time=reading.instant(raw.get("gameStartTime")),
        closed=reading.flag(raw.get("closed")),
        closed_time=reading.instant(raw.get("closedTime")),
        active=reading.flag(raw.get("active")),
        archived=reading.flag(raw.get("archived")),
        accepting_orders=reading.flag(raw.get("acceptingOrders")),
        enable_order_book=reading.flag(raw.get("enableOrderBook")),
        neg_risk=reading.flag(raw.get("negRisk")),
        neg_risk_market_id=reading.identifier(raw.get("negRiskMarketID")),
        neg_risk_request_id=reading.identifier(raw.get("negRiskRequestID")),
        uma_status=reading.text(raw.get("umaResolutionStatus"), STATUS_LENGTH).lower() or None,
        uma_statuses=_words(raw.get("umaResolutionStatuses")),
        automatically_resolved=reading.flag(raw.get("automaticallyResolved")),
        resolution_source=reading.text(raw.get("resolutionSource"), URL_LENGTH),
        event_id=reading.identifier(event.get("id"), GAMMA_ID_LENGTH),
        event_slug=reading.text(event.get("slug"), SLUG_LENGTH),
        event_title=reading.text(event.get("title"), TITLE_LENGTH),
        group_item_title=reading.text(raw.get("groupItemTitle"), TITLE_LENGTH),
        tags=tags,
        category_words=_category_words(raw, event, tags),
        created_at=reading.instant(raw.get("createdAt")),
        updated_at=reading.instant(raw.get("updatedAt")),
        raw={key: _storable(raw[key]) for key in _KEPT_RAW if key in raw},
    )


_OUTCOME_SENTENCES = {
    SkipReason.MALFORMED_OUTCOMES: "Its outcomes cannot be read.",
    SkipReason.FEWER_THAN_TWO_OUTCOMES: "It has fewer than two outcomes.",
    SkipReason.MORE_THAN_TWO_OUTCOMES: "It has more than two outcomes; only binary markets are carried.",
}


def _labels(value: Any) -> tuple[str, str] | SkipReason:
    listed = reading.strings(value)
    if listed is None:
        return SkipReason.MALFORMED_OUTCOMES
    if len(listed) != 2:
        return SkipReason.MORE_THAN_TWO_OUTCOMES if len(listed) > 2 else SkipReason.FEWER_THAN_TWO_OUTCOMES
    first, second = (reading.text(label, LABEL_LENGTH) for label in listed)
    return (first, second) if first and second else SkipReason.MALFORMED_OUTCOMES


def _prices(value: Any) -> tuple[Decimal, Decimal] | None:
    """Both prices as given, each within [0, 1]; None unless there are exactly two readable ones."""
    listed = reading.strings(value)
    if listed is None or len(listed) != 2:
        return None
    first, second = (reading.number(price) for price in listed)
    if first is None or second is None or not (0 <= first <= 1 and 0 <= second <= 1):
        return None
    return first, second


def _tokens(value: Any) -> tuple[str, str] | None:
    listed = reading.strings(value)
    if listed is None or len(listed) != 2:
        return None
    first, second = (_matching(token, _TOKEN_ID) for token in listed)
    return (first, second) if first and second and first != second else None


def _book(raw: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Best bid and ask; 0 and 1 are the source's words for an empty side."""
    return _inside(reading.number(raw.get("bestBid"))), _inside(reading.number(raw.get("bestAsk")))


def _mirrored(book: tuple[Decimal | None, Decimal | None]) -> tuple[Decimal | None, Decimal | None]:
    return _complement(book[1]), _complement(book[0])


def _complement(price: Decimal | None) -> Decimal | None:
    return None if price is None else 1 - price


def _inside(price: Decimal | None) -> Decimal | None:
    """A price to four places if it then lies strictly between 0 and 1."""
    if price is None:
        return None
    rounded = money.rounded(price, 4)
    return rounded if 0 < rounded < 1 else None


def _mid(
    prices: tuple[Decimal, Decimal] | None, book: tuple[Decimal | None, Decimal | None], *, quoted: bool
) -> Decimal | None:
    if prices is None or abs(prices[0] + prices[1] - 1) > FURTHEST_FROM_ONE:
        return None
    bid, ask = book
    if quoted and (bid is None or ask is None) and (ask or 1) - (bid or 0) > WIDEST_ONE_SIDED_SPREAD:
        return None
    return _inside(prices[0])


def _amount(raw: Mapping[str, Any], *keys: str) -> Decimal | None:
    """The first of ``keys`` that holds an amount of dollars, to the cent; negative ones are unreadable."""
    for key in keys:
        amount = reading.number(raw.get(key))
        if amount is not None and amount >= 0:
            return money.half_up(amount)
    return None


def _event_stub(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    events = raw.get("events")
    first = events[0] if isinstance(events, list) and events else None
    return first if isinstance(first, Mapping) else {}


def _tags(value: Any) -> tuple[Tag, ...]:
    """Gamma's tag objects, or the CLOB listing's bare labels, without repeats."""
    found: dict[str, Tag] = {}
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            label = reading.text(item.get("label"), LABEL_LENGTH)
            name = reading.slug(reading.text(item.get("slug"), LABEL_LENGTH) or label)
        else:
            label = reading.text(item, LABEL_LENGTH)
            name = reading.slug(label)
        if name:
            found.setdefault(name, Tag(slug=name, label=label or name))
    return tuple(found.values())[:TAGS_KEPT]


def _category_words(raw: Mapping[str, Any], event: Mapping[str, Any], tags: Sequence[Tag]) -> tuple[str, ...]:
    """What the category mapping may go by, as slugs: tags, the old ``category`` column, the series."""
    words = [word for tag in tags for word in (tag.slug, reading.slug(tag.label))]
    for value in (raw.get("category"), event.get("category"), event.get("seriesSlug")):
        words.append(reading.slug(reading.text(value, LABEL_LENGTH)))
    return tuple(dict.fromkeys(word for word in words if word))


def _words(value: Any) -> tuple[str, ...]:
    listed = reading.strings(value) or []
    cleaned = (reading.text(word, LABEL_LENGTH).lower() for word in listed)
    return tuple(word for word in cleaned if word)[:TAGS_KEPT]


def _matching(value: Any, pattern: re.Pattern[str]) -> str | None:
    found = reading.identifier(value, ID_LENGTH)
    return found if found and pattern.fullmatch(found) else None


def _url(value: Any) -> str | None:
    """An http(s) address; a longer one than the column holds is dropped, since half an address is none."""
    cleaned = reading.text(value, URL_LENGTH + 1)
    return cleaned if len(cleaned) <= URL_LENGTH and _URL.fullmatch(cleaned) else None


def _storable(value: Any) -> Any:
    """A value a JSON column takes: cleaned text, numbers as text, nothing nested."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return str(value)
    return reading.text(value, 4_000) if isinstance(value, str) else None
