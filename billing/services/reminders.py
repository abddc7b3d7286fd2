"""Reminders of invoices that are not paid."""

from datetime import datetime
from typing import Any

from django.db import transaction

from billing.errors import WrongStatus
from billing.models import Invoice, InvoiceMail
from billing.services import invoices, mails
from predictu.platform import audit


@transaction.atomic
def remind(*, invoice: Invoice, actor: Any, now: datetime, reason: str) -> InvoiceMail:
    """Mail what is still due. Raises WrongStatus where nothing is, or while an earlier reminder is still on its way."""
    invoice = invoices.locked(invoice.id)
    if invoice.status not in (Invoice.Status.SENT, Invoice.Status.OVERDUE):
        raise WrongStatus(f"An invoice that is {invoice.status} needs no reminder")
    if invoice.mails.filter(kind=InvoiceMail.Kind.REMINDER, next_attempt_at__isnull=False).exists():
        raise WrongStatus("A reminder is on its way")
    mail = mails.queue(invoice=invoice, kind=InvoiceMail.Kind.REMINDER, now=now)
    audit.record(
        actor=actor, action="invoice.remind", object_type="invoice", object_id=invoice.id, reason=reason, now=now
    )
    return mail
