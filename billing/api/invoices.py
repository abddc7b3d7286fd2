"""Invoices of God Mode: lists, detail, PDFs, the trades behind a line, and what staff do with them."""

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import documents, drilldown, pdf, queries
from billing.api import rows
from billing.models import Invoice, InvoiceMail, Payment
from billing.services import attachments, credit_notes, invoices, reminders
from operators import queries as operators
from predictu import clock
from predictu.api import pages
from predictu.api.fields import AmountField, IdField, InstantField, TextField
from predictu.api.views import DataView
from predictu.errors import NotFound

_STATUSES = tuple(Invoice.Status.values)


class InvoicesView(DataView):
    """Invoices of all operators, newest month first."""

    def get(self, request: Request) -> Response:
        operator = operators.of_query(self.query)
        page = pages.page(self.query)
        found = queries.listed(
            operator_id=operator.id if operator else None, status=self.query.choice("status", _STATUSES)
        )
        total = found.count()
        shown = queries.with_balance(found).prefetch_related("lines")[page.offset : page.offset + page.limit]
        return Response(page.envelope([rows.listed(invoice) for invoice in shown], total))


class OperatorInvoicesView(DataView):
    """An operator's billing history, newest month first; ``from`` and ``to`` compare the period's first day."""

    def get(self, request: Request, slug: str) -> Response:
        operator = operators.by_slug(slug)
        start, end = self.query.window()
        page = pages.optional_page(self.query)
        found = queries.listed(operator_id=operator.id, status=self.query.choice("status", _STATUSES))
        found = queries.in_window(found, start, end)
        total = found.count()
        shown = queries.with_balance(found)
        if page is not None:
            shown = shown[page.offset : page.offset + page.limit]
        return Response({"data": [rows.of_operator(invoice) for invoice in shown], "total": total})


class InvoiceView(DataView):
    """One invoice with its lines, payments and credit notes."""

    def get(self, request: Request, invoice_id: str) -> Response:
        return self.answer(rows.detail(queries.by_id(invoice_id)))


class InvoicePdfView(DataView):
    """The invoice as a PDF, with the credit notes and payments there are by now."""

    def get(self, request: Request, invoice_id: str) -> HttpResponse:
        invoice = queries.by_id(invoice_id)
        return _attachment(pdf.render(documents.of_invoice(invoice)), f"invoice-{invoice.id}.pdf")


class CreditNotePdfView(DataView):
    """A credit note as a PDF."""

    def get(self, request: Request, invoice_id: str, number: str) -> HttpResponse:
        note = queries.by_id(invoice_id).credit_notes.filter(number=number).first() if "\x00" not in number else None
        if note is None:
            raise NotFound("No such credit note")
        return _attachment(pdf.render(documents.of_credit_note(note)), f"credit-note-{note.number}.pdf")


def _attachment(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        content, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


class LineTradesView(DataView):
    """The trades behind one line as CSV; gross and share sum to the line to the cent."""

    def get(self, request: Request, invoice_id: str, number: int) -> StreamingHttpResponse:
        invoice = queries.by_id(invoice_id)
        line = invoice.lines.filter(number=number).first()
        if line is None:
            raise NotFound("No such line")
        name = f"invoice-{invoice.id}-line-{line.number}.csv"
        return StreamingHttpResponse(
            drilldown.csv_of(invoice, line),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class ReasonBody(serializers.Serializer):
    reason = TextField(min_length=3, max_length=500)


class PaymentBody(ReasonBody):
    amount_usd = AmountField()
    method = serializers.ChoiceField(Payment.Method.values)
    reference = TextField(min_length=1, max_length=128)
    paid_at = InstantField(required=False)
    reason = TextField(required=False, max_length=500)


class CreditNoteBody(ReasonBody):
    amount_usd = AmountField()


class AttachmentBody(ReasonBody):
    file_id = IdField("file")


class _ManageView(DataView):
    permissions = {"POST": "billing.manage"}

    def done(self, invoice: Invoice, status: int = 200, **extra: Any) -> Response:
        """The invoice as it is after the act."""
        return self.answer(rows.detail(queries.by_id(invoice.id)), status, **extra)


class SendView(_ManageView):
    """Send a draft: number, seal and mail it."""

    @extend_schema(request=ReasonBody)
    def post(self, request: Request, invoice_id: str) -> Response:
        invoice, body = queries.by_id(invoice_id), self.body(ReasonBody)
        invoices.send(invoice=invoice, actor=self.admin, reason=body["reason"], now=clock.now())
        return self.done(invoice)


class PaymentsView(_ManageView):
    """Record money received for an invoice, in full or in part."""

    @extend_schema(request=PaymentBody)
    def post(self, request: Request, invoice_id: str) -> Response:
        invoice, body, now = queries.by_id(invoice_id), self.body(PaymentBody), clock.now()
        invoices.record_payment(
            invoice=invoice,
            amount_usd=body["amount_usd"],
            method=body["method"],
            reference=body["reference"],
            paid_at=body.get("paid_at") or now,
            actor=self.admin,
            reason=body.get("reason", ""),
            now=now,
        )
        return self.done(invoice, 201)


class ReversalView(_ManageView):
    """Take back a payment recorded by mistake or returned by the bank."""

    @extend_schema(request=ReasonBody)
    def post(self, request: Request, invoice_id: str, payment_id: str) -> Response:
        invoice, body = queries.by_id(invoice_id), self.body(ReasonBody)
        payment = queries.payment_of(invoice, payment_id)
        invoices.reverse_payment(payment=payment, actor=self.admin, reason=body["reason"], now=clock.now())
        return self.done(invoice, 201)


class CreditNotesView(_ManageView):
    """Issue a credit note against a sent invoice."""

    @extend_schema(request=CreditNoteBody)
    def post(self, request: Request, invoice_id: str) -> Response:
        invoice, body = queries.by_id(invoice_id), self.body(CreditNoteBody)
        credit_notes.issue(
            invoice=invoice, amount_usd=body["amount_usd"], reason=body["reason"], actor=self.admin, now=clock.now()
        )
        return self.done(invoice, 201)


class RemindersView(_ManageView):
    """Mail a reminder of what is still due."""

    @extend_schema(request=ReasonBody)
    def post(self, request: Request, invoice_id: str) -> Response:
        invoice, body = queries.by_id(invoice_id), self.body(ReasonBody)
        sent: InvoiceMail = reminders.remind(invoice=invoice, actor=self.admin, reason=body["reason"], now=clock.now())
        return self.answer(rows.mail(sent), 202)


class AttachmentsView(_ManageView):
    """Keep an uploaded file with the invoice; it is no part of what was sent."""

    @extend_schema(request=AttachmentBody)
    def post(self, request: Request, invoice_id: str) -> Response:
        invoice, body = queries.by_id(invoice_id), self.body(AttachmentBody)
        attachments.add(
            invoice=invoice, file_id=body["file_id"], reason=body["reason"], actor=self.admin, now=clock.now()
        )
        return self.done(invoice, 201)
