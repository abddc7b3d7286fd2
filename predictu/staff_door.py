"""Where staff may come from, and what a browser may do with their pages: Django admin, God Mode and S2S alike."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from predictu.api import envelopes
from predictu.errors import Forbidden

_PAGES = "/admin/"
_STAFF_PATHS = (_PAGES, "/api/internal/", "/api/auth/", "/api/s2s/")
_PUBLIC_KEY = "/public-key"  # the one path among them that needs no token
# Unfold's menus evaluate expressions in attributes (Alpine), and its theme is a style element; no inline script runs.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
Handler = Callable[[HttpRequest], HttpResponse]


class StaffDoorMiddleware:
    """Refuses staff's paths to addresses outside ``PREDICTU_STAFF_NETWORKS``, and gives their pages a policy."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        staffs = request.path.startswith(_STAFF_PATHS) and not request.path.endswith(_PUBLIC_KEY)
        if staffs and not may_come(request.client_address):  # type: ignore[attr-defined]
            return _refused(request)
        response = self.get_response(request)
        if request.path.startswith(_PAGES):
            response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response


def may_come(address: str | None) -> bool:
    """Whether ``address`` lies in a network staff work from; without a list, every address does."""
    networks = [ipaddress.ip_network(text, strict=False) for text in settings.PREDICTU_STAFF_NETWORKS]
    if not networks:
        return True
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _refused(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(_PAGES):
        return HttpResponse("Not from here.", status=403, content_type="text/plain")
    return envelopes.fault_response(request, Forbidden("Staff do not come from this address"))
