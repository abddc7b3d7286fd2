"""What lies behind invoices, in Django admin: lines, credit notes, payments, mails, numbers and months."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from billing import documents, models, pdf
from billing.admin import acts
from predictu.admin_acts import ActingAdmin
from predictu.admin_base import ReadOnlyAdmin, linked

BY_OPERATOR = ("operator", AutocompleteSelectFilter)
# A page of ours shows a document in a frame, and nobody else's page may.
_FRAMED = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def framed(content: bytes, name: str) -> HttpResponse:
    """A PDF that a page of ours may show in a frame."""
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{name}"',
            "Content-Security-Policy": _FRAMED,
            "X-Frame-Options": "SAMEORIGIN",
        },
    )


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
class CreditNoteAdmin(ActingAdmin):
    list_display = ("number", "invoice_link", "amount_usd", "tax_usd", "total_usd", "reason", "issued_at", "issuer")
    list_select_related = ("issued_by",)
    ordering = ("-id",)
    search_fields = ("number__exact",)
    search_help_text = "A credit note's number, or the id of a credit note, invoice or admin"
    id_fields = ("pk", "invoice", "issued_by")
    invoice_link = linked("invoice")
    issuer = linked("issued_by", text="email")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.pdf_view)
        return [
            path("<path:object_id>/change/credit-note.pdf", view, name="billing_creditnote_pdf"),
            *super().get_urls(),
        ]

    def pdf_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The credit note as it was mailed."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return framed(pdf.render(documents.of_credit_note(row)), f"{row}.pdf")

    def page_facts(self, request: HttpRequest, row: models.CreditNote) -> dict[str, Any]:
        url = reverse("admin:billing_creditnote_pdf", args=[quote(row.pk)])
        return {"panel": "admin/pdf_panel.html", "pdf_url": url, "pdf_title": f"{row} as a PDF"}


@admin.register(models.Payment)
class PaymentAdmin(ActingAdmin):
    acts = acts.OF_PAYMENTS
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
class InvoiceMailAdmin(ActingAdmin):
    acts = acts.OF_MAILS
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


@admin.register(models.MonthClose)
class MonthCloseAdmin(ReadOnlyAdmin):
    list_display = ("month", "gross_usd", "share_usd", "reason", "closer", "closed_at")
    list_select_related = ("closed_by",)
    ordering = ("-month",)
    search_fields = ("reason",)
    search_help_text = "Words of the reason, or an admin's id"
    id_fields = ("closed_by",)
    closer = linked("closed_by", text="email")


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
