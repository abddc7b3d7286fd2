"""What finance does to invoices, payments and mails: each with a reason, the consequences counted before."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from billing import models, months, queries
from billing.services import credit_notes, drafts, invoices, mails, numbers, reminders
from predictu import clock, shown
from predictu.admin_acts import Act, Facts, Given, ReasonForm

MANAGE = "billing.manage"
OPEN = (models.Invoice.Status.SENT, models.Invoice.Status.OVERDUE)


def _money(label: str, help_text: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        min_value=Decimal("0.01"),
        max_digits=18,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget(),
    )


class PaymentForm(ReasonForm):
    """Money that came in."""

    amount_usd = _money("Amount, USD", "A part is fine; the rest stays due.")
    method = forms.ChoiceField(choices=models.Payment.Method.choices, widget=UnfoldAdminSelectWidget())
    reference = forms.CharField(
        max_length=128, help_text="As the bank shows it.", widget=UnfoldAdminTextInputWidget(), strip=True
    )
    paid_at = forms.DateField(
        label="Received on",
        help_text="Its day in UTC; empty is now.",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )
    field_order = ("amount_usd", "method", "reference", "paid_at", "reason")


class CreditForm(ReasonForm):
    """A billing mistake to take off. The reason is printed on the credit note."""

    amount_usd = _money("Amount without tax, USD", "Tax comes on top at the invoice's rate.")
    field_order = ("amount_usd", "reason")


def _due(row: models.Invoice) -> list[tuple[str, Any]]:
    return [
        ("Operator", row.operator.name),
        ("Status now", row.get_status_display()),
        ("Total, USD", shown.amount(row.total_usd)),
        ("Still due, USD", shown.amount(queries.balance_of(row))),
    ]


def _to_send(row: models.Invoice) -> Facts:
    operator, now = row.operator, clock.now()
    tax = drafts.tax_on(row.amount_usd, operator.tax_rate_pct)
    issued = months.end(row.month)
    return [
        ("Operator", operator.name),
        ("Number it takes", numbers.upcoming(models.NumberSeries.INVOICES, year=issued.year)),
        ("Amount, USD", shown.amount(row.amount_usd)),
        (f"Tax at {shown.percent(operator.tax_rate_pct)}, USD", shown.amount(tax)),
        ("Total, USD", shown.amount(row.amount_usd + tax)),
        ("Dated", shown.day(issued)),
        ("Due", shown.day(invoices.falls_due(row.month, terms_days=operator.payment_terms_days, now=now))),
        ("Mailed to", "the billing address" if operator.billing_email else "the contact; no billing address is set"),
        ("From then on", "sealed: corrected by credit notes only"),
    ]


def _send(given: Given) -> str:
    sent = invoices.send(invoice=given.row, actor=given.actor, reason=given.reason, now=given.now)
    return f"{sent.number} is sent."


def _to_pay(row: models.Invoice) -> Facts:
    return [
        *_due(row),
        ("Payments so far", f"{len(queries.standing_payments(row)):,}"),
        ("When nothing is due any more", "the invoice is paid"),
    ]


def _pay(given: Given) -> str:
    values = given.values
    invoices.record_payment(
        invoice=given.row,
        amount_usd=values["amount_usd"],
        method=values["method"],
        reference=values["reference"],
        paid_at=_received(values["paid_at"], given.now),
        actor=given.actor,
        reason=given.reason,
        now=given.now,
    )
    left = queries.balance_of(given.row)
    rest = f"USD {shown.amount(left)} stay due." if left else "Nothing is due any more."
    return f"USD {shown.amount(values['amount_usd'])} recorded. {rest}"


def _received(day: date | None, now: datetime) -> datetime:
    """Today's money came in now: the day's first instant may lie before the invoice was sent."""
    if day is None or day == now.astimezone(UTC).date():
        return now
    return datetime.combine(day, time(), UTC)


def _to_credit(row: models.Invoice) -> Facts:
    return [
        *_due(row),
        ("Can still be credited, USD", shown.amount(credit_notes.left(row))),
        ("Tax on top", shown.percent(row.tax_rate_pct)),
        ("Number it takes", numbers.upcoming(models.NumberSeries.CREDIT_NOTES, year=clock.now().year)),
        ("The operator", "is mailed the credit note"),
    ]


def _credit(given: Given) -> str:
    note = credit_notes.issue(
        invoice=given.row,
        amount_usd=given.values["amount_usd"],
        reason=given.reason,
        actor=given.actor,
        now=given.now,
    )
    return f"{note.number} over USD {shown.amount(note.total_usd)} is issued."


def _to_remind(row: models.Invoice) -> Facts:
    assert row.due_at is not None, "only sent invoices are reminded of"
    late = max(0, (clock.now() - row.due_at).days)
    sent = row.mails.filter(kind=models.InvoiceMail.Kind.REMINDER).count()
    return [
        *_due(row),
        ("Days past due", f"{late:,}"),
        ("Reminders so far", f"{sent:,}"),
        ("The operator", "is mailed a reminder with the PDF"),
    ]


def _remind(given: Given) -> str:
    reminders.remind(invoice=given.row, actor=given.actor, reason=given.reason, now=given.now)
    return "The reminder is on its way."


OF_INVOICES = (
    Act(
        name="send",
        label="Number, seal and send",
        permission=MANAGE,
        run=_send,
        consequences=_to_send,
        possible=lambda row: row.is_draft,
    ),
    Act(
        name="payment",
        label="Record a payment",
        permission=MANAGE,
        run=_pay,
        consequences=_to_pay,
        possible=lambda row: row.status in OPEN,
        form=PaymentForm,
        initial=lambda row: {"amount_usd": queries.balance_of(row)},
    ),
    Act(
        name="credit-note",
        label="Issue a credit note",
        permission=MANAGE,
        run=_credit,
        consequences=_to_credit,
        possible=lambda row: not row.is_draft and credit_notes.left(row) > 0,
        form=CreditForm,
        dangerous=True,
    ),
    Act(
        name="reminder",
        label="Send a reminder",
        permission=MANAGE,
        run=_remind,
        consequences=_to_remind,
        possible=lambda row: row.status in OPEN,
    ),
)


def _to_reverse(row: models.Payment) -> Facts:
    return [
        ("Invoice", row.invoice),
        ("Taken back, USD", shown.amount(row.amount_usd)),
        ("Still due then, USD", shown.amount(queries.balance_of(row.invoice) + row.amount_usd)),
    ]


def _reverse(given: Given) -> str:
    invoices.reverse_payment(payment=given.row, actor=given.actor, reason=given.reason, now=given.now)
    return f"USD {shown.amount(given.row.amount_usd)} of {given.row.invoice} are due again."


OF_PAYMENTS = (
    Act(
        name="reverse",
        label="Take back",
        permission=MANAGE,
        run=_reverse,
        consequences=_to_reverse,
        possible=lambda row: row.reverses_id is None and not hasattr(row, "reversal"),
        dangerous=True,
    ),
)


def _to_mail(row: models.InvoiceMail) -> Facts:
    return [
        ("Invoice", row.invoice),
        ("What", row.get_kind_display()),
        ("Tries so far", f"{row.attempts:,}"),
        ("Mailed to", "the operator's billing address, else its contact, of today"),
    ]


def _mail(given: Given) -> str:
    mails.send_again(mail=given.row, actor=given.actor, reason=given.reason, now=given.now)
    return "The mail is on its way again."


OF_MAILS = (
    Act(
        name="again",
        label="Send again",
        permission=MANAGE,
        run=_mail,
        consequences=_to_mail,
        possible=lambda row: row.failed_at is not None,
    ),
)
