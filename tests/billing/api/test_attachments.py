"""Files kept with an invoice."""

from datetime import date

import pytest
from django.test import Client

from billing import seal
from billing.models import Invoice
from billing.services import invoices
from predictu import ids
from predictu.platform import files
from predictu.platform.models import AuditEntry
from tests.billing.facts import at, february
from tests.factories import as_admin, make_admin, make_operator, now
from tests.filetypes.test_pdfs import written

pytestmark = pytest.mark.django_db


def test_an_attachment_is_kept_beside_a_sealed_invoice(tmp_path, settings):
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"default": storage}
    operator = make_operator()
    february(operator)
    invoices.run_month(month=date(2026, 2, 1), now=at(2026, 3, 1, 0, 5))
    invoice, finance = Invoice.objects.get(operator=operator), make_admin("Finance")
    client, path = Client(headers=as_admin(finance)), f"/api/internal/invoices/{invoice.id}"

    def attach(file_id):
        body = {"file_id": file_id, "reason": "Signed purchase order"}
        return client.post(f"{path}/attachments", body, content_type="application/json")

    stored = files.store(content=written(), category="invoice_attachment", actor=finance, now=now())
    for _ in range(2):
        answer = attach(stored.id)
        assert answer.status_code == 201
    (shown,) = client.get(path).json()["data"]["attachments"]
    assert shown | {"added_at": ""} == {
        "file_id": stored.id,
        "url": files.url_of(stored),
        "content_type": "application/pdf",
        "size_bytes": stored.size_bytes,
        "reason": "Signed purchase order",
        "added_by": finance.id,
        "added_at": "",
    }
    assert seal.holds(Invoice.objects.get())
    assert AuditEntry.objects.filter(action="invoice.attach").count() == 1
    for wrong in (ids.new("file"), "x"):
        assert list(attach(wrong).json()["error"]["details"]) == ["file_id"]
