"""Trades of a period, without those of test users."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from reports.formats.tables import Kind
from reports.tables.base import QueryTable, column
from reports.tables.filters import Wanted, amount, choice, operator, type_id
from trading.models import Outcome, Side, Trade
from trading.queries import trades


@dataclass(frozen=True, kw_only=True)
class TradesTable(QueryTable):
    def matching(self, wanted: Wanted) -> QuerySet[Any]:
        found = trades.TradeFilter(
            operator_id=wanted.operator.id if wanted.operator else None,
            player_id=wanted["user_id"],
            market_id=wanted["market_id"],
            side=wanted["side"],
            outcome=wanted["outcome"],
            status=wanted["status"],
            min_amount=wanted["min_amount"],
            max_amount=wanted["max_amount"],
            start=wanted.start,
            end=wanted.end,
        )
        return trades.matching(found).order_by("-id")


TABLE = TradesTable(
    type="trades",
    title="Trades",
    columns=(
        column("id", Kind.ID),
        column("user_id", Kind.ID),
        column("user_name", Kind.TEXT, "User"),
        column("operator_slug", Kind.TEXT, "Operator"),
        column("operator_name", Kind.TEXT),
        column("market_id", Kind.ID),
        column("market_title", Kind.TEXT, "Market"),
        column("category", Kind.TEXT),
        column("outcome", Kind.TEXT),
        column("side", Kind.TEXT),
        column("price", Kind.PRICE),
        column("quantity", Kind.QUANTITY),
        column("cost_usd", Kind.MONEY),
        column("fee_usd", Kind.MONEY),
        column("spread_usd", Kind.MONEY),
        column("pnl_usd", Kind.MONEY),
        column("status", Kind.TEXT),
        column("s2s_transaction_id", Kind.TEXT),
        column("idempotency_key", Kind.TEXT),
        column("created_at", Kind.INSTANT),
    ),
    personal=frozenset({"user_name"}),
    filters={
        "operator": operator,
        "user_id": type_id("usr"),
        "market_id": type_id("mkt"),
        "side": choice(*Side.values),
        "outcome": choice(*Outcome.values),
        "status": choice(*Trade.Status.values),
        "min_amount": amount,
        "max_amount": amount,
    },
    sources={
        "id": "id",
        "user_id": "player_id",
        "user_name": "player__username",
        "operator_slug": "operator__slug",
        "operator_name": "operator__name",
        "market_id": "market_id",
        "market_title": "market__title",
        "s2s_transaction_id": "transaction_id",
        **{
            name: name
            for name in (
                "category outcome side price quantity cost_usd fee_usd spread_usd pnl_usd status idempotency_key "
                "created_at"
            ).split()
        },
    },
)
