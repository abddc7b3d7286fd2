"""An invoice or credit note as a PDF, from plain values: no database, no clock, the same bytes every time.

The document is told everything, sums included, and refuses to print sums that do not add up.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from django.template import Context, Engine

from predictu import colour, pdf, shown
from predictu.money import ZERO

DEFAULT_COLOUR = "#15803d"
_TEMPLATES = Path(__file__).parent / "templates" / "billing"
_engine = Engine(dirs=[str(_TEMPLATES)])


@dataclass(frozen=True, kw_only=True)
class Party:
    """Who bills or is billed. Only the buyer's ``po_reference`` is printed."""

    legal_name: str
    address_lines: tuple[str, ...] = ()
    tax_id: str = ""
    email: str = ""
    po_reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """``amount_usd`` is Predictu's share; ``gross_usd`` and ``share_pct`` are None where it has none to show."""

    description: str
    gross_usd: Decimal | None
    share_pct: Decimal | None
    amount_usd: Decimal


@dataclass(frozen=True, kw_only=True)
class CreditNote:
    """A credit note issued against this invoice; ``total_usd`` is what it takes off the balance, positive."""

    number: str
    issued_at: datetime
    total_usd: Decimal


@dataclass(frozen=True, kw_only=True)
class Payment:
    """Money received for this invoice."""

    paid_at: datetime
    method: str
    reference: str
    amount_usd: Decimal


@dataclass(frozen=True, kw_only=True)
class InvoiceDocument:
    """All that one invoice or credit note prints.

    The period's days are both included. A draft has no number yet. A credit note names the invoice it ``corrects``
    and the date of that, states amounts credited as positive, and has no due date, payments or balance.
    """

    kind: Literal["invoice", "credit_note"] = "invoice"
    draft: bool = False
    number: str | None
    seller: Party
    buyer: Party
    period_from: date
    period_to: date
    issued_at: datetime
    due_at: datetime | None = None
    terms: str = ""
    corrects: tuple[str, datetime] | None = None
    lines: tuple[Line, ...]
    formula: tuple[str, ...] = ()
    subtotal_usd: Decimal
    tax_rate_pct: Decimal = ZERO
    tax_usd: Decimal = ZERO
    total_usd: Decimal
    credit_notes: tuple[CreditNote, ...] = ()
    payments: tuple[Payment, ...] = ()
    balance_due_usd: Decimal
    payment_details: tuple[tuple[str, str], ...] = ()
    colour: str = DEFAULT_COLOUR
    logo: pdf.Image | None = None

    def __post_init__(self) -> None:
        assert self.draft or self.number, "only a draft has no number"
        assert self.subtotal_usd == sum((line.amount_usd for line in self.lines), ZERO), "lines do not add up"
        assert self.total_usd == self.subtotal_usd + self.tax_usd, "total is not subtotal and tax"
        if self.kind == "credit_note":
            assert self.corrects, "a credit note corrects an invoice"
            assert not self.credit_notes and not self.payments, "a credit note is not paid"
            assert self.balance_due_usd == ZERO, "a credit note is not due"
        else:
            credited = sum((note.total_usd for note in self.credit_notes), ZERO)
            paid = sum((payment.amount_usd for payment in self.payments), ZERO)
            assert self.balance_due_usd == self.total_usd - credited - paid, "balance is not total less what came in"


def render(document: InvoiceDocument) -> bytes:
    """The PDF, A4, dated by ``issued_at``. A logo that cannot be drawn safely is left out."""
    logo = document.logo if document.logo and pdf.usable(document.logo) else None
    title = _title(document)
    content: bytes = pdf.render(
        _engine.get_template("invoice.html").render(Context(_view(document, has_logo=logo is not None))),
        css=(_TEMPLATES / "invoice.css").read_text(encoding="utf-8") + _theme(document),
        metadata=pdf.Metadata(
            title=title,
            author=document.seller.legal_name,
            subject=f"{document.buyer.legal_name}, {shown.days(document.period_from, document.period_to)}",
        ),
        issued_at=document.issued_at,
        foot=f"{document.seller.legal_name} · {title}",
        images={"logo": logo} if logo else None,
    )
    return content


def _title(document: InvoiceDocument) -> str:
    name = "Credit note" if document.kind == "credit_note" else "Invoice"
    return f"{name} {document.number}" if document.number else f"{name} (draft)"


def _theme(document: InvoiceDocument) -> str:
    """The operator's colour as a stripe, as a surface with text on it, and as text on paper."""
    brand = colour.normal(document.colour, default=DEFAULT_COLOUR)
    surface, text = colour.surface(brand)
    return f":root {{ --brand: {brand}; --surface: {surface}; --on-surface: {text}; --ink: {colour.on_white(brand)} }}"


def _view(document: InvoiceDocument, *, has_logo: bool) -> dict[str, Any]:
    """What the template shows, as text: it formats nothing, so no locale or setting can reach it."""
    is_invoice = document.kind == "invoice"
    return {
        "heading": "Invoice" if is_invoice else "Credit note",
        "is_invoice": is_invoice,
        "draft": document.draft,
        "has_logo": has_logo,
        "buyer_heading": "Billed to" if is_invoice else "Credited to",
        "seller": document.seller,
        "buyer": document.buyer,
        "facts": _facts(document),
        "amount_heading": "Amount (USD)" if is_invoice else "Credited (USD)",
        "lines": [_line(line) for line in document.lines],
        "subtotal": shown.amount(document.subtotal_usd),
        "tax_rate": shown.percent(document.tax_rate_pct),
        "tax": shown.amount(document.tax_usd),
        "total_label": "Total" if is_invoice else "Total credited",
        "total": shown.amount(document.total_usd),
        "credit_notes": [
            {"number": note.number, "day": shown.day(note.issued_at), "amount": shown.amount(-note.total_usd)}
            for note in document.credit_notes
        ],
        "payments": [
            {
                "day": shown.day(payment.paid_at),
                "method": payment.method,
                "reference": payment.reference,
                "amount": shown.amount(-payment.amount_usd),
            }
            for payment in document.payments
        ],
        "balance_label": "Balance due" if document.balance_due_usd >= 0 else "Balance in your favour",
        "balance": shown.amount(abs(document.balance_due_usd)),
        "formula": document.formula,
        "payment_details": document.payment_details if is_invoice else (),
    }


def _line(line: Line) -> dict[str, str]:
    return {
        "description": line.description,
        "gross": "" if line.gross_usd is None else shown.amount(line.gross_usd),
        "share": "" if line.share_pct is None else shown.percent(line.share_pct),
        "amount": shown.amount(line.amount_usd),
    }


def _facts(document: InvoiceDocument) -> list[tuple[str, str]]:
    """The labelled facts at the head of the page, those that there are."""
    corrects, corrected_at = document.corrects or ("", None)
    facts = [
        ("Number", document.number or "given when sent"),
        ("Corrects", corrects),
        ("Invoice issued", shown.day(corrected_at) if corrected_at else ""),
        ("Issued", shown.day(document.issued_at)),
        ("Due", shown.day(document.due_at) if document.due_at else ""),
        ("Terms", document.terms),
        ("Period (UTC)", shown.days(document.period_from, document.period_to)),
        ("Your reference", document.buyer.po_reference),
        ("Currency", "US dollar (USD)"),
    ]
    return [(label, value) for label, value in facts if value]
