"""Stored invoices as documents: logos, wording, long statements, other scripts, the same bytes everywhere."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from billing import documents, pdf
from billing.models import Invoice
from billing.services import invoices
from predictu.platform.models import StoredFile
from tests.billing.facts import at, earn, february
from tests.factories import make_admin, make_operator, make_player
from tests.pdfs import font_names, text_of

pytestmark = pytest.mark.django_db
FEBRUARY, FIRST = date(2026, 2, 1), at(2026, 3, 1, 0, 5)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 3"><rect width="9" height="3" fill="#123456"/></svg>'


def bill(operator):
    invoices.run_month(month=FEBRUARY, now=FIRST)
    return Invoice.objects.get(operator=operator)


@pytest.fixture
def storage(tmp_path, monkeypatch):
    kept = FileSystemStorage(location=tmp_path)
    monkeypatch.setattr(documents, "default_storage", kept)
    return kept


def test_the_logo_is_the_one_of_the_sending(storage):
    operator = make_operator()
    path = storage.save("operators/x/logo-1.svg", ContentFile(SVG))
    stored = StoredFile.objects.create(
        category="operator_logo",
        operator_slug=operator.slug,
        path=path,
        content_type="image/svg+xml",
        size_bytes=len(SVG),
        sha256="0" * 64,
        uploaded_by=make_admin(),
        uploaded_at=FIRST,
    )
    operator.branding = {"logo_url": f"https://cdn.example/{path}", "primary_color": "#7c3aed"}
    operator.save()
    february(operator)
    invoice = bill(operator)
    operator.branding = {"logo_url": "https://elsewhere.example/other.png", "primary_color": "#000000"}
    operator.save()
    assert invoice.logo == stored
    document = documents.of_invoice(Invoice.objects.get())
    assert (document.logo.content, document.colour) == (SVG, "#7c3aed")
    before = pdf.render(document)
    storage.delete(path)
    without = documents.of_invoice(Invoice.objects.get())
    assert without.logo is None and pdf.render(without) != before


def test_a_logo_kept_elsewhere_is_not_fetched():
    operator = make_operator(branding={"logo_url": "https://elsewhere.example/logo.png"})
    february(operator)
    assert bill(operator).logo is None


def test_one_line_and_sixty():
    short, long = make_operator(), make_operator(legal_name="Ελληνικά Παίγνια 株式会社カジノ " + "Gesellschaft" * 8)
    earn(make_player(short), at(2026, 2, 3), fee="12.34", trades=1)
    player = make_player(long)
    for number in range(30):
        earn(player, at(2026, 2, 5), spread=f"{1000 + number}.11", fee=f"{10 + number}.37", share=str(10 + number))
    content = pdf.render(documents.of_invoice(bill(short)))
    text = text_of(content)
    assert "Player losses from fees - 1 trade" in text and "12.34 × 30% = 3.70" in text
    assert "Page 1 of 1" in text and font_names(content)
    invoice = Invoice.objects.get(operator=long)
    document = documents.of_invoice(invoice)
    assert len(document.lines) == 60 and len(document.formula) == 1
    text = text_of(pdf.render(document))
    for line in document.lines:
        assert line.description in text
    assert "Page 3 of 3" in text and "Ελληνικά" in text and "株式会社カジノ" in text
    assert sum(line.amount_usd for line in document.lines) == invoice.amount_usd


def test_the_same_invoice_is_the_same_bytes_whatever_happens_to_the_operator():
    operator = make_operator(legal_name="Old", tax_rate_pct=Decimal("7.7"))
    february(operator)
    first = pdf.render(documents.of_invoice(bill(operator)))
    type(operator).objects.update(legal_name="New", tax_rate_pct=0, payment_terms_days=1, branding={})
    assert pdf.render(documents.of_invoice(Invoice.objects.get())) == first
