"""The plumbing behind a real gunicorn, where bodies arrive in pieces and paths as they were typed."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.factories import as_admin, make_admin, make_market, make_operator, make_pair, signed

pytestmark = pytest.mark.committed


@pytest.fixture
def served(platform_server):
    address = urlsplit(platform_server(workers=1, threads=4).url)

    def ask(method, path, body=None, headers=None, *, chunked=False):
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {}, encode_chunked=chunked)
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, dict(answer.getheaders()), json.loads(content) if content else None
        finally:
            connection.close()

    ask.address = (address.hostname, address.port)
    return ask


def pieces(body, size=65_536):
    for start in range(0, len(body), size):
        yield body[start : start + size]


JSON = {"Content-Type": "application/json"}
CHUNKED = JSON | {"Transfer-Encoding": "chunked"}


def test_it_all(served):
    """One server for all of it: starting one takes longer than asking it."""
    admin, pair = make_admin(), make_pair(make_operator())
    god = as_admin(admin)
    _bodies(served, god)
    _casino(served, pair)
    _head_and_host(served, god)
    _kept_alive(served, god)
    _raw(served)


def _bodies(served, god):
    huge = b"x" * 5_000_000
    for headers, expected in ((god | JSON, 413), (JSON, 401)):
        status, shown, body = served("POST", "/api/internal/operators", huge, headers)
        assert (status, "error" in body, shown["X-RateLimit-Limit"]) == (expected, True, "60")
    for headers, expected in ((god | CHUNKED, 413), (CHUNKED, 401)):
        status, _, body = served("POST", "/api/internal/operators", pieces(huge), headers, chunked=True)
        assert (status, "error" in body) == (expected, True)
    login = json.dumps({"email": "nobody@predictu.com", "password": "wrong"}).encode()
    assert served("POST", "/api/auth/admin/login", pieces(login, 7), CHUNKED, chunked=True)[0] == 401


def _casino(served, pair):
    """The signature covers the request line as typed, which gunicorn decodes before Django sees it."""
    path = "/api/casino/no%74hing?q=%7E~a+b%20c&q=&=&%C3%A9"
    assert served("GET", path, headers=signed(pair, "GET", path))[0] == 404
    assert served("GET", path.replace("%74", "t"), headers=signed(pair, "GET", path))[0] == 401
    body = b'{"amount_usd": 5}'
    headers = signed(pair, "POST", "/api/casino/nothing", body, idempotency_key="k1")
    assert served("POST", "/api/casino/nothing", body, headers | JSON)[0] == 404
    assert served("POST", "/api/casino/nothing", pieces(body, 5), headers | CHUNKED, chunked=True)[0] == 404
    assert served("POST", "/api/casino/nothing", b"{}", headers | JSON)[0] == 401
    unicode = signed(pair, "GET", "/api/casino/nothing", idempotency_key="clé")
    unicode["Idempotency-Key"] = "clé".encode()
    assert served("GET", "/api/casino/nothing", headers=unicode)[0] == 404


def _head_and_host(served, god):
    status, headers, body = served("HEAD", "/api/internal/nothing", headers=god)
    assert (status, body, headers["Content-Type"]) == (404, None, "application/json")
    assert served("GET", "/healthz")[0] == 200
    assert served("GET", "/api/schema/")[0] == 200
    status, headers, _ = served("GET", "/api/internal/%00", headers=god)
    assert (status, headers["Content-Type"]) == (404, "application/json")


def _kept_alive(served, god):
    """One connection serves a list, the news that it is unchanged (no body), and the next request."""
    make_market(description="x" * 2000)
    connection = http.client.HTTPConnection(*served.address, timeout=30)
    path, sockets, answers = "/api/internal/markets", set(), []
    try:
        for headers in ({}, {"If-None-Match": "*"}, {"Accept-Encoding": "gzip"}):
            connection.request("GET", path, headers=god | headers)
            answer = connection.getresponse()
            answers.append((answer.status, len(answer.read()), answer.getheader("Content-Encoding")))
            sockets.add(connection.sock.getsockname())
    finally:
        connection.close()
    whole, unchanged, packed = answers
    assert unchanged == (304, 0, None)
    assert (whole[0], packed[0], packed[2], packed[1] < whole[1] / 2) == (200, 200, "gzip", True)
    assert len(sockets) == 1


def _raw(served):
    """What no client library would send: a body that ends early, an absolute request line."""
    head = "POST /api/internal/x HTTP/1.1\r\nHost: predictu\r\nContent-Type: application/json\r\n"
    with socket.create_connection(served.address, timeout=30) as peer:
        peer.sendall(f"{head}Content-Length: 500\r\n\r\n{{".encode())
        peer.shutdown(socket.SHUT_WR)
        assert b" 401 " in peer.recv(65_536)
    with socket.create_connection(served.address, timeout=30) as peer:
        peer.sendall(b"GET http://predictu/api/internal/x HTTP/1.1\r\nHost: predictu\r\nConnection: close\r\n\r\n")
        assert b" 401 " in peer.recv(65_536)
