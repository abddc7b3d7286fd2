"""Invoices whose month begins in the period asked for."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from billing import queries
from billing.models import Invoice
from reports.formats.tables import Kind
from reports.tables.base import QueryTable, column
from reports.tables.filters import Wanted, choice, operator


@dataclass(frozen=True, kw_only=True)
class InvoicesTable(QueryTable):
    def matching(self, wanted: Wanted) -> QuerySet[Any]:
        found = queries.listed(operator_id=wanted.operator.id if wanted.operator else None, status=wanted["status"])
        return queries.with_balance(queries.in_window(found, wanted.start, wanted.end))


TABLE = InvoicesTable(
    type="invoices",
    title="Invoices",
    columns=(
        column("id", Kind.ID),
        column("number", Kind.TEXT),
        column("operator_slug", Kind.TEXT, "Operator"),
        column("operator_name", Kind.TEXT),
        column("period_from", Kind.DATE),
        column("status", Kind.TEXT),
        column("amount_usd", Kind.MONEY),
        column("tax_usd", Kind.MONEY),
        column("total_usd", Kind.MONEY),
        column("balance_due_usd", Kind.MONEY),
        column("gross_usd", Kind.MONEY),
        column("spread_share_usd", Kind.MONEY),
        column("fee_share_usd", Kind.MONEY),
        column("revenue_share_pct", Kind.PERCENT),
        column("trade_volume_usd", Kind.MONEY),
        column("trade_count", Kind.INTEGER, "Trades"),
        column("issued_at", Kind.INSTANT),
        column("due_at", Kind.INSTANT),
        column("paid_at", Kind.INSTANT),
    ),
    filters={"operator": operator, "status": choice(*Invoice.Status.values)},
    sources={
        "operator_slug": "operator__slug",
        "operator_name": "operator__name",
        "period_from": "month",
        **{
            name: name
            for name in (
                "id number status amount_usd tax_usd total_usd balance_due_usd gross_usd spread_share_usd "
                "fee_share_usd revenue_share_pct trade_volume_usd trade_count issued_at due_at paid_at"
            ).split()
        },
    },
)
