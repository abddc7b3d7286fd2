"""Where a request came from: its id and the client's address."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

from predictu import ids

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_of(request: HttpRequest) -> str:
    """The caller's ``X-Request-ID`` if it is harmless, else a fresh one."""
    given = request.headers.get("X-Request-ID", "")
    return given if _ACCEPTED.fullmatch(given) else ids.new("req")


def client_address(request: HttpRequest) -> str:
    """The socket's address, or the last X-Forwarded-For hop that is not a trusted proxy.

    Behind a Unix socket there is no address; the last hop is then the proxy's word.
    """
    address = request.META.get("REMOTE_ADDR") or ""
    trusted = [ipaddress.ip_network(text, strict=False) for text in settings.PREDICTU_TRUSTED_PROXIES]
    if not trusted:
        return _valid(address)
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    for hop in [address, *reversed(hops)]:
        if not hop:
            continue
        try:
            parsed = ipaddress.ip_address(hop)
        except ValueError:
            break
        address = hop
        if not any(parsed in network for network in trusted):
            break
    return _valid(address)


def _valid(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return "0.0.0.0"  # noqa: S104
