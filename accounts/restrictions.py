"""Whether a player may do something now, decided from plain values. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from predictu.errors import PredictuError, UserRestricted

_SENTENCES = {
    "tier": "This user may not buy",
    "restriction": "A restriction of this user does not allow it",
    "self_exclusion": "This user has excluded themselves",
    "daily_loss_limit": "This user has reached today's loss limit",
    "inactive": "This user is not active",
    "test_user": "Test users stop when the operator goes live",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What restricts a player: status, tier and what staff set."""

    status: str
    is_test: bool
    operator_is_live: bool
    tier: str
    self_excluded_until: datetime | None
    cooldown_until: datetime | None
    allowed_categories: Collection[str] | None
    blocked_categories: Collection[str]
    blocked_markets: Collection[str]


def money_refusal(standing: Standing, *, deposit: bool, now: datetime) -> str | None:
    """Why money may not move, or None. Self-exclusion stops deposits; withdrawals stay."""
    if standing.is_test and standing.operator_is_live:
        return "test_user"
    if standing.status != "active":
        return "inactive"
    if deposit and standing.self_excluded_until is not None and now < standing.self_excluded_until:
        return "self_exclusion"
    return None


def trade_refusal(standing: Standing, *, side: str, category: str, market_id: str, now: datetime) -> str | None:
    """Why this trade may not be, or None. Restrictions stop buys; what is held can always be sold."""
    reason = money_refusal(standing, deposit=side == "buy", now=now)
    if reason is not None or side == "sell":
        return reason
    if standing.tier == "banned":
        return "tier"
    if standing.cooldown_until is not None and now < standing.cooldown_until:
        return "restriction"
    if standing.allowed_categories is not None and category not in standing.allowed_categories:
        return "restriction"
    if category in standing.blocked_categories or market_id in standing.blocked_markets:
        return "restriction"
    return None


def refused(reason: str) -> PredictuError:
    """The error that names ``reason``."""
    return UserRestricted(_SENTENCES[reason], details={"reason": reason})


def limit_tier(
    *,
    limit_tier: str,
    set_by: str,
    created_at: datetime,
    trade_count: int,
    enabled: bool,
    days: int,
    trades: int,
    now: datetime,
) -> str:
    """The limit tier in force: a new user old and busy enough is regular, unless someone set it otherwise."""
    due = enabled and trade_count >= trades and now - created_at > timedelta(days=days)
    return "regular" if limit_tier == "new" and set_by == "system" and due else limit_tier
