"""An invoice's page: its PDF, lines with the trades behind them, payments, credit notes and mails, and what finance
does about it. What moves is moved by the services, with a reason."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse

from billing import documents, drilldown, models, months, pdf, queries
from billing.admin import acts
from billing.admin.tables import BY_OPERATOR, framed
from predictu import clock, shown
from predictu.admin_acts import ActingAdmin
from predictu.admin_base import linked, url_of
from predictu.admin_tables import NONE, Table, link
from predictu.platform.models import AuditEntry

NEWEST = 50


@admin.register(models.Invoice)
class InvoiceAdmin(ActingAdmin):
    acts = acts.OF_INVOICES
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
    personal_fields = ("buyer",)
    operator_link = linked("operator", text="name")

    def get_urls(self) -> list[URLPattern]:
        door, row = self.admin_site.admin_view, "<path:object_id>/change"
        return [
            path(f"{row}/invoice.pdf", door(self.pdf_view), name="billing_invoice_pdf"),
            path(f"{row}/lines/<int:number>.csv", door(self.line_view), name="billing_invoice_line"),
            *super().get_urls(),
        ]

    def _found(self, request: HttpRequest, object_id: str) -> models.Invoice:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def pdf_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The invoice as it is mailed, with the credit notes and payments there are by now."""
        row = self._found(request, object_id)
        return framed(pdf.render(documents.of_invoice(row)), f"{row}.pdf")

    def line_view(self, request: HttpRequest, object_id: str, number: int) -> StreamingHttpResponse:
        """The trades behind a line; they sum to it to the cent."""
        row = self._found(request, object_id)
        line = row.lines.filter(number=number).first()
        if line is None:
            raise Http404
        answer = StreamingHttpResponse(drilldown.csv_of(row, line), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{row}-line-{number}.csv"'
        return answer

    def page_facts(self, request: HttpRequest, row: models.Invoice) -> dict[str, Any]:
        return {
            "panel": "admin/invoice_panel.html",
            "pdf_url": reverse("admin:billing_invoice_pdf", args=[quote(row.pk)]),
            "pdf_title": f"{row} as a PDF",
            "figures": _figures(row),
            "tables": [
                _lines(row),
                _payments(row),
                _credit_notes(row),
                _mails(row, personal=self.sees_personal(request)),
                _files(row),
                _trail(row),
            ],
        }


def _figures(row: models.Invoice) -> list[tuple[str, str]]:
    credited, received = queries.came_in(row)
    due = row.total_usd - credited - received
    found = [
        ("Status", row.get_status_display()),
        ("Operator", link(url_of(type(row.operator), row.operator_id), row.operator.name)),
        ("Period (UTC)", shown.days(row.month, months.last_day(row.month))),
        ("Total, USD", shown.amount(row.total_usd)),
        ("Credited, USD", shown.amount(credited)),
        ("Received, USD", shown.amount(received)),
        ("Still due, USD" if due >= 0 else "In the operator's favour, USD", shown.amount(abs(due))),
    ]
    if row.due_at is not None:
        late = (clock.now() - row.due_at).days
        unpaid = row.status in acts.OPEN and late > 0
        found.append(("Due on", f"{shown.day(row.due_at)}{f', {late} days ago' if unpaid else ''}"))
    return found


def _lines(row: models.Invoice) -> Table:
    lines = list(row.lines.all())
    return Table(
        title="Lines",
        heads=("#", "~For", ">Gross, USD", ">Share", ">Amount, USD", ">Trades", "Behind it"),
        rows=[
            (
                line.number,
                words,
                NONE if line.gross_usd is None else shown.amount(line.gross_usd),
                NONE if line.share_pct is None else shown.percent(line.share_pct),
                shown.amount(line.amount_usd),
                f"{line.trade_count:,}",
                link(reverse("admin:billing_invoice_line", args=[quote(row.pk), line.number]), "Trades as CSV"),
            )
            for line, words in zip(lines, documents.descriptions(lines), strict=True)
        ],
        more=f"Their sum is USD {shown.amount(sum(line.amount_usd for line in lines))}. Every file of trades sums to "
        "its line to the cent.",
    )


def _payments(row: models.Invoice) -> Table:
    found = row.payments.select_related("recorded_by", "reverses").order_by("recorded_at", "id")[:NEWEST]
    return Table(
        title="Payments",
        heads=("Received", "How", "Reference", ">Amount, USD", "Recorded by", "Recorded (UTC)"),
        rows=[
            (
                shown.day(one.paid_at),
                f"{one.get_method_display()}{', taken back' if one.reverses_id else ''}",
                link(url_of(models.Payment, one.pk), one.reference),
                shown.amount(one.amount_usd),
                one.recorded_by.email,
                shown.instant(one.recorded_at),
            )
            for one in found
        ],
        empty="No money has come in yet.",
    )


def _credit_notes(row: models.Invoice) -> Table:
    found = row.credit_notes.select_related("issued_by")[:NEWEST]
    return Table(
        title="Credit notes",
        heads=("Number", "Issued (UTC)", "~Why", ">Amount, USD", ">With tax, USD", "By", "Document"),
        rows=[
            (
                link(url_of(models.CreditNote, note.pk), note.number),
                shown.instant(note.issued_at),
                note.reason,
                shown.amount(note.amount_usd),
                shown.amount(note.total_usd),
                note.issued_by.email,
                link(reverse("admin:billing_creditnote_pdf", args=[quote(note.pk)]), "PDF", opens=True),
            )
            for note in found
        ],
    )


def _mails(row: models.Invoice, *, personal: bool) -> Table:
    found = row.mails.order_by("id")[:NEWEST]
    return Table(
        title="Mails",
        heads=("What", "To", "Asked for (UTC)", ">Tries", "~How it stands"),
        rows=[
            (
                link(url_of(models.InvoiceMail, mail.pk), mail.get_kind_display()),
                mail.recipient if personal else "hidden",
                shown.instant(mail.created_at),
                mail.attempts,
                _standing(mail),
            )
            for mail in found
        ],
        empty="Nothing was mailed yet.",
    )


def _standing(mail: models.InvoiceMail) -> str:
    if mail.sent_at is not None:
        return f"sent {shown.instant(mail.sent_at)}"
    if mail.failed_at is not None:
        return f"failed {shown.instant(mail.failed_at)}: {mail.error}"
    again = f"next try {shown.instant(mail.next_attempt_at)}" if mail.next_attempt_at else "not due"
    return f"{again}{f' after {mail.error}' if mail.error else ''}"


def _files(row: models.Invoice) -> Table:
    found = row.attachments.select_related("file", "added_by")[:NEWEST]
    return Table(
        title="Kept with it",
        heads=("File", "~Why", "By", "Added (UTC)"),
        rows=[
            (
                link(url_of(type(one.file), one.file_id), one.file_id),
                one.reason,
                one.added_by.email,
                shown.instant(one.added_at),
            )
            for one in found
        ],
    )


def _trail(row: models.Invoice) -> Table:
    found = AuditEntry.objects.filter(object_id=row.pk).select_related("actor").order_by("-created_at", "-id")[:20]
    return Table(
        title="Audit trail",
        heads=("When (UTC)", "What", "By", "~Why"),
        rows=[(shown.instant(one.created_at), one.action, one.actor.email, one.reason or NONE) for one in found],
    )
