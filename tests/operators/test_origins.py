"""Embed origins and domains: normalised or refused."""

import pytest

from operators import origins


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("HTTPS://WWW.Example.COM:443", "https://www.example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://example.com.", "https://example.com"),
        ("https://b\xfccher.example", "https://xn--bcher-kva.example"),
        ("https://[2001:db8:0::1]:444", "https://[2001:db8::1]:444"),
    ],
)
def test_origin(text, stored):
    assert origins.origin(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "example.com",
        "//example.com",
        "http://example.com",
        "https://",
        "https://*.example.com",
        "https://example.com/",
        "https://example.com/embed",
        "https://example.com?x",
        "https://example.com#x",
        "https://user@example.com",
        "https://user:pw@example.com",
        "https://example.com:0",
        "https://example.com:99999",
        "https://exa mple.com",
        "https://example.com\n",
        "https://-example.com",
        "https://0x7f.1",
        "https://example.com\\@evil.example",
        "javascript:alert(1)",
    ],
)
def test_no_origin(text):
    with pytest.raises(ValueError, match="."):
        origins.origin(text)


def test_each_once_in_the_order_given():
    given = ["https://b.example", "https://a.example", "https://B.example:443"]
    assert origins.origins(given) == ["https://b.example", "https://a.example"]
    with pytest.raises(ValueError, match="^http://c.example: must be an https origin"):
        origins.origins([*given, "http://c.example"])


@pytest.mark.parametrize(
    ("text", "stored"), [("Example.COM", "example.com"), ("b\xfccher.example", "xn--bcher-kva.example")]
)
def test_domain(text, stored):
    assert origins.domain(text) == stored


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "10.0.0.1", "[::1]", "https://a.example", "a.example/x", "a.example:80", "a b.example", "a..b"],
)
def test_no_domain(text):
    with pytest.raises(ValueError, match="must be a domain name"):
        origins.domain(text)


def test_domain_of_a_website():
    assert origins.domain_of("https://www.Lucky.example/play?x#y") == "lucky.example"
    assert origins.domain_of("http://lucky.example:8080") == "lucky.example"
