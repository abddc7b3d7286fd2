"""Trades as lists show them: filters, exact totals, rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet

from accounts.models import Player
from predictu import clock, ids
from predictu.api import lists
from predictu.api.pages import Page
from risk.models import ExposureBucket, Scope
from trading.models import Trade

SORTS = {"created_at": "id", "amount": "cost_usd", "price": "price"}

_COLUMNS = (
    "id player_id player__username operator__slug operator__name market_id market__title category outcome side price "
    "quantity cost_usd fee_usd spread_usd pnl_usd status transaction_id idempotency_key created_at"
).split()


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which trades; None is no condition. Test users' trades are left out unless asked for alone."""

    operator_id: str | None = None
    player_id: str | None = None
    market_id: str | None = None
    side: str | None = None
    outcome: str | None = None
    status: str | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None
    start: datetime | None = None
    end: datetime | None = None
    is_test: bool = False

    def conditions(self) -> dict[str, Any]:
        wanted = {
            "operator_id": self.operator_id,
            "player_id": self.player_id,
            "market_id": self.market_id,
            "side": self.side,
            "outcome": self.outcome,
            "status": self.status,
            "cost_usd__gte": self.min_amount,
            "cost_usd__lte": self.max_amount,
            "created_at__gte": self.start,
            "created_at__lt": self.end,
        }
        return {name: value for name, value in wanted.items() if value is not None}


def matching(wanted: TradeFilter) -> QuerySet[Trade]:
    return Trade.objects.filter(is_test=wanted.is_test, **wanted.conditions())


def total(wanted: TradeFilter) -> int:
    """How many there are: from counters for no filter or one of operator, user, market; else counted."""
    conditions = wanted.conditions()
    if not wanted.is_test and len(conditions) <= 1:
        if not conditions:
            return _bucket(Scope.GLOBAL, "")
        if wanted.operator_id:
            return _bucket(Scope.OPERATOR, wanted.operator_id)
        if wanted.market_id:
            return _bucket(Scope.MARKET, wanted.market_id)
        if wanted.player_id:
            found = Player.objects.filter(pk=wanted.player_id, is_test=False)
            return found.values_list("trade_rows", flat=True).first() or 0
    return matching(wanted).count()


def _bucket(scope: str, scope_id: str) -> int:
    found = ExposureBucket.objects.filter(scope=scope, scope_id=scope_id)
    return found.values_list("trade_rows", flat=True).first() or 0


def active_users(*, since: datetime) -> int:
    """Distinct users with a trade since then, test users left out; the ids bound the scan."""
    recent = Trade.objects.filter(pk__gte=ids.encode("trd", ids.first(since)), created_at__gte=since, is_test=False)
    return recent.exclude(status=Trade.Status.CANCELLED).aggregate(users=Count("player_id", distinct=True))["users"]


def page(wanted: TradeFilter, *, sort: str, descending: bool, page: Page) -> tuple[list[Mapping[str, Any]], int]:
    """A page of rows, and how many rows there are in all."""
    count = total(wanted)
    keys = lists.ids_of(matching(wanted), lists.ordered(sort, descending=descending), page, count)
    return lists.in_order(list(Trade.objects.filter(pk__in=keys).values(*_COLUMNS)), keys), count


def one(trade_id: str) -> Mapping[str, Any]:
    """The columns of one trade as ``row`` takes them."""
    return Trade.objects.values(*_COLUMNS).get(pk=trade_id)


def row(values: Mapping[str, Any]) -> dict[str, Any]:
    """One trade in the documents' words."""
    return {
        "id": values["id"],
        "user_id": values["player_id"],
        "user_name": values["player__username"],
        "operator_slug": values["operator__slug"],
        "operator_name": values["operator__name"],
        "market_id": values["market_id"],
        "market_title": values["market__title"],
        "category": values["category"],
        "outcome": values["outcome"],
        "side": values["side"],
        "price": values["price"],
        "quantity": values["quantity"],
        "cost_usd": values["cost_usd"],
        "fee_usd": values["fee_usd"],
        "spread_usd": values["spread_usd"],
        "pnl_usd": values["pnl_usd"],
        "status": values["status"],
        "s2s_transaction_id": values["transaction_id"],
        "idempotency_key": values["idempotency_key"],
        "created_at": clock.seconds(values["created_at"]),
    }
