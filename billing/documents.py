"""Stored invoices and credit notes as the documents that are printed."""

from collections.abc import Sequence
from typing import Any

from django.core.files.storage import default_storage

from billing import months, parties, pdf, queries
from billing.models import CreditNote, Invoice, InvoiceLine
from billing.statement import CARRIED, SPREAD
from predictu import shown
from predictu.money import ZERO
from predictu.pdf import Image

WORKED_LINES = 12
"""Up to so many lines the computation is written out; a longer table shows gross, share and amount itself."""


def of_invoice(invoice: Invoice) -> pdf.InvoiceDocument:
    """The invoice as it stands: sealed content, with the credit notes and payments there are by now."""
    lines = list(invoice.lines.all())
    notes, payments = list(invoice.credit_notes.all()), queries.standing_payments(invoice)
    came_in = sum((note.total_usd for note in notes), ZERO) + sum((one.amount_usd for one in payments), ZERO)
    operator = invoice.operator
    return pdf.InvoiceDocument(
        draft=invoice.is_draft,
        number=invoice.number,
        seller=_party(parties.seller() if invoice.is_draft else invoice.seller),
        buyer=_party(parties.buyer(operator) if invoice.is_draft else invoice.buyer),
        period_from=invoice.month,
        period_to=months.last_day(invoice.month),
        issued_at=invoice.issued_at or months.end(invoice.month),
        due_at=invoice.due_at,
        terms=f"{invoice.terms_days} days" if invoice.terms_days is not None else "",
        lines=tuple(_line(line, several=_has_several_shares(lines)) for line in lines),
        formula=tuple(_formula(lines)),
        subtotal_usd=invoice.amount_usd,
        tax_rate_pct=invoice.tax_rate_pct,
        tax_usd=invoice.tax_usd,
        total_usd=invoice.total_usd,
        credit_notes=tuple(
            pdf.CreditNote(number=note.number, issued_at=note.issued_at, total_usd=note.total_usd) for note in notes
        ),
        payments=tuple(
            pdf.Payment(
                paid_at=one.paid_at,
                method=one.get_method_display(),
                reference=one.reference,
                amount_usd=one.amount_usd,
            )
            for one in payments
        ),
        balance_due_usd=invoice.total_usd - came_in,
        payment_details=tuple((label, value) for label, value in invoice.payment_details),
        colour=parties.colour(operator) if invoice.is_draft else invoice.brand_colour,
        logo=_logo(invoice),
    )


def of_credit_note(note: CreditNote) -> pdf.InvoiceDocument:
    """The credit note, with the parties of the invoice it corrects."""
    invoice = note.invoice
    assert invoice.number and invoice.issued_at, "only a sent invoice is credited"
    return pdf.InvoiceDocument(
        kind="credit_note",
        number=note.number,
        seller=_party(invoice.seller),
        buyer=_party(invoice.buyer),
        period_from=invoice.month,
        period_to=months.last_day(invoice.month),
        issued_at=note.issued_at,
        corrects=(invoice.number, invoice.issued_at),
        lines=(pdf.Line(description=note.reason, gross_usd=None, share_pct=None, amount_usd=note.amount_usd),),
        subtotal_usd=note.amount_usd,
        tax_rate_pct=invoice.tax_rate_pct,
        tax_usd=note.tax_usd,
        total_usd=note.total_usd,
        balance_due_usd=ZERO,
        colour=invoice.brand_colour,
        logo=_logo(invoice),
    )


def description(line: InvoiceLine, *, several: bool) -> str:
    """What a line is for, with its trades; where there are ``several`` percentages, which one."""
    if line.kind == CARRIED:
        return f"Carried forward from {shown.days(line.month, months.last_day(line.month))}"
    share = f" at {shown.percent(line.share_pct or ZERO)}" if several else ""
    trades = "trade" if line.trade_count == 1 else "trades"
    return f"Player losses from {line.kind}{share} - {line.trade_count:,} {trades}"


def short_description(line: InvoiceLine) -> str:
    """What a line of the list is for."""
    if line.kind == CARRIED:
        return description(line, several=False)
    source = "spread" if line.kind == SPREAD else "fee"
    return f"Predictu share of {source} player losses ({shown.percent(line.share_pct or ZERO)})"


def descriptions(lines: Sequence[InvoiceLine]) -> list[str]:
    """What each line is for."""
    several = _has_several_shares(lines)
    return [description(line, several=several) for line in lines]


def _has_several_shares(lines: Sequence[InvoiceLine]) -> bool:
    return len({line.share_pct for line in lines if line.kind != CARRIED}) > 1


def _party(values: dict[str, Any]) -> pdf.Party:
    return pdf.Party(
        legal_name=values["legal_name"],
        address_lines=tuple(values["address"]),
        tax_id=values["tax_id"],
        email=values["email"],
        po_reference=values.get("po_reference", ""),
    )


def _line(line: InvoiceLine, *, several: bool) -> pdf.Line:
    return pdf.Line(
        description=description(line, several=several),
        gross_usd=line.gross_usd,
        share_pct=line.share_pct,
        amount_usd=line.amount_usd,
    )


def _formula(lines: Sequence[InvoiceLine]) -> list[str]:
    """How the share was computed, in words and, for a few lines, in numbers."""
    own = [line for line in lines if line.kind != CARRIED]
    texts = [
        "Player losses are what players paid in spread and in fees in the period, less what was given back. Predictu's "
        "share is their sum by source and agreed percentage, times the percentage, rounded half up to the cent."
    ]
    if len(own) <= WORKED_LINES:
        texts += [_worked(line) for line in own]
    if len(own) < len(lines):
        texts.append("Months whose share came to nothing or less are not billed but carried forward to the next.")
    return texts


def _worked(line: InvoiceLine) -> str:
    gross, share = shown.amount(line.gross_usd or ZERO), shown.percent(line.share_pct or ZERO)
    return f"{line.kind.capitalize()}: {gross} × {share} = {shown.amount(line.amount_usd)}"


def _logo(invoice: Invoice) -> Image | None:
    """The logo's content; None where its file is gone, which must not keep anyone from their invoice."""
    stored = parties.logo(invoice.operator) if invoice.is_draft else invoice.logo
    if stored is None:
        return None
    try:
        with default_storage.open(stored.path) as stream:
            return Image(content=stream.read(), content_type=stored.content_type)
    except OSError:
        return None
