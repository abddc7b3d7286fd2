"""A row of the source's catalogue on a market of ours: what is taken over, and what stands. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from trading.models import Market
from trading.polymarket import categories, selection
from trading.polymarket.finality import Final, Waiting, finality
from trading.polymarket.selection import Candidate, SelectionRules
from trading.polymarket.source import SourceMarket

IDENTITY = (
    "gamma_id", "event_id", "event_title", "token_ids", "slug", "title", "description", "tags", "image_url",
    "outcome_labels", "neg_risk", "game_start_at",
)  # fmt: skip
STATE = (
    "source_active", "accepting_orders", "order_book_enabled", "source_closed", "uma_status", "waiting_for",
    "source_volume_usd", "liquidity_usd", "end_date", "source_closed_at", "source_updated_at", "last_seen_at", "source",
    "status", "tradeable", "untradeable_reasons", "yes_mid", "priced_at", "buys_paused_until", "updated_at",
)  # fmt: skip
UNREMARKABLE = frozenset({"source_updated_at", "last_seen_at", "source", "priced_at", "updated_at"})
"""What differs at every look and makes no market "changed"."""

AWAITS_STAFF = "staff"


def rules_of(values: Mapping[str, Any]) -> SelectionRules:
    """The selection filter's thresholds from PREDICTU_SELECTION."""
    return SelectionRules(
        min_time_to_end=timedelta(minutes=values["min_minutes_to_end"]),
        min_mid=Decimal(values["min_mid"]),
        max_mid=Decimal(values["max_mid"]),
        min_liquidity_usd=Decimal(values["min_liquidity_usd"]),
        min_volume_usd=Decimal(values["min_volume_usd"]),
        max_price_age=timedelta(seconds=values["max_price_age_seconds"]),
    )


def described(source: SourceMarket) -> dict[str, Any]:
    """What of the source's row stands in columns of ours."""
    return {
        "gamma_id": source.gamma_id,
        "event_id": source.event_id or "",
        "event_title": source.event_title,
        "token_ids": list(source.token_ids or ()),
        "slug": source.slug,
        "title": source.title,
        "description": source.description,
        "tags": [tag.slug for tag in source.tags],
        "image_url": source.image_url,
        "outcome_labels": list(source.outcome_labels),
        "neg_risk": source.neg_risk,
        "game_start_at": source.game_start_time,
        "source_active": source.active and not source.archived,
        "accepting_orders": source.accepting_orders,
        "order_book_enabled": source.enable_order_book,
        "source_closed": source.closed,
        "uma_status": source.uma_status or "",
        "source_volume_usd": source.volume_usd,
        "liquidity_usd": source.liquidity_usd,
        "end_date": source.planned_end,
        "source_closed_at": source.closed_time,
        "source_updated_at": source.updated_at,
        "source": dict(source.raw),
    }


def take_over(market: Market, source: SourceMarket) -> Final | None:
    """Bring ``market`` up to what the source says of it, its price apart; the result when it is final now.

    What is known is not forgotten because a listing leaves it out: tokens, texts, labels, and all that the CLOB's own
    listing (which has no Gamma id) does not know. A market that is over keeps its status; what the source says of it
    since is kept as evidence.
    """
    for name, value in described(source).items():
        if value in (None, "", []) and (name in IDENTITY or not source.gamma_id):
            continue
        setattr(market, name, value)
    if market.is_over:
        market.waiting_for = ""
        return None
    found = finality(source)
    market.waiting_for = _waiting(found)
    market.status = status_of(market)
    return found if isinstance(found, Final) else None


def _waiting(found: Any) -> str:
    if isinstance(found, Final):
        return AWAITS_STAFF
    return "" if found.reason == Waiting.STILL_OPEN else found.reason.value


def status_of(market: Market) -> str:
    """Active or paused, of a market that is not over."""
    if market.paused_by_staff or market.source_closed or not market.accepting_orders:
        return Market.Status.PAUSED
    return Market.Status.ACTIVE


def category_of(source: SourceMarket) -> str | None:
    """Where the mapping files it; None when its tags name none of our categories."""
    return categories.load().category_of(source.category_words)


def select(market: Market, rules: SelectionRules, *, now: datetime) -> None:
    """Apply the selection filter: ``tradeable`` and the reasons for failing. Staff's override is left alone."""
    candidate = Candidate(
        closed=market.source_closed or market.is_over,
        active=market.source_active,
        accepting_orders=market.accepting_orders,
        enable_order_book=market.order_book_enabled,
        end_date=market.end_date,
        yes_mid=market.yes_mid,
        priced_at=market.priced_at,
        liquidity_usd=market.liquidity_usd,
        volume_usd=market.source_volume_usd,
        category=market.category,
    )
    failed = selection.reasons(candidate, rules, now=now)
    market.tradeable = not failed
    market.untradeable_reasons = [{"code": reason.code.value, "text": reason.text} for reason in failed]


def price(market: Market, mid: Decimal, *, at: datetime, jump: Decimal, pause: timedelta) -> bool:
    """Set the yes mid as read ``at``; a jump since the last read pauses buys. Whether the mid has moved."""
    before = market.yes_mid
    if before is not None and abs(mid - before) >= jump:
        market.buys_paused_until = at + pause
    market.yes_mid, market.priced_at = mid, at
    return before != mid
