"""Credit notes: how a billing mistake comes off a sent invoice, which itself never changes."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from billing import queries
from billing.errors import WrongStatus
from billing.models import CreditNote, Invoice, InvoiceMail, NumberSeries
from billing.services import invoices, mails, numbers
from predictu import ids, money, shown
from predictu.errors import ValidationFailed
from predictu.money import ZERO
from predictu.platform import audit


@transaction.atomic
def issue(*, invoice: Invoice, amount_usd: Decimal, reason: str, actor: Any, now: datetime) -> CreditNote:
    """A numbered credit of ``amount_usd`` (tax comes on top at the invoice's rate), mailed like the invoice.

    An invoice on which nothing is due any more counts as paid. Raises WrongStatus for a draft, ValidationFailed for
    more than the invoice has left to credit.
    """
    invoice = invoices.locked(invoice.id)
    if invoice.is_draft:
        raise WrongStatus("A draft needs no credit note")
    uncredited = left(invoice)
    credited = invoice.amount_usd - uncredited
    if amount_usd > uncredited:
        raise ValidationFailed(details={"amount_usd": [f"is more than the {uncredited} that can be credited"]})
    rate = invoice.tax_rate_pct / 100
    tax = money.half_up((credited + amount_usd) * rate) - money.half_up(credited * rate)
    note = CreditNote.objects.create(
        id=ids.new("cn", now),
        invoice=invoice,
        number=numbers.take(NumberSeries.CREDIT_NOTES, year=now.year),
        amount_usd=amount_usd,
        tax_usd=tax,
        total_usd=amount_usd + tax,
        reason=reason,
        issued_at=now,
        issued_by=actor,
    )
    if queries.balance_of(invoice) <= 0 and invoice.status != Invoice.Status.PAID:
        invoices.settle(invoice, now)
    mails.queue(invoice=invoice, kind=InvoiceMail.Kind.CREDIT_NOTE, credit_note=note, now=now)
    audit.record(
        actor=actor,
        action="invoice.credit_note",
        object_type="invoice",
        object_id=invoice.id,
        reason=reason,
        metadata={"number": note.number, "amount_usd": amount_usd, "tax_usd": tax},
        now=now,
    )
    invoices.tell(
        invoice, "Credit note issued", f"{note.number}, USD {shown.amount(note.total_usd)} off {invoice.number}", now
    )
    return note


def left(invoice: Invoice) -> Decimal:
    """What of the invoice's amount, without tax, no credit note has taken off yet."""
    return invoice.amount_usd - (invoice.credit_notes.aggregate(sum=Sum("amount_usd"))["sum"] or ZERO)
