"""Embed origins and domains as they are stored: checked, normalised, each once. Pure."""

import re
from collections.abc import Iterable

from operators.http.urls import UrlError, parse_url

MOST = 100

_ORIGIN = re.compile(r"https://[^/?#\\@\s]+", re.IGNORECASE)
_DOMAIN = re.compile(r"[^/?#\\@:\s\[\]]+")


def origin(text: str) -> str:
    """An https origin as browsers write it: lower case, IDNs in ASCII, without port 443. Raises ValueError."""
    if "*" in text:
        raise ValueError("must not contain a wildcard: list every origin")
    if not _ORIGIN.fullmatch(text):
        raise ValueError("must be an https origin: https://host, with a port at most and no path")
    try:
        target = parse_url("https" + text[5:])
    except UrlError as error:
        raise ValueError(str(error)) from None
    return f"https://{target.authority}"


def origins(texts: Iterable[str]) -> list[str]:
    """Origins normalised, each once, in the order given. Raises ValueError naming the one that is wrong."""
    found: dict[str, None] = {}
    for text in texts:
        try:
            found[origin(text)] = None
        except ValueError as error:
            raise ValueError(f"{text[:100]}: {error}") from None
    return list(found)


def domain(text: str) -> str:
    """A domain name, lower case and in ASCII. Raises ValueError for anything else."""
    if not _DOMAIN.fullmatch(text):
        raise ValueError("must be a domain name, such as example-casino.com")
    try:
        target = parse_url(f"https://{text}")
    except UrlError:
        raise ValueError("must be a domain name, such as example-casino.com") from None
    if target.address is not None or "." not in target.host or len(target.host) > 253:
        raise ValueError("must be a domain name, such as example-casino.com")
    return target.host


def domain_of(url: str) -> str:
    """The domain a website lives on, without ``www.``. Raises ValueError."""
    host = re.sub(r"^https?://", "", url, flags=re.IGNORECASE)
    return domain(re.split(r"[/?#:]", host, maxsplit=1)[0]).removeprefix("www.")
