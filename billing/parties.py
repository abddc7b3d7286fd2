"""Who bills, who is billed and how the page looks: read when an invoice is sent, and kept in it from then on."""

from typing import Any

from django.conf import settings

from billing.pdf import DEFAULT_COLOUR
from operators.models import Operator
from predictu.platform.models import StoredFile


def seller() -> dict[str, Any]:
    """Our own party, from settings."""
    return {
        "legal_name": settings.PREDICTU_BILLING_NAME,
        "address": _lines(settings.PREDICTU_BILLING_ADDRESS.replace("|", "\n")),
        "tax_id": settings.PREDICTU_BILLING_TAX_ID,
        "email": settings.PREDICTU_BILLING_EMAIL,
    }


def buyer(operator: Operator) -> dict[str, Any]:
    """The operator as it is billed; its name stands in where no legal name was given."""
    return {
        "legal_name": operator.legal_name or operator.name,
        "address": _lines(operator.billing_address),
        "tax_id": operator.tax_id,
        "email": mailbox(operator),
        "po_reference": operator.po_reference,
    }


def mailbox(operator: Operator) -> str:
    """Where invoices go: the billing address, else the contact."""
    return operator.billing_email or operator.contact_email


def payment_details(number: str) -> list[list[str]]:
    """How to pay, from settings (``Label: value`` parts divided by ``|``), and what to write on the transfer."""
    details = []
    for part in settings.PREDICTU_BILLING_PAYMENT.split("|"):
        label, _, value = part.partition(":")
        if value.strip():
            details.append([label.strip(), value.strip()])
    return [*details, ["Reference", number]]


def colour(operator: Operator) -> str:
    return str(operator.branding.get("primary_color") or DEFAULT_COLOUR)[:16]


def logo(operator: Operator) -> StoredFile | None:
    """The uploaded file that the operator's logo URL names; a logo kept elsewhere is not fetched."""
    url = str(operator.branding.get("logo_url") or "")
    kept = StoredFile.objects.filter(category=StoredFile.Category.OPERATOR_LOGO, operator_slug=operator.slug)
    return next((one for one in kept.order_by("-uploaded_at", "-id") if url.endswith("/" + one.path)), None)


def _lines(address: str) -> list[str]:
    return [line.strip() for line in address.splitlines() if line.strip()]
