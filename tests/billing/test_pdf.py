"""Invoices and credit notes as PDFs, read back as a finance department's software would."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pypdf
import pytest

from billing import pdf
from predictu.pdf import Image
from tests.pdfs import font_names, outputs, text_of

SELLER = pdf.Party(
    legal_name="Predictu Ltd",
    address_lines=("12 Harbour Street", "Valletta VLT 1420"),
    tax_id="MT 1234 5678",
    email="billing@predictu.com",
)
BUYER = pdf.Party(
    legal_name="Example Casino N.V.",
    address_lines=("Kaya Richard 1", "Willemstad, Curaçao"),
    tax_id="CW-102345678",
    email="billing@example-casino.com",
    po_reference="PO-2026-0091",
)
LINES = (
    pdf.Line(
        description="Player losses from spread - 8,420 trades",
        gross_usd=Decimal("14200.00"),
        share_pct=Decimal(30),
        amount_usd=Decimal("4260.00"),
    ),
    pdf.Line(
        description="Player losses from fees - 8,420 trades",
        gross_usd=Decimal("4000.00"),
        share_pct=Decimal(30),
        amount_usd=Decimal("1200.00"),
    ),
)
LOGO = Image(
    content=b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 6"><rect width="20" height="6"/></svg>',
    content_type="image/svg+xml",
)


def at(month, day):
    return datetime(2026, month, day, tzinfo=UTC)


def make_document(**changes):
    values = {
        "number": "INV-2026-00042",
        "seller": SELLER,
        "buyer": BUYER,
        "period_from": date(2026, 2, 1),
        "period_to": date(2026, 2, 28),
        "issued_at": at(3, 1),
        "due_at": at(3, 15),
        "terms": "14 days net",
        "lines": LINES,
        "formula": ("Predictu share = gross revenue × share percentage, rounded half up to the cent.",),
        "subtotal_usd": Decimal("5460.00"),
        "total_usd": Decimal("5460.00"),
        "balance_due_usd": Decimal("5460.00"),
        "payment_details": (("IBAN", "MT84 VALL 2201 3000"), ("Reference", "INV-2026-00042")),
        **changes,
    }
    return pdf.InvoiceDocument(**values)


def make_long(count):
    lines = tuple(
        pdf.Line(
            description=f"Line number {index:03d}",
            gross_usd=Decimal(index),
            share_pct=Decimal("27.5"),
            amount_usd=Decimal("1.25"),
        )
        for index in range(count)
    )
    total = Decimal("1.25") * count
    return make_document(lines=lines, subtotal_usd=total, total_usd=total, balance_due_usd=total)


def one_line(text):
    return " ".join(text.split())


def test_the_documents_example_reads_back():
    content = pdf.render(make_document(logo=LOGO))
    text = one_line(text_of(content))
    for expected in (
        "Invoice",
        "Billed to".upper(),
        "Example Casino N.V.",
        "Willemstad, Curaçao",
        "Tax id CW-102345678",
        "billing@example-casino.com",
        "Predictu Ltd",
        "12 Harbour Street",
        "Tax id MT 1234 5678",
        "Number INV-2026-00042",
        "Issued 1 March 2026",
        "Due 15 March 2026",
        "Terms 14 days net",
        "Period (UTC) 1 to 28 February 2026",
        "Your reference PO-2026-0091",
        "Player losses from spread - 8,420 trades 14,200.00 30% 4,260.00",
        "Player losses from fees - 8,420 trades 4,000.00 30% 1,200.00",
        "Subtotal 5,460.00",
        "Tax (0%) 0.00",
        "Total 5,460.00",
        "Balance due USD 5,460.00",
        "Predictu share = gross revenue × share percentage",
        "IBAN MT84 VALL 2201 3000",
        "Predictu Ltd · Invoice INV-2026-00042",
        "Page 1 of 1",
    ):
        assert expected in text
    assert "DRAFT" not in text
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert len(reader.pages) == 1
    assert reader.metadata.title == "Invoice INV-2026-00042"
    assert reader.metadata.author == "Predictu Ltd"
    assert reader.metadata.subject == "Example Casino N.V., 1 to 28 February 2026"
    assert reader.metadata.creation_date == at(3, 1)
    assert {name.partition("+")[2] for name in font_names(content)} == {"Text", "Text-Bold"}


def test_what_came_in_is_taken_off_the_balance():
    document = make_document(
        tax_rate_pct=Decimal("18"),
        tax_usd=Decimal("982.80"),
        total_usd=Decimal("6442.80"),
        credit_notes=(pdf.CreditNote(number="CN-2026-00003", issued_at=at(3, 4), total_usd=Decimal("120.50")),),
        payments=(
            pdf.Payment(paid_at=at(3, 5), method="wire", reference="WIR-1", amount_usd=Decimal("5000")),
            pdf.Payment(paid_at=at(3, 9), method="card", reference="", amount_usd=Decimal("22.30")),
        ),
        balance_due_usd=Decimal("1300.00"),
    )
    text = one_line(text_of(pdf.render(document)))
    assert "Tax (18%) 982.80" in text
    assert "Total 6,442.80" in text
    assert "Credit note CN-2026-00003 of 4 March 2026 -120.50" in text
    assert "Payment received 5 March 2026, wire WIR-1 -5,000.00" in text
    assert "Payment received 9 March 2026, card -22.30" in text
    assert "Balance due USD 1,300.00" in text


def test_an_overpaid_invoice_owes_the_buyer():
    payment = pdf.Payment(paid_at=at(3, 5), method="wire", reference="W", amount_usd=Decimal("6000"))
    text = one_line(text_of(pdf.render(make_document(payments=(payment,), balance_due_usd=Decimal("-540.00")))))
    assert "Balance in your favour USD 540.00" in text


def test_a_credit_note_names_the_invoice_and_asks_for_no_money():
    document = make_document(
        kind="credit_note",
        number="CN-2026-00003",
        corrects=("INV-2026-00042", at(3, 1)),
        issued_at=at(3, 20),
        due_at=None,
        terms="",
        balance_due_usd=Decimal(0),
    )
    content = pdf.render(document)
    text = one_line(text_of(content))
    assert "Credit note" in text
    assert "Number CN-2026-00003 Corrects INV-2026-00042 Invoice issued 1 March 2026" in text
    assert "Credited (USD)" in text
    assert "Total credited 5,460.00" in text
    for unexpected in ("Due", "Terms", "Balance", "IBAN"):
        assert unexpected not in text
    assert pypdf.PdfReader(io.BytesIO(content)).metadata.title == "Credit note CN-2026-00003"


def test_a_draft_says_so_on_every_page():
    document = replace(make_long(60), draft=True, number=None)
    content = pdf.render(document)
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    assert len(pages) == 3
    assert all("DRAFT" in page.extract_text() for page in pages)
    assert pypdf.PdfReader(io.BytesIO(content)).metadata.title == "Invoice (draft)"


def test_sixty_lines_repeat_the_header_and_keep_the_sums_together():
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.render(make_long(60)))).pages]
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert "Gross (USD)" in page
        assert f"Page {number} of 3" in page
    everything = "\n".join(pages)
    assert [everything.count(f"Line number {index:03d}") for index in range(60)] == [1] * 60
    assert "Subtotal" in pages[-1]
    assert "Balance due" in pages[-1]
    assert "Line number 059" in pages[-1]


@pytest.mark.parametrize("count", [20, 21, 22, 23, 24, 25, 26])
def test_the_sums_never_stand_without_a_line(count):
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.render(make_long(count)))).pages]
    with_sums = [page for page in pages if "Subtotal" in page]
    assert len(with_sums) == 1
    assert "Line number" in with_sums[0]
    assert "Balance due" in with_sums[0]


def test_names_of_other_scripts_are_kept_and_long_ones_wrap():
    buyer = pdf.Party(
        legal_name="Ελληνικά Παίγνια Α.Ε. " + "Gesellschaft" * 12,
        address_lines=("Российские игры", "环球博彩有限公司", "株式会社カジノ", "주식회사", "شركة الألعاب", "Łódź"),
    )
    text = text_of(pdf.render(make_document(buyer=buyer)))
    for word in ("Ελληνικά", "Российские", "环球博彩有限公司", "株式会社カジノ", "주식회사", "Łódź"):
        assert word in text
    assert one_line(text).replace(" ", "").count("Gesellschaft") == 12
    assert max(len(line) for line in text.splitlines() if "Gesell" in line) < 40


def test_markup_and_hostile_texts_are_only_text():
    buyer = replace(
        BUYER,
        legal_name='<b>Bold</b> & "Sons" {{ number }}',
        address_lines=("<img src=file:///etc/passwd>", "a\x00b"),
    )
    seller = replace(SELLER, legal_name='Evil"; } body { display: none } /*')
    text = one_line(text_of(pdf.render(make_document(buyer=buyer, seller=seller, colour="red; } body {display:none"))))
    assert '<b>Bold</b> & "Sons" {{ number }}' in text
    assert "<img src=file:///etc/passwd>" in text
    assert "a\ufffdb" in text
    assert 'Evil"; } body { display: none } /* · Invoice INV-2026-00042' in text


def test_a_broken_logo_is_left_out():
    broken = Image(content=b"broken", content_type="image/png")
    assert pdf.render(make_document(logo=broken)) == pdf.render(make_document())
    assert pdf.render(make_document(logo=LOGO)) != pdf.render(make_document())


@pytest.mark.parametrize(
    "changes",
    [
        {"number": None},
        {"subtotal_usd": Decimal("5460.01")},
        {"total_usd": Decimal("5460.01")},
        {"tax_usd": Decimal("1.00")},
        {"balance_due_usd": Decimal("5459.99")},
        {"credit_notes": (pdf.CreditNote(number="CN-2026-00001", issued_at=at(3, 2), total_usd=Decimal(1)),)},
        {"kind": "credit_note", "balance_due_usd": Decimal(0)},
        {"kind": "credit_note", "corrects": ("INV-2026-00001", at(3, 1))},
    ],
)
def test_sums_that_do_not_add_up_are_not_printed(changes):
    with pytest.raises(AssertionError):
        make_document(**changes)


SAME = """
import sys
from tests.billing.test_pdf import BUYER, LOGO, make_document, make_long
from dataclasses import replace
from billing import pdf
buyer = replace(BUYER, legal_name="环球 Ελληνικά 주식회사 شركة ไทย")
sys.stdout.buffer.write(pdf.render(make_document(buyer=buyer, logo=LOGO, colour="#facc15")))
sys.stdout.buffer.write(pdf.render(make_long(40)))
"""


def test_the_same_invoice_is_the_same_bytes_in_every_environment():
    first, *others = outputs(SAME)
    assert first.startswith(b"%PDF-1.7")
    assert all(other == first for other in others)
