"""The API paths of billing, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from billing.api import invoices, months, revenue

_INVOICE = "api/internal/invoices/<invoice_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/internal/revenue", revenue.RevenueView.as_view(), name="revenue"),
    path("api/internal/operators/<slug>/revenue", revenue.OperatorRevenueView.as_view(), name="operators.revenue"),
    path("api/internal/operators/<slug>/invoices", invoices.OperatorInvoicesView.as_view(), name="operators.invoices"),
    path("api/internal/invoices", invoices.InvoicesView.as_view(), name="invoices.list"),
    path(f"{_INVOICE}", invoices.InvoiceView.as_view(), name="invoices.detail"),
    path(f"{_INVOICE}/pdf", invoices.InvoicePdfView.as_view(), name="invoices.pdf"),
    path(f"{_INVOICE}/lines/<int:number>/trades.csv", invoices.LineTradesView.as_view(), name="invoices.trades"),
    path(f"{_INVOICE}/send", invoices.SendView.as_view(), name="invoices.send"),
    path(f"{_INVOICE}/payments", invoices.PaymentsView.as_view(), name="invoices.payments"),
    path(f"{_INVOICE}/payments/<payment_id>/reverse", invoices.ReversalView.as_view(), name="invoices.reverse"),
    path(f"{_INVOICE}/credit-notes", invoices.CreditNotesView.as_view(), name="invoices.credit_notes"),
    path(f"{_INVOICE}/credit-notes/<number>/pdf", invoices.CreditNotePdfView.as_view(), name="invoices.credit_note"),
    path(f"{_INVOICE}/attachments", invoices.AttachmentsView.as_view(), name="invoices.attachments"),
    path(f"{_INVOICE}/reminders", invoices.RemindersView.as_view(), name="invoices.reminders"),
    path("api/internal/billing/receivables", months.ReceivablesView.as_view(), name="billing.receivables"),
    path("api/internal/billing/months/<month>", months.MonthView.as_view(), name="billing.month"),
    path("api/internal/billing/months/<month>/close", months.CloseView.as_view(), name="billing.close"),
    path("api/internal/billing/months/<month>/explanations", months.ExplanationsView.as_view(), name="billing.explain"),
]
