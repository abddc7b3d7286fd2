"""Players and ledger entries as lists show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from accounts import signups
from accounts.models import LedgerEntry, Player
from operators.models import Operator
from predictu import clock, ids, money
from predictu.api import lists
from predictu.api.pages import Page
from predictu.errors import NotFound
from predictu.money import ZERO

SORTS = {
    "created_at": "created_at",
    "last_active": "last_active_at",
    "balance": "balance_usd",
    "trade_count": "trade_count",
    "pnl": "realized_pnl_usd",
    "score": "score",
}

_COLUMNS = (
    "id external_id username email operator__slug operator__name tier status balance_usd trade_count volume_usd "
    "realized_pnl_usd resolved_count winning_count score open_positions last_active_at created_at"
).split()
_LEDGER_COLUMNS = (
    "id player_id type amount_usd balance_before_usd balance_after_usd reference_type reference_id description "
    "metadata idempotency_key created_at"
).split()


def by_id(user_id: str, operator: Operator | None = None) -> Player:
    """The user of a path; for the Casino API only the operator's own. Raises NotFound, for malformed ids too."""
    try:
        ids.decode("usr", user_id)
    except ValueError:
        raise NotFound("No such user") from None
    found = Player.objects.select_related("operator").filter(pk=user_id)
    if operator is not None:
        found = found.for_operator(operator)
    player = found.first()
    if player is None:
        raise NotFound("No such user")
    return player


@dataclass(frozen=True, slots=True)
class PlayerFilter:
    """Which players; None is no condition. Test users are left out unless asked for alone."""

    search: str | None = None
    operator_id: str | None = None
    tier: str | None = None
    status: str | None = None
    min_balance: Decimal | None = None
    max_balance: Decimal | None = None
    is_test: bool = False


def matching(wanted: PlayerFilter) -> QuerySet[Player]:
    """Search is a substring of user name, e-mail or external id, or a whole user id."""
    conditions = {
        "operator_id": wanted.operator_id,
        "tier": wanted.tier,
        "status": wanted.status,
        "balance_usd__gte": wanted.min_balance,
        "balance_usd__lte": wanted.max_balance,
    }
    found = Player.objects.filter(is_test=wanted.is_test).filter(
        **{name: value for name, value in conditions.items() if value is not None}
    )
    if wanted.search:
        text = wanted.search
        sought = Q(username__icontains=text) | Q(email__icontains=text) | Q(external_id__icontains=text)
        try:
            ids.decode("usr", text)
        except ValueError:
            pass
        else:
            sought |= Q(pk=text)
        found = found.filter(sought)
    return found


def page(wanted: PlayerFilter, *, sort: str, descending: bool, page: Page) -> tuple[list[dict[str, Any]], int]:
    """A page of rows, and how many rows there are in all."""
    found = matching(wanted)
    total = _total(wanted)
    keys = lists.ids_of(found, lists.ordered(sort, descending=descending), page, total)
    rows = lists.in_order(list(Player.objects.filter(pk__in=keys).values(*_COLUMNS)), keys)
    return [row(values) for values in rows], total


def _total(wanted: PlayerFilter) -> int:
    """From the daily counts when nothing but the operator narrows the list; else counted."""
    if wanted == PlayerFilter(operator_id=wanted.operator_id):
        return sum(signups.registered([wanted.operator_id] if wanted.operator_id else None).values())
    return matching(wanted).count()


def row(values: Mapping[str, Any]) -> dict[str, Any]:
    """One user in the documents' words."""
    return {
        "id": values["id"],
        "external_id": values["external_id"],
        "username": values["username"],
        "email": values["email"],
        "operator_slug": values["operator__slug"],
        "operator_name": values["operator__name"],
        "tier": values["tier"],
        "status": values["status"],
        "balance_usd": values["balance_usd"],
        "trade_count": values["trade_count"],
        "volume_usd": values["volume_usd"],
        "pnl_usd": values["realized_pnl_usd"],
        "win_rate": win_rate(values["winning_count"], values["resolved_count"]),
        "score": values["score"],
        "open_positions": values["open_positions"],
        "last_active_at": clock.seconds(values["last_active_at"]),
        "created_at": clock.seconds(values["created_at"]),
    }


def win_rate(winning: int, resolved: int) -> Decimal | None:
    """Winning ÷ resolved trades to four places; None before anything resolved."""
    return money.rounded(Decimal(winning) / resolved, 4) if resolved else None


def average(total: Decimal, count: int) -> Decimal:
    """Dollars a piece, half up; 0 of nothing."""
    return money.half_up(total / count) if count else ZERO


def ledger_page(
    *, player_id: str, type: str | None, start: datetime | None, end: datetime | None, page: Page
) -> tuple[list[dict[str, Any]], int]:
    """A page of a player's ledger, newest first, and how many entries there are: all of them are numbered."""
    found = LedgerEntry.objects.filter(player_id=player_id)
    narrowed = found
    if type is not None:
        narrowed = narrowed.filter(type=type)
    if start is not None:
        narrowed = narrowed.filter(created_at__gte=start)
    if end is not None:
        narrowed = narrowed.filter(created_at__lt=end)
    if narrowed is found:
        total = Player.objects.values_list("ledger_seq", flat=True).get(pk=player_id)
    else:
        total = narrowed.count()
    keys = lists.ids_of(narrowed, lists.ordered("seq", descending=True), page, total)
    rows = lists.in_order(list(LedgerEntry.objects.filter(pk__in=keys).values(*_LEDGER_COLUMNS)), keys)
    return [ledger_row(values) for values in rows], total


def ledger_row(values: Mapping[str, Any]) -> dict[str, Any]:
    """One ledger entry in the documents' words."""
    return {
        "id": values["id"],
        "user_id": values["player_id"],
        "type": values["type"],
        "amount_usd": values["amount_usd"],
        "balance_before_usd": values["balance_before_usd"],
        "balance_after_usd": values["balance_after_usd"],
        "reference_type": values["reference_type"],
        "reference_id": values["reference_id"],
        "description": values["description"],
        "metadata": values["metadata"],
        "idempotency_key": values["idempotency_key"],
        "created_at": clock.seconds(values["created_at"]),
    }


def ledger_entry(entry: LedgerEntry) -> dict[str, Any]:
    """The same of a model."""
    return ledger_row({name: getattr(entry, name) for name in _LEDGER_COLUMNS})
