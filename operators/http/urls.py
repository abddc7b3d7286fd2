"""What a callback URL may look like, and its parts as the connection needs them. Pure.

Browsers and resolvers read hosts such as ``2130706433``, ``0x7f.1`` or ``0177.0.0.1`` as IPv4 addresses; here a host
that ends in a number is four plain decimals or it is refused.
"""

import functools
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import idna

from operators.http.addresses import Address, is_allowed

MAX_LENGTH = 2048

_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_AUTHORITY = re.compile(r"(?:\[(?P<literal>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:@/]+))(?::(?P<port>[0-9]{0,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class UrlError(ValueError):
    """The URL cannot be called. ``code`` is NOT_HTTPS or INVALID_URL, the text a sentence to show."""

    def __init__(self, message: str, code: str = "INVALID_URL") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Target:
    """An https URL taken apart. ``host`` is lower-case ASCII, an IPv6 literal without its brackets."""

    host: str
    port: int
    path: str
    address: Address | None

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"


@functools.lru_cache(maxsize=1024)
def parse_url(url: str) -> Target:
    """The parts of an https URL. Raises UrlError."""
    if len(url) > MAX_LENGTH:
        raise UrlError(f"The URL is longer than {MAX_LENGTH} characters")
    if _UNSAFE.search(url):
        raise UrlError("The URL contains a space, a control character or a backslash")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UrlError("The URL's host cannot be read") from None
    if not parts.scheme or not parts.netloc:
        raise UrlError("The URL must be absolute: https://host/path")
    if parts.scheme != "https":
        raise UrlError("The URL must use https", "NOT_HTTPS")
    if "@" in parts.netloc:
        raise UrlError("The URL must not contain a user name or password")
    if parts.fragment:
        raise UrlError("The URL must not contain a fragment (#)")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise UrlError("The URL's path and query must be percent-encoded")
    match = _AUTHORITY.fullmatch(parts.netloc)
    if match is None:
        raise UrlError("The URL's host cannot be read")
    port = int(match["port"] or 443)
    if not 1 <= port <= 65535:
        raise UrlError("The URL's port must be between 1 and 65535")
    host, address = _ipv6_literal(match["literal"]) if match["literal"] else _host(match["name"])
    return Target(host=host, port=port, path=path, address=address)


def validate_url(url: str, *, allow_loopback: bool = False) -> None:
    """Check a callback URL before it is saved: form only, no name is resolved. Raises UrlError, a ValueError."""
    target = parse_url(url)
    if target.address is not None and not is_allowed(target.address, allow_loopback=allow_loopback):
        raise UrlError("The URL's address is not public")
    if target.address is None and "." not in target.host and not allow_loopback:
        raise UrlError("The URL must name a public host")


def _ipv6_literal(text: str) -> tuple[str, Address]:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise UrlError("The URL's host cannot be read") from None
    return str(address), address


def _host(text: str) -> tuple[str, Address | None]:
    """A host name in ASCII, or an IPv4 literal."""
    try:
        host = text.lower() if text.isascii() else idna.encode(text, uts46=True, std3_rules=True).decode()
    except UnicodeError:
        raise UrlError("The URL's host is not a valid domain name") from None
    host = host.removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            raise UrlError("The URL's IPv4 address must be four plain decimal numbers") from None
        return host, address
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlError("The URL's host is not a valid domain name")
    return host, None
