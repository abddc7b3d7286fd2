"""Where a request came from, and what of it must be taken exactly as it was sent."""

import ipaddress
import re
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from predictu import ids

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_of(request: HttpRequest) -> str:
    """The caller's ``X-Request-ID`` if it is harmless, else a fresh one."""
    given = header(request, "X-Request-ID")
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
            parsed = _parsed(hop)
        except ValueError:
            break
        address = hop
        if not any(parsed in network for network in trusted):
            break
    return _valid(address)


def header(request: HttpRequest, name: str) -> str:
    """A header's value, empty when absent. ``request.headers`` reads all of them first, which no signed call needs."""
    value: str = request.META.get(f"HTTP_{name.upper().replace('-', '_')}", "")
    return value


def raw_header(request: HttpRequest, name: str) -> str:
    """A header's value with the bytes it was sent as, read as UTF-8; empty when absent."""
    return _as_sent(header(request, name))


def raw_target(request: HttpRequest) -> str:
    """Path and query as they stood in the request line, before anything was decoded or normalised."""
    target = request.META.get("RAW_URI")
    if not target:
        return request.get_full_path()
    if not target.startswith("/"):  # a proxy may write the whole URL
        parts = urlsplit(target)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _as_sent(target)


def _as_sent(text: str) -> str:
    """WSGI hands over bytes as Latin-1; what is not UTF-8 becomes text nobody can have signed."""
    return text.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address. A socket open to both families writes IPv4 as ``::ffff:192.0.2.1``, which is in no IPv4 network."""
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def _valid(address: str) -> str:
    try:
        return str(_parsed(address))
    except ValueError:
        return "0.0.0.0"  # noqa: S104
