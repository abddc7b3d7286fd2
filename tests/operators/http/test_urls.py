from ipaddress import ip_address

import pytest

from operators.http.urls import UrlError, parse_url, validate_url


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://api.example.com", "api.example.com", 443, "/", "api.example.com"),
        ("HTTPS://API.Example.COM:443/cb", "api.example.com", 443, "/cb", "api.example.com"),
        ("https://api.example.com:8443/a/b?c=d&e", "api.example.com", 8443, "/a/b?c=d&e", "api.example.com:8443"),
        ("https://api.example.com./cb", "api.example.com", 443, "/cb", "api.example.com"),
        ("https://api.example.com:/cb?", "api.example.com", 443, "/cb", "api.example.com"),
        ("https://bücher.example/cb", "xn--bcher-kva.example", 443, "/cb", "xn--bcher-kva.example"),
        ("https://ＢÜCHER。example/cb", "xn--bcher-kva.example", 443, "/cb", "xn--bcher-kva.example"),
        ("https://8.8.8.8/cb", "8.8.8.8", 443, "/cb", "8.8.8.8"),
        ("https://[2606:4700:4700:0::1111]:444/", "2606:4700:4700::1111", 444, "/", "[2606:4700:4700::1111]:444"),
        ("https://api.example.com/%0d%0aX-Evil:1", "api.example.com", 443, "/%0d%0aX-Evil:1", "api.example.com"),
    ],
)
def test_a_url_is_taken_apart(url, host, port, path, authority):
    target = parse_url(url)
    assert (target.host, target.port, target.path, target.authority) == (host, port, path, authority)
    validate_url(url)


def test_literal_addresses_are_recognised():
    assert parse_url("https://8.8.8.8/").address == ip_address("8.8.8.8")
    assert parse_url("https://[::1]/").address == ip_address("::1")
    assert parse_url("https://api.example.com/").address is None


@pytest.mark.parametrize(
    ("url", "code", "message"),
    [
        ("http://api.example.com/cb", "NOT_HTTPS", "The URL must use https"),
        ("ftp://api.example.com/cb", "NOT_HTTPS", "The URL must use https"),
        ("", "INVALID_URL", "The URL must be absolute: https://host/path"),
        ("api.example.com/cb", "INVALID_URL", "The URL must be absolute: https://host/path"),
        ("https:///cb", "INVALID_URL", "The URL must be absolute: https://host/path"),
        ("https:api.example.com", "INVALID_URL", "The URL must be absolute: https://host/path"),
        ("https://user:secret@api.example.com/", "INVALID_URL", "The URL must not contain a user name or password"),
        ("https://user@api.example.com/", "INVALID_URL", "The URL must not contain a user name or password"),
        ("https://@api.example.com/", "INVALID_URL", "The URL must not contain a user name or password"),
        ("https://a.example#@b.example/", "INVALID_URL", "The URL must not contain a fragment (#)"),
        (
            "https://a.example\\@b.example/",
            "INVALID_URL",
            "The URL contains a space, a control character or a backslash",
        ),
        ("https://a.example/x y", "INVALID_URL", "The URL contains a space, a control character or a backslash"),
        (
            "https://a.example/\r\nX-Evil: 1",
            "INVALID_URL",
            "The URL contains a space, a control character or a backslash",
        ),
        ("https://a.example/\x00", "INVALID_URL", "The URL contains a space, a control character or a backslash"),
        (" https://a.example/", "INVALID_URL", "The URL contains a space, a control character or a backslash"),
        ("https://a.example/é", "INVALID_URL", "The URL's path and query must be percent-encoded"),
        ("https://a.example:0/", "INVALID_URL", "The URL's port must be between 1 and 65535"),
        ("https://a.example:65536/", "INVALID_URL", "The URL's port must be between 1 and 65535"),
        ("https://a.example:https/", "INVALID_URL", "The URL's host cannot be read"),
        ("https://a.example:４４３/", "INVALID_URL", "The URL's host cannot be read"),
        ("https://[::1/", "INVALID_URL", "The URL's host cannot be read"),
        ("https://[fe80::1%25eth0]/", "INVALID_URL", "The URL's host cannot be read"),
        ("https://[::1::2]/", "INVALID_URL", "The URL's host cannot be read"),
        ("https://a..example/", "INVALID_URL", "The URL's host is not a valid domain name"),
        ("https://-a.example/", "INVALID_URL", "The URL's host is not a valid domain name"),
        ("https://a_b.example/", "INVALID_URL", "The URL's host is not a valid domain name"),
        ("https://a%2eexample/", "INVALID_URL", "The URL's host is not a valid domain name"),
        (f"https://{'a' * 64}.example/", "INVALID_URL", "The URL's host is not a valid domain name"),
        (f"https://{'a.' * 130}example/", "INVALID_URL", "The URL's host is not a valid domain name"),
        (f"https://a.example/{'a' * 2048}", "INVALID_URL", "The URL is longer than 2048 characters"),
    ],
)
def test_what_is_refused_is_named(url, code, message):
    with pytest.raises(UrlError) as refused:
        validate_url(url)
    assert (refused.value.code, str(refused.value)) == (code, message)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7f.0.0.0x1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.0.01",
        "1.2.3.4.5",
        "256.1.1.1",
        "example.0x",
        "example.1",
        "2130706433.",
        "１２７.1",
        "⑫⑦.1",
    ],
)
def test_hosts_that_resolvers_would_read_as_numbers_fail_closed(host):
    with pytest.raises(UrlError):
        parse_url(f"https://{host}/")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1.", "１２７.０.０.１", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"]
)
def test_a_literal_inner_address_is_not_saved(host):
    with pytest.raises(ValueError, match="address is not public"):
        validate_url(f"https://{host}/cb")


def test_single_label_hosts_are_for_development():
    with pytest.raises(ValueError, match="must name a public host"):
        validate_url("https://localhost:8443/cb")
    validate_url("https://localhost:8443/cb", allow_loopback=True)
    validate_url("https://127.0.0.1:8443/cb", allow_loopback=True)
    with pytest.raises(ValueError, match="address is not public"):
        validate_url("https://10.0.0.1/cb", allow_loopback=True)
