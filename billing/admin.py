"""Invoices and what happens to them, in Django admin: to read; finance acts at its desk."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from billing import models
from predictu.admin_base import ReadOnlyAdmin, linked

BY_OPERATOR = ("operator", AutocompleteSelectFilter)


@admin.register(models.Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
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
