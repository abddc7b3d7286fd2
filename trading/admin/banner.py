"""What every page of Django admin says while the ledger's last verification found a difference."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from trading.services import verification

_PAGES = "/admin/"


def ledger(request: HttpRequest) -> dict[str, Any]:
    """A template context processor; nothing is read before a page asks."""
    if not request.path.startswith(_PAGES):
        return {}
    return {"ledger_findings": SimpleLazyObject(verification.standing)}
