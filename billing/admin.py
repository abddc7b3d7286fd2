"""Invoices and what happens to them, in Django admin: to read; finance acts at its desk."""

from typing import Any

from django import forms
from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from billing import models, queries
from billing.services import invoices
from predictu import shown
from predictu.admin_acts import Act, ActingAdmin, Given, ReasonForm
from predictu.admin_base import ReadOnlyAdmin, linked

OPEN = (models.Invoice.Status.SENT, models.Invoice.Status.OVERDUE)


class PaymentForm(ReasonForm):
    """Money received now."""

    amount_usd = forms.DecimalField(
        label="Amount, USD", min_value=0, max_digits=18, decimal_places=2, widget=UnfoldAdminDecimalFieldWidget()
    )
    method = forms.ChoiceField(choices=models.Payment.Method.choices, widget=UnfoldAdminSelectWidget())
    reference = forms.CharField(max_length=128, widget=UnfoldAdminTextInputWidget())


def _due(row: models.Invoice) -> list[tuple[str, Any]]:
    return [
        ("Operator", row.operator.name),
        ("Status now", row.status),
        ("Total, USD", shown.amount(row.total_usd)),
        ("Still due, USD", shown.amount(queries.balance_of(row))),
    ]


def _send(given: Given) -> str:
    sent = invoices.send(invoice=given.row, actor=given.actor, reason=given.reason, now=given.now)
    return f"{sent.number} is sent."


def _pay(given: Given) -> str:
    values = given.values
    invoices.record_payment(
        invoice=given.row,
        amount_usd=values["amount_usd"],
        method=values["method"],
        reference=values["reference"],
        paid_at=given.now,
        actor=given.actor,
        reason=given.reason,
        now=given.now,
    )
    return f"USD {shown.amount(values['amount_usd'])} recorded."


ACTS = (
    Act(
        name="send",
        label="Number, seal and send",
        permission="billing.manage",
        run=_send,
        consequences=_due,
        possible=lambda row: row.is_draft,
    ),
    Act(
        name="payment",
        label="Record a payment",
        permission="billing.manage",
        run=_pay,
        consequences=_due,
        possible=lambda row: row.status in OPEN,
        form=PaymentForm,
    ),
)
BY_OPERATOR = ("operator", AutocompleteSelectFilter)


@admin.register(models.Invoice)
class InvoiceAdmin(ActingAdmin):
    acts = ACTS
    list_display = (
        *("id", "number", "operator_link", "month", "status", "amount_usd", "tax_usd", "total_usd", "due_at"),
        *("sent_at", "paid_at"),
    )
    list_filter = (BY_OPERATOR, "status")
    list_select_related = ("operator",)
    search_fields = ("number__exact",)
    search_help_text = "An invoice's number, or the id of an invoice or operator"
    id_fields = ("pk", "operator")
    hidden_fields = ("payment_details",)
    operator_link = linked("operator", text="name")


@admin.register(models.InvoiceLine)
class InvoiceLineAdmin(ReadOnlyAdmin):
    list_display = ("invoice_link", "number", "kind", "month", "share_pct", "gross_usd", "amount_usd", "trade_count")
    list_filter = ("kind",)
    ordering = ("-id",)
    search_help_text = "An invoice's id"
    id_fields = ("invoice",)
    invoice_link = linked("invoice")


@admin.register(models.CarriedMonth)
class CarriedMonthAdmin(ReadOnlyAdmin):
    list_display = ("month", "operator_link", "amount_usd", "spread_share_usd", "fee_share_usd", "invoice_link")
    list_filter = (BY_OPERATOR, ("invoice", admin.EmptyFieldListFilter))
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "The id of an operator or invoice"
    id_fields = ("operator", "invoice")
    operator_link = linked("operator", text="name")
    invoice_link = linked("invoice")


@admin.register(models.CreditNote)
class CreditNoteAdmin(ReadOnlyAdmin):
    list_display = ("number", "invoice_link", "amount_usd", "tax_usd", "total_usd", "reason", "issued_at", "issuer")
    list_select_related = ("issued_by",)
    ordering = ("-id",)
    search_fields = ("number__exact",)
    search_help_text = "A credit note's number, or the id of a credit note, invoice or admin"
    id_fields = ("pk", "invoice", "issued_by")
    invoice_link = linked("invoice")
    issuer = linked("issued_by", text="email")


@admin.register(models.Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("id", "invoice_link", "amount_usd", "method", "reference", "paid_at", "reversed_link", "recorder")
    list_filter = ("method",)
    list_select_related = ("recorded_by",)
    ordering = ("-id",)
    search_fields = ("reference__exact",)
    search_help_text = "A reference, or the id of a payment, invoice or admin"
    id_fields = ("pk", "invoice", "recorded_by")
    invoice_link = linked("invoice")
    reversed_link = linked("reverses", title="Reverses")
    recorder = linked("recorded_by", text="email")


@admin.register(models.InvoiceMail)
class InvoiceMailAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "invoice_link", "attempts", "next_attempt_at", "sent_at", "failed_at")
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter), ("failed_at", admin.EmptyFieldListFilter))
    search_help_text = "The id of an invoice or credit note"
    id_fields = ("invoice", "credit_note")
    personal_fields = ("recipient",)
    invoice_link = linked("invoice")


@admin.register(models.NumberSeries)
class NumberSeriesAdmin(ReadOnlyAdmin):
    list_display = ("series", "year", "last")
    search_fields = ("series__exact",)
    search_help_text = "A series"
    id_fields = ()


@admin.register(models.MonthNote)
class MonthNoteAdmin(ReadOnlyAdmin):
    list_display = ("month", "check_name", "reason", "writer", "created_at")
    list_select_related = ("written_by",)
    search_fields = ("check_name__startswith", "reason")
    search_help_text = "A check, words of the reason, or an admin's id"
    id_fields = ("written_by",)
    writer = linked("written_by", text="email")


@admin.register(models.InvoiceAttachment)
class InvoiceAttachmentAdmin(ReadOnlyAdmin):
    list_display = ("added_at", "invoice_link", "file_link", "adder", "reason")
    list_select_related = ("added_by",)
    ordering = ("-id",)
    search_help_text = "The id of an invoice, file or admin"
    id_fields = ("invoice", "file", "added_by")
    invoice_link = linked("invoice")
    file_link = linked("file")
    adder = linked("added_by", text="email")
