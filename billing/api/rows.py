"""Invoices in the documents' words. Lists and detail word their lines differently, as the documents do."""

from typing import Any

from billing import documents, months, queries
from billing.models import CreditNote, Invoice, InvoiceAttachment, InvoiceMail, Payment
from predictu import clock
from predictu.platform import files


def _period(invoice: Invoice) -> dict[str, str]:
    return {"from": invoice.month.isoformat(), "to": months.last_day(invoice.month).isoformat()}


def listed(invoice: Invoice) -> dict[str, Any]:
    """A row of the platform's list. ``lines`` must have been fetched along."""
    return {
        "id": invoice.id,
        "number": invoice.number,
        "operator_slug": invoice.operator.slug,
        "operator_name": invoice.operator.name,
        "period": _period(invoice),
        "status": invoice.status,
        "amount_usd": invoice.amount_usd,
        "line_items": [
            {"description": documents.short_description(line), "amount_usd": line.amount_usd}
            for line in invoice.lines.all()
        ],
        "tax_usd": invoice.tax_usd,
        "total_usd": invoice.total_usd,
        "balance_due_usd": invoice.balance_due_usd,  # type: ignore[attr-defined]
        "trade_volume_usd": invoice.trade_volume_usd,
        "trade_count": invoice.trade_count,
        "revenue_share_pct": invoice.revenue_share_pct,
        "issued_at": clock.seconds(invoice.issued_at),
        "due_at": clock.seconds(invoice.due_at),
        "paid_at": clock.seconds(invoice.paid_at),
    }


def of_operator(invoice: Invoice) -> dict[str, Any]:
    """A row of an operator's billing history; the two revenues are share amounts and sum to ``amount_usd``."""
    return {
        "id": invoice.id,
        "number": invoice.number,
        "operator_slug": invoice.operator.slug,
        "period": _period(invoice),
        "status": invoice.status,
        "amount_usd": invoice.amount_usd,
        "balance_due_usd": invoice.balance_due_usd,  # type: ignore[attr-defined]
        "trade_volume_usd": invoice.trade_volume_usd,
        "trade_count": invoice.trade_count,
        "spread_revenue_usd": invoice.spread_share_usd,
        "fee_revenue_usd": invoice.fee_share_usd,
        "revenue_share_pct": invoice.revenue_share_pct,
        "issued_at": clock.seconds(invoice.issued_at),
        "due_at": clock.seconds(invoice.due_at),
        "paid_at": clock.seconds(invoice.paid_at),
        "pdf_url": f"/api/internal/invoices/{invoice.id}/pdf",
    }


def detail(invoice: Invoice) -> dict[str, Any]:
    """One invoice with all that happened to it."""
    operator = invoice.operator
    return {
        "id": invoice.id,
        "number": invoice.number,
        "operator_slug": operator.slug,
        "operator_name": operator.name,
        "operator_contact_email": invoice.buyer.get("email") or operator.billing_email or operator.contact_email,
        "period": _period(invoice),
        "status": invoice.status,
        "amount_usd": invoice.amount_usd,
        "line_items": _lines(invoice),
        "summary": {
            "trade_volume_usd": invoice.trade_volume_usd,
            "trade_count": invoice.trade_count,
            "unique_traders": invoice.unique_traders,
            "gross_revenue_usd": invoice.gross_usd,
            "predictu_share_usd": invoice.share_usd,
            "operator_share_usd": invoice.gross_usd - invoice.share_usd,
            "revenue_share_pct": invoice.revenue_share_pct,
        },
        "tax": {"rate_pct": invoice.tax_rate_pct, "amount_usd": invoice.tax_usd},
        "total_usd": invoice.total_usd,
        "credit_notes": [credit_note(note) for note in invoice.credit_notes.all()],
        "payments": [payment(one) for one in invoice.payments.all()],
        "balance_due_usd": queries.balance_of(invoice),
        "payment": _payment_object(invoice),
        "mails": [mail(one) for one in invoice.mails.all()],
        "attachments": [attachment(one) for one in invoice.attachments.select_related("file")],
        "pdf_url": f"/api/internal/invoices/{invoice.id}/pdf",
        "issued_at": clock.seconds(invoice.issued_at),
        "due_at": clock.seconds(invoice.due_at),
        "sent_at": clock.seconds(invoice.sent_at),
        "created_at": clock.seconds(invoice.created_at),
        "content_hash": invoice.content_hash or None,
    }


def _lines(invoice: Invoice) -> list[dict[str, Any]]:
    lines = list(invoice.lines.all())
    return [
        {
            "description": text,
            "gross_usd": line.gross_usd,
            "share_pct": line.share_pct,
            "amount_usd": line.amount_usd,
            "trades_url": f"/api/internal/invoices/{invoice.id}/lines/{line.number}/trades.csv",
        }
        for line, text in zip(lines, documents.descriptions(lines), strict=True)
    ]


def _payment_object(invoice: Invoice) -> dict[str, Any]:
    """How it was paid: the payment that settled it. Nulls until it is paid."""
    standing = queries.standing_payments(invoice)
    if invoice.status != Invoice.Status.PAID or not standing:
        return {"method": None, "reference": None, "paid_at": clock.seconds(invoice.paid_at)}
    last = max(standing, key=lambda one: (one.recorded_at, one.id))
    return {"method": last.method, "reference": last.reference, "paid_at": clock.seconds(invoice.paid_at)}


def attachment(one: InvoiceAttachment) -> dict[str, Any]:
    return {
        "file_id": one.file_id,
        "url": files.url_of(one.file),
        "content_type": one.file.content_type,
        "size_bytes": one.file.size_bytes,
        "reason": one.reason,
        "added_by": one.added_by_id,
        "added_at": clock.seconds(one.added_at),
    }


def payment(one: Payment) -> dict[str, Any]:
    return {
        "id": one.id,
        "amount_usd": one.amount_usd,
        "method": one.method,
        "reference": one.reference,
        "paid_at": clock.seconds(one.paid_at),
        "recorded_at": clock.seconds(one.recorded_at),
        "recorded_by": one.recorded_by_id,
        "reverses": one.reverses_id,
    }


def credit_note(note: CreditNote) -> dict[str, Any]:
    return {
        "id": note.id,
        "number": note.number,
        "amount_usd": note.amount_usd,
        "tax_usd": note.tax_usd,
        "total_usd": note.total_usd,
        "reason": note.reason,
        "issued_at": clock.seconds(note.issued_at),
        "pdf_url": f"/api/internal/invoices/{note.invoice_id}/credit-notes/{note.number}/pdf",
    }


def mail(one: InvoiceMail) -> dict[str, Any]:
    """How a mail went; the address is the invoice's."""
    return {
        "kind": one.kind,
        "created_at": clock.seconds(one.created_at),
        "sent_at": clock.seconds(one.sent_at),
        "failed_at": clock.seconds(one.failed_at),
        "attempts": one.attempts,
    }
