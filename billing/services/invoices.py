"""The monthly run, sending, payments and falling due. Twice is once: every step finds what an earlier one left."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import system_admin
from billing import months, parties, queries, seal
from billing.errors import AlreadyRecorded, WrongStatus
from billing.models import Invoice, InvoiceMail, NumberSeries, Payment
from billing.services import drafts, mails, numbers
from operators.models import Operator
from predictu import clock, ids, shown
from predictu.errors import ValidationFailed
from predictu.money import ZERO
from predictu.platform import activity, audit
from trading.queries import revenue


@dataclass(slots=True)
class Run:
    """What a monthly run came to, ids of invoices and slugs of operators."""

    made: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    carried: list[str] = field(default_factory=list)


def run_month(*, month: date, now: datetime, operator_ids: list[str] | None = None) -> Run:
    """Bill ``month`` for every operator with revenue in it; drafts are sent unless they are held for review.

    Safe to repeat and to run twice at once. A month at or below zero is carried to the next one billed. Raises
    MonthOpen until the month is over and no transaction is open that could still write into it.
    """
    month = month.replace(day=1)
    drafts.require_closed(month, now)
    start, end = months.start(month), months.end(month)
    earning = revenue.gross(start=start, end=end, operator_ids=operator_ids)
    run = Run()
    for operator in Operator.objects.filter(pk__in=earning).order_by("slug", "id"):
        billed = drafts.bill(operator=operator, month=month, now=now)
        invoice = billed.invoice
        if billed.is_new:
            _note(run, operator, invoice)
        if invoice is not None and invoice.is_draft and not settings.PREDICTU_BILLING_HOLD_FOR_REVIEW:
            _send_unless_sent(invoice, now, run)
    return run


def _note(run: Run, operator: Operator, invoice: Invoice | None) -> None:
    if invoice is None:
        run.carried.append(operator.slug)
    else:
        run.made.append(invoice.id)


def locked(invoice_id: str) -> Invoice:
    """The invoice, held for the rest of the transaction."""
    return Invoice.objects.select_for_update(no_key=True, of=("self",)).select_related("operator").get(pk=invoice_id)


def _send_unless_sent(invoice: Invoice, now: datetime, run: Run) -> None:
    try:
        send(invoice=invoice, now=now)
    except WrongStatus:  # another run was quicker
        return
    run.sent.append(invoice.id)


@transaction.atomic
def send(*, invoice: Invoice, now: datetime, actor: Any = None, reason: str = "") -> Invoice:
    """Number, seal and mail a draft. Raises WrongStatus for anything else.

    It is dated the 1st 00:00 after its month and due ``payment_terms_days`` later, counted from the day it is sent
    where that is later.
    """
    invoice = locked(invoice.id)
    if not invoice.is_draft:
        raise WrongStatus("Only a draft can be sent")
    operator = invoice.operator
    invoice.issued_at = months.end(invoice.month)
    invoice.number = numbers.take(NumberSeries.INVOICES, year=invoice.issued_at.year)
    invoice.sent_at = now
    invoice.terms_days = operator.payment_terms_days
    invoice.due_at = falls_due(invoice.month, terms_days=invoice.terms_days, now=now)
    invoice.tax_rate_pct = operator.tax_rate_pct
    invoice.tax_usd = drafts.tax_on(invoice.amount_usd, invoice.tax_rate_pct)
    invoice.total_usd = invoice.amount_usd + invoice.tax_usd
    invoice.seller, invoice.buyer = parties.seller(), parties.buyer(operator)
    invoice.payment_details = parties.payment_details(invoice.number)
    invoice.brand_colour, invoice.logo = parties.colour(operator), parties.logo(operator)
    invoice.content_hash = seal.hash_of(invoice, invoice.lines.all())
    invoice.status = Invoice.Status.SENT
    invoice.save()
    mails.queue(invoice=invoice, kind=InvoiceMail.Kind.INVOICE, now=now)
    audit.record(
        actor=actor or system_admin(),
        action="invoice.send",
        object_type="invoice",
        object_id=invoice.id,
        changes={"status": {"from": "draft", "to": "sent"}, "number": {"from": None, "to": invoice.number}},
        reason=reason,
        now=now,
    )
    tell(invoice, "Invoice sent", f"{invoice.number} over USD {shown.amount(invoice.total_usd)}", now)
    return invoice


def falls_due(month: date, *, terms_days: int, now: datetime) -> datetime:
    """When the invoice of ``month`` is due if it is sent ``now``: the terms count from its date or that day."""
    return max(months.end(month), clock.day_start(now)) + terms_days * clock.DAY


def tell(invoice: Invoice, title: str, what: str, now: datetime, *, severity: str = "info") -> None:
    """A line in the activity feed."""
    activity.record(
        type="operator_event",
        title=title,
        description=f"{what} ({{{invoice.operator_id}}})",
        severity=severity,
        operator_id=invoice.operator_id,
        metadata={"invoice_id": invoice.id, "number": invoice.number},
        now=now,
    )


@transaction.atomic
def record_payment(
    *,
    invoice: Invoice,
    amount_usd: Decimal,
    method: str,
    reference: str,
    paid_at: datetime,
    actor: Any,
    now: datetime,
    reason: str = "",
) -> Payment:
    """Money received, in full or in part; the invoice is paid when nothing is due any more.

    Raises WrongStatus for drafts and paid invoices, ValidationFailed for more than is due or a payment in the future,
    AlreadyRecorded for the same method and reference again.
    """
    invoice = locked(invoice.id)
    if invoice.status not in (Invoice.Status.SENT, Invoice.Status.OVERDUE):
        raise WrongStatus(f"An invoice that is {invoice.status} takes no payment")
    due = queries.balance_of(invoice)
    if amount_usd > due:
        raise ValidationFailed(details={"amount_usd": [f"is more than the {due} that are due"]})
    if paid_at > now:
        raise ValidationFailed(details={"paid_at": ["must not be in the future"]})
    standing = invoice.payments.filter(method=method, reference=reference, reverses=None, reversal=None)
    if standing.exists():
        raise AlreadyRecorded()
    payment = Payment.objects.create(
        id=ids.new("pay", now),
        invoice=invoice,
        amount_usd=amount_usd,
        method=method,
        reference=reference,
        paid_at=paid_at,
        recorded_at=now,
        recorded_by=actor,
    )
    _record_money(payment, "invoice.payment", actor, reason, now)
    if amount_usd == due:
        settle(invoice, paid_at)
        tell(invoice, "Invoice paid", f"{invoice.number} was paid", now)
    return payment


@transaction.atomic
def reverse_payment(*, payment: Payment, actor: Any, now: datetime, reason: str) -> Payment:
    """Take back a payment recorded by mistake or returned by the bank; what it paid is due again.

    Raises WrongStatus for a reversal, or a payment reversed before.
    """
    invoice = locked(payment.invoice_id)
    if payment.reverses_id is not None or Payment.objects.filter(reverses=payment).exists():
        raise WrongStatus("This payment is reversed already")
    reversal = Payment.objects.create(
        id=ids.new("pay", now),
        invoice=invoice,
        amount_usd=-payment.amount_usd,
        method=payment.method,
        reference=payment.reference,
        paid_at=payment.paid_at,
        reverses=payment,
        recorded_at=now,
        recorded_by=actor,
    )
    _record_money(reversal, "invoice.payment_reversed", actor, reason, now)
    if queries.balance_of(invoice) > 0:
        assert invoice.due_at is not None
        invoice.status = Invoice.Status.OVERDUE if invoice.due_at <= now else Invoice.Status.SENT
        invoice.paid_at = None
        invoice.save(update_fields=["status", "paid_at"])
        tell(invoice, "Payment reversed", f"{invoice.number} is due again", now, severity="warning")
    return reversal


def _record_money(payment: Payment, action: str, actor: Any, reason: str, now: datetime) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_type="invoice",
        object_id=payment.invoice_id,
        reason=reason,
        metadata={
            "payment_id": payment.id,
            "amount_usd": payment.amount_usd,
            "method": payment.method,
            "reference": payment.reference,
        },
        now=now,
    )


def settle(invoice: Invoice, paid_at: datetime) -> None:
    """Nothing is due on a held invoice any more."""
    invoice.status, invoice.paid_at = Invoice.Status.PAID, paid_at
    invoice.save(update_fields=["status", "paid_at"])


def mark_overdue(*, now: datetime) -> int:
    """Mark sent invoices that are past due; how many."""
    late = Invoice.objects.filter(status=Invoice.Status.SENT, due_at__lte=now).order_by("due_at", "id")
    return sum(_mark(invoice_id, now) for invoice_id in list(late.values_list("pk", flat=True)))


@transaction.atomic
def _mark(invoice_id: str, now: datetime) -> bool:
    invoice = locked(invoice_id)
    if invoice.status != Invoice.Status.SENT:
        return False
    invoice.status = Invoice.Status.OVERDUE
    invoice.save(update_fields=["status"])
    owed = queries.balance_of(invoice)
    assert owed > ZERO, "an invoice with nothing due is paid"
    tell(
        invoice, "Invoice overdue", f"USD {shown.amount(owed)} of {invoice.number} is past due", now, severity="warning"
    )
    return True
