"""What the source says, as values: a market we can carry, or a row left out with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

ID_LENGTH = 80
GAMMA_ID_LENGTH = 32
STATUS_LENGTH = 16
TITLE_LENGTH = 500
SLUG_LENGTH = 255
LABEL_LENGTH = 100
DESCRIPTION_LENGTH = 20_000
URL_LENGTH = 500
TAGS_KEPT = 50
"""The longest texts a market can hold; ids are never shortened, texts are cut."""


class SkipReason(StrEnum):
    NOT_AN_OBJECT = "not_an_object"
    NO_ID = "no_id"
    NO_CONDITION_ID = "no_condition_id"
    NO_TITLE = "no_title"
    MALFORMED_OUTCOMES = "malformed_outcomes"
    FEWER_THAN_TWO_OUTCOMES = "fewer_than_two_outcomes"
    MORE_THAN_TWO_OUTCOMES = "more_than_two_outcomes"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Skip:
    """A row left out; ``source_id`` is its Gamma or condition id, "" without one; ``detail`` is one plain sentence."""

    reason: SkipReason
    source_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Tag:
    slug: str
    label: str


@dataclass(frozen=True, slots=True)
class SourceMarket:
    """One binary market as the source shows it now. Pairs are in the order (our yes, our no).

    ``outcome_prices`` are the prices as given, for judging finality; ``yes_mid`` is the same first price to four
    places, strictly inside (0, 1), and None when there is none to trade on. ``best_bid`` and ``best_ask`` belong to yes
    and are None when that side is empty. Flags that are absent count as false.
    """

    gamma_id: str
    condition_id: str
    question_id: str | None
    slug: str
    title: str
    description: str
    image_url: str | None
    outcome_labels: tuple[str, str]
    token_ids: tuple[str, str] | None
    outcome_prices: tuple[Decimal, Decimal] | None
    yes_mid: Decimal | None
    last_trade: Decimal | None
    best_bid: Decimal | None
    best_ask: Decimal | None
    volume_usd: Decimal | None
    liquidity_usd: Decimal | None
    start_date: datetime | None
    end_date: datetime | None
    end_date_iso: date | None
    game_start_time: datetime | None
    closed: bool
    closed_time: datetime | None
    active: bool
    archived: bool
    accepting_orders: bool
    enable_order_book: bool
    neg_risk: bool
    neg_risk_market_id: str | None
    neg_risk_request_id: str | None
    uma_status: str | None
    uma_statuses: tuple[str, ...]
    automatically_resolved: bool
    resolution_source: str
    event_id: str | None
    event_slug: str
    event_title: str
    group_item_title: str
    tags: tuple[Tag, ...]
    category_words: tuple[str, ...]
    created_at: datetime | None
    updated_at: datetime | None
    raw: Mapping[str, Any] = field(hash=False)

    @property
    def planned_end(self) -> datetime | None:
        """When the market is planned to end; a bare date means its first instant. Markets resolve before and after."""
        if self.end_date or self.end_date_iso is None:
            return self.end_date
        return datetime.combine(self.end_date_iso, time(), UTC)
