"""The seal of a sent invoice: a hash over everything it states, so that a change by whatever means is seen."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from billing.models import Invoice, InvoiceLine
from predictu import clock

VERSION = 1


def hash_of(invoice: Invoice, lines: Iterable[InvoiceLine]) -> str:
    """SHA-256 of the invoice's content, amounts as text with their cents."""
    return hashlib.sha256(orjson.dumps(_content(invoice, lines), option=orjson.OPT_SORT_KEYS)).hexdigest()


def holds(invoice: Invoice) -> bool:
    """Whether a sent invoice still is what was sealed; a draft has no seal to break."""
    return invoice.is_draft or invoice.content_hash == hash_of(invoice, invoice.lines.all())


def _content(invoice: Invoice, lines: Iterable[InvoiceLine]) -> dict[str, Any]:
    amounts = ("amount_usd", "spread_share_usd", "fee_share_usd", "gross_usd", "share_usd", "trade_volume_usd")
    taxes = ("tax_usd", "total_usd")
    return {
        "version": VERSION,
        "id": invoice.id,
        "number": invoice.number,
        "operator": invoice.operator_id,
        "month": invoice.month.isoformat(),
        "amounts": {name: f"{getattr(invoice, name):.2f}" for name in (*amounts, *taxes)},
        "percentages": [f"{invoice.revenue_share_pct:.2f}", f"{invoice.tax_rate_pct:.2f}"],
        "counts": [invoice.trade_count, invoice.unique_traders, invoice.terms_days],
        "parties": [invoice.seller, invoice.buyer],
        "payment_details": invoice.payment_details,
        "page": [invoice.brand_colour, invoice.logo_id],
        "dates": [clock.milliseconds(moment) for moment in (invoice.issued_at, invoice.due_at, invoice.sent_at)],
        "lines": [
            [
                line.number,
                line.kind,
                line.month.isoformat(),
                None if line.share_pct is None else f"{line.share_pct:.2f}",
                None if line.gross_usd is None else f"{line.gross_usd:.2f}",
                f"{line.amount_usd:.2f}",
                line.trade_count,
            ]
            for line in lines
        ],
    }
