"""Positions as lists show them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from predictu import clock, money
from predictu.api import lists
from predictu.api.pages import Page
from predictu.money import ZERO
from trading import pricing
from trading.models import Position

_COLUMNS = (
    "id player_id market_id market__title market__yes_mid outcome quantity avg_price cost_basis_usd realized_pnl_usd "
    "payout_price status opened_at closed_at settled_at"
).split()


def page(*, player_id: str, status: str | None, page: Page) -> tuple[list[dict[str, Any]], int]:
    """A page of a player's positions, newest first, and how many there are."""
    found = Position.objects.filter(player_id=player_id)
    if status is not None:
        found = found.filter(status=status)
    total = found.count()
    keys = lists.ids_of(found, lists.ordered("opened_at", descending=True), page, total)
    rows = lists.in_order(list(Position.objects.filter(pk__in=keys).values(*_COLUMNS)), keys)
    return [row(values) for values in rows], total


def row(values: Mapping[str, Any]) -> dict[str, Any]:
    """One position in the documents' words: the outcome's mid while open, its payout price once settled."""
    price = _price(values)
    is_open = values["status"] == Position.Status.OPEN
    value = values["quantity"] * price if is_open and price is not None else ZERO
    return {
        "id": values["id"],
        "user_id": values["player_id"],
        "market_id": values["market_id"],
        "market_title": values["market__title"],
        "outcome": values["outcome"],
        "quantity": values["quantity"],
        "avg_price": values["avg_price"],
        "cost_basis_usd": values["cost_basis_usd"],
        "current_price": price,
        "market_value_usd": money.half_up(value),
        "unrealized_pnl_usd": money.half_up(value - values["cost_basis_usd"]) if is_open else ZERO,
        "realized_pnl_usd": values["realized_pnl_usd"],
        "status": values["status"],
        "opened_at": clock.seconds(values["opened_at"]),
        "closed_at": clock.seconds(values["closed_at"]),
        "settled_at": clock.seconds(values["settled_at"]),
    }


def _price(values: Mapping[str, Any]) -> Decimal | None:
    if values["status"] == Position.Status.SETTLED:
        return values["payout_price"]
    mid = values["market__yes_mid"]
    return None if mid is None else pricing.mid_of(values["outcome"], mid)
