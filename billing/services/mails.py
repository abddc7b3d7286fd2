"""E-mails that are owed: a row each, claimed before it is sent, tried again with growing pauses, sent once."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F

from billing import documents, months, parties, pdf, queries
from billing.errors import WrongStatus
from billing.models import CreditNote, Invoice, InvoiceMail
from predictu import jobs, shown
from predictu.money import ZERO
from predictu.platform import activity, audit

log = logging.getLogger("predictu.billing")

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (2, 10, 30, 120, 360, 720, 1440))
"""After the first try and each further one; then the mail counts as failed and staff are told."""

LEASE = timedelta(minutes=10)
"""How long a claimed mail is left alone: a worker that dies between claim and record costs this long."""

_TASK = "billing.tasks.send_mail"


def queue(*, invoice: Invoice, kind: str, now: datetime, credit_note: CreditNote | None = None) -> InvoiceMail:
    """Owe the operator's mailbox a mail, in the transaction of what it tells of."""
    mail = InvoiceMail.objects.create(
        invoice=invoice,
        credit_note=credit_note,
        kind=kind,
        recipient=parties.mailbox(invoice.operator),
        next_attempt_at=now,
        created_at=now,
    )
    jobs.enqueue(_TASK, mail.pk)
    return mail


def deliver(mail_id: int, *, now: datetime) -> bool:
    """Send a mail that is due; whether it went out now. A mail sent or claimed by another worker is left alone."""
    due = InvoiceMail.objects.filter(pk=mail_id, sent_at=None, failed_at=None, next_attempt_at__lte=now)
    if not due.update(attempts=F("attempts") + 1, next_attempt_at=now + LEASE):
        return False
    mail = InvoiceMail.objects.select_related("invoice__operator", "invoice__logo", "credit_note__invoice").get(
        pk=mail_id
    )
    try:
        message(mail).send()
    except Exception as problem:  # noqa: BLE001 whatever the mail server or the network does, the row says what is next
        _failed(mail, problem, now)
        return False
    InvoiceMail.objects.filter(pk=mail_id).update(sent_at=now, next_attempt_at=None, error="")
    return True


@transaction.atomic
def _failed(mail: InvoiceMail, problem: Exception, now: datetime) -> None:
    name = type(problem).__name__
    log.warning("mail %d of %s was not sent: %s", mail.pk, mail.invoice_id, name)
    if mail.attempts <= len(PAUSES):
        InvoiceMail.objects.filter(pk=mail.pk).update(next_attempt_at=now + PAUSES[mail.attempts - 1], error=name[:64])
        return
    InvoiceMail.objects.filter(pk=mail.pk).update(next_attempt_at=None, failed_at=now, error=name[:64])
    activity.record(
        type="operator_event",
        severity="critical",
        title="Invoice mail failed",
        description=f"The mail with {mail.invoice} to {{{mail.invoice.operator_id}}} could not be sent",
        operator_id=mail.invoice.operator_id,
        metadata={"invoice_id": mail.invoice_id},
        now=now,
    )


@transaction.atomic
def send_again(*, mail: InvoiceMail, reason: str, actor: Any, now: datetime) -> InvoiceMail:
    """Try a mail that was given up once more, to the operator's mailbox of today. Raises WrongStatus for any other."""
    mail = (
        InvoiceMail.objects.select_for_update(no_key=True, of=("self",))
        .select_related("invoice__operator")
        .get(pk=mail.pk)
    )
    if mail.failed_at is None:
        raise WrongStatus("Only a mail that failed is sent again")
    mail.recipient = parties.mailbox(mail.invoice.operator)
    mail.attempts, mail.next_attempt_at, mail.failed_at, mail.error = 0, now, None, ""
    mail.save(update_fields=["recipient", "attempts", "next_attempt_at", "failed_at", "error"])
    audit.record(
        actor=actor,
        action="invoice.mail_again",
        object_type="invoice",
        object_id=mail.invoice_id,
        reason=reason,
        metadata={"mail": mail.pk, "kind": mail.kind},
        now=now,
    )
    jobs.enqueue(_TASK, mail.pk)
    return mail


def due(*, now: datetime) -> list[int]:
    """Mails whose time has come."""
    waiting = InvoiceMail.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "id")
    return list(waiting.values_list("pk", flat=True)[:500])


def message(mail: InvoiceMail) -> EmailMessage:
    """The mail with its PDF. The same row is the same Message-ID, so that a mailbox can tell a repeat."""
    subject, body, name, content = _WORDED[mail.kind](mail)
    found = EmailMessage(
        subject=subject, body=body, to=[mail.recipient], headers={"Message-ID": f"<mail-{mail.pk}@billing.predictu>"}
    )
    found.attach(name, content, "application/pdf")
    return found


Worded = tuple[str, str, str, bytes]


def _invoice(mail: InvoiceMail) -> Worded:
    invoice = mail.invoice
    return (
        f"Invoice {invoice.number}",
        f"{_opening(invoice)}\n\nThe amount due is USD {_due(invoice)}, payable by {_due_day(invoice)}.\n\n"
        f"{_close(invoice)}",
        f"{invoice.number}.pdf",
        pdf.render(documents.of_invoice(invoice)),
    )


def _reminder(mail: InvoiceMail) -> Worded:
    invoice = mail.invoice
    return (
        f"Reminder: invoice {invoice.number}",
        f"Of invoice {invoice.number} USD {_due(invoice)} are not paid yet, payable by {_due_day(invoice)}.\n\n"
        f"If the payment is on its way, please disregard this.\n\n{_close(invoice)}",
        f"{invoice.number}.pdf",
        pdf.render(documents.of_invoice(invoice)),
    )


def _credit_note(mail: InvoiceMail) -> Worded:
    note = mail.credit_note
    assert note is not None
    return (
        f"Credit note {note.number} for invoice {note.invoice.number}",
        f"Attached is credit note {note.number} over USD {shown.amount(note.total_usd)} for invoice "
        f"{note.invoice.number}. USD {_due(note.invoice)} remain due.\n\n{_close(mail.invoice)}",
        f"{note.number}.pdf",
        pdf.render(documents.of_credit_note(note)),
    )


_WORDED: dict[str, Callable[[InvoiceMail], Worded]] = {
    InvoiceMail.Kind.INVOICE: _invoice,
    InvoiceMail.Kind.REMINDER: _reminder,
    InvoiceMail.Kind.CREDIT_NOTE: _credit_note,
}


def _opening(invoice: Invoice) -> str:
    period = shown.days(invoice.month, months.last_day(invoice.month))
    return f"Attached is invoice {invoice.number} for {period}."


def _due(invoice: Invoice) -> str:
    return shown.amount(max(queries.balance_of(invoice), ZERO))


def _due_day(invoice: Invoice) -> str:
    assert invoice.due_at is not None
    return shown.day(invoice.due_at)


def _close(invoice: Invoice) -> str:
    return str(invoice.seller.get("legal_name", ""))
