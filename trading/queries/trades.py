"""Trades as lists show them: filters, exact totals, rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import OrderBy, QuerySet

from predictu import clock, ids
from predictu.api import lists
from predictu.api.pages import Page
from trading.models import Trade
from trading.queries import revenue, trade_totals

SORTS = {"created_at": "created_at", "amount": "cost_usd", "price": "price"}
_SPAN = {"created_at__gte", "created_at__lt"}
# Filters whose totals are kept; anything within one of these sets is.
_COUNTED = ({"operator_id", *_SPAN}, {"player_id"}, {"market_id"}, {"status"})
# With these it is counted; without them it is tallied by day, operator and market.
_UNTALLIED = {"player_id", "cost_usd__gte", "cost_usd__lte"}
_TICK = timedelta(milliseconds=1)

_COLUMNS = (
    "id player_id player__username operator__slug operator__name market_id market__title category outcome side price "
    "quantity cost_usd fee_usd spread_usd pnl_usd status transaction_id idempotency_key created_at"
).split()
# Rows of the ids a page holds, as answers show them but for their names; ``{keys}`` picks the ids in the page's order.
_ROWS = """
SELECT trade.id, trade.player_id, player.username, operator.slug, operator.name, trade.market_id, market.title,
       trade.category, trade.outcome, trade.side, trade.price::float8, trade.quantity::float8, trade.cost_usd::float8,
       trade.fee_usd::float8, trade.spread_usd::float8, trade.pnl_usd::float8, trade.status, trade.transaction_id,
       trade.idempotency_key, trade.created_at
FROM (SELECT pk, row_number() OVER () AS place FROM ({keys}) AS page) AS wanted
JOIN trading_trade trade ON trade.id = wanted.pk
JOIN accounts_player player ON player.id = trade.player_id
JOIN operators_operator operator ON operator.id = trade.operator_id
JOIN trading_market market ON market.id = trade.market_id ORDER BY wanted.place{backwards}
"""


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
    """The trades wanted. A span of time is also one of ids, which is how the primary key finds it."""
    found = Trade.objects.filter(is_test=wanted.is_test, **wanted.conditions())
    if wanted.start is not None:
        found = found.filter(pk__gte=ids.encode("trd", ids.first(wanted.start)))
    if wanted.end is not None:
        found = found.filter(pk__lt=ids.encode("trd", ids.first(wanted.end + _TICK)))
    return found


def total(wanted: TradeFilter) -> int:
    """How many there are: from a counter for no filter, one of operator, user, market or status, or a span of time
    (also an operator's); from tallies for combinations without a user and amounts; else, and for test users, counted.
    """
    named = set(wanted.conditions())
    if wanted.is_test or named & _UNTALLIED and named != {"player_id"}:
        return matching(wanted).count()
    if not any(named <= known for known in _COUNTED):
        return trade_totals.tallied(
            operator_id=wanted.operator_id, market_id=wanted.market_id, side=wanted.side, outcome=wanted.outcome,
            status=wanted.status, start=wanted.start, end=wanted.end,
        )  # fmt: skip
    if named & _SPAN:
        return trade_totals.between(wanted.start, wanted.end, wanted.operator_id)
    if wanted.operator_id is not None:
        return trade_totals.of_operator(wanted.operator_id)
    if wanted.player_id is not None:
        return trade_totals.of_player(wanted.player_id)
    if wanted.market_id is not None:
        return trade_totals.of_market(wanted.market_id)
    if wanted.status is not None:
        return trade_totals.by_status()[wanted.status]
    return trade_totals.everywhere()


def active_users(*, start: datetime, end: datetime) -> int:
    """Distinct users with a trade in [start, end), test users left out."""
    return sum(revenue.traders(start=start, end=end).values())


def order_of(wanted: TradeFilter, *, sort: str, descending: bool) -> tuple[OrderBy, ...]:
    """The total order of a list. ``sort`` is a value of SORTS; by time, the index of what it is narrowed to leads."""
    if sort == "created_at" and not {"operator_id", "player_id", "market_id"} & set(wanted.conditions()):
        sort = "id"  # the instant is inside the id
    return lists.ordered(sort, descending=descending)


def page(wanted: TradeFilter, *, sort: str, descending: bool, page: Page) -> tuple[list[dict[str, Any]], int]:
    """A page of trades in the documents' words, and how many there are in all.

    Amounts are numbers as answers carry them, not to be reckoned with.
    """
    count = total(wanted)
    order = order_of(wanted, sort=sort, descending=descending)
    keys = lists.keys_of(matching(wanted), order, page, count)
    if keys is None:
        return [], count
    statement, parameters = keys.queryset.query.sql_with_params()
    with connection.cursor() as cursor:
        # The statement is of our own words and the ORM's, which has left the values to the parameters.
        cursor.execute(_ROWS.format(keys=statement, backwards=" DESC" if keys.backwards else ""), parameters)
        return [_row(*values) for values in cursor.fetchall()], count


def _row(
    id_: UUID, player_id: UUID, username: str, slug: str, name: str, market_id: UUID, title: str, *rest: Any
) -> dict[str, Any]:
    ids_ = ids.encode("trd", id_), ids.encode("usr", player_id), ids.encode("mkt", market_id)
    return row(dict(zip(_COLUMNS, (ids_[0], ids_[1], username, slug, name, ids_[2], title, *rest), strict=True)))


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
