import contextlib
import os
import socket
import threading
import time

import pytest

from operators.http import OutboundError, Transport
from tests.loopback import OK, Authority, answer

HEADERS = {"Content-Type": "application/json", "X-Predictu-Event": "PING"}
# Generous: what is shown is that a call ends at all, not how fast.
BOUND_S = 20


def failure(transport, url, timeout_ms=10_000, body=b"{}") -> OutboundError:
    began = time.monotonic()
    with pytest.raises(OutboundError) as caught:
        transport.post(url, body, HEADERS, timeout_ms)
    assert time.monotonic() - began < BOUND_S
    return caught.value


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_post_arrives_as_it_was_given(transport, serve):
    server = serve(lambda request, sock: answer(201, b"thanks", X_One="1", Set_Cookie="a"))
    response = transport.post(server.url("/cb?x=%20y"), b'{"a":1}', HEADERS, 10_000)

    request = server.received[0]
    assert request.line == "POST /cb?x=%20y HTTP/1.1"
    assert request.body == b'{"a":1}'
    assert request.headers == {
        "host": f"localhost:{server.port}",
        "user-agent": "Predictu-Callbacks/1",
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-length": "7",
        "content-type": "application/json",
        "x-predictu-event": "PING",
    }
    assert (response.status, response.body, response.truncated) == (201, b"thanks", False)
    assert response.headers == {"content-length": "6", "x-one": "1", "set-cookie": "a"}
    assert (response.ip, response.tls_version) == ("127.0.0.1", "TLSv1.3")
    assert response.certificate_days_left > 0
    assert all(took_ms >= 0 for took_ms in response.phases_ms.values())
    assert list(response.phases_ms) == ["dns", "connect", "tls", "first_byte"]


def test_an_address_instead_of_a_name(transport, serve):
    server = serve(lambda request, sock: answer())
    assert transport.post(server.url(host="127.0.0.1"), b"", {}, 10_000).status == 200
    assert server.received[0].headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_answers(transport, serve, status):
    server = serve(lambda request, sock: answer(status, b"", Location="/elsewhere"))
    response = transport.post(server.url(), b"{}", HEADERS, 10_000)
    assert (response.status, response.headers["location"]) == (status, "/elsewhere")
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1\r\nX-Evil: 1"},
        {"X-A": "1\nX-Evil: 1"},
        {"X-A\r\nX-Evil": "1"},
        {"X-A: 1": "1"},
        {"X A": "1"},
        {"": "1"},
        {"X-A": "\x00"},
        {"X-A": "é"},
        {"Host": "inner.example"},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
    ],
)
def test_headers_cannot_be_injected(transport, serve, headers):
    server = serve(lambda request, sock: answer())
    with pytest.raises(ValueError, match="cannot be sent"):
        transport.post(server.url(), b"{}", headers, 10_000)
    assert server.connections == 0


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://localhost/cb", "NOT_HTTPS"),
        ("https://user:secret@localhost/cb", "INVALID_URL"),
        ("https://2130706433/cb", "INVALID_URL"),
        ("https://0177.0.0.1/cb", "INVALID_URL"),
        ("https://0x7f.1/cb", "INVALID_URL"),
    ],
)
def test_urls_that_are_not_called(transport, url, code):
    error = failure(transport, url)
    assert (error.code, error.ip, set(error.phases_ms.values())) == (code, None, {None})
    assert "secret" not in str(error)


def test_a_refused_port(transport):
    error = failure(transport, f"https://localhost:{closed_port()}/cb")
    assert (error.code, error.cause, error.ip) == ("CONNECTION_REFUSED", "refused", "127.0.0.1")
    assert error.phases_ms["dns"] is not None
    assert error.phases_ms["connect"] is None


def test_the_environments_proxies_and_authorities_are_ignored(monkeypatch, tmp_path, serve):
    # An authority of its own, so that the trust store is built while the environment is poisoned.
    (tmp_path / "trusted").mkdir()
    trusted, strangers = Authority(tmp_path / "trusted"), Authority(tmp_path)
    proxied = serve(lambda request, sock: answer(502), None)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxied.port}")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, strangers.file)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    transport = Transport(allow_loopback=True, ca_files=[trusted.file])

    server = serve(lambda request, sock: answer(), trusted.context())
    assert transport.post(server.url(), b"{}", HEADERS, 10_000).status == 200
    stranger = serve(lambda request, sock: answer(), strangers.context())
    assert failure(transport, stranger.url()).code == "TLS_ERROR"
    assert (stranger.received, proxied.connections) == ([], 0)
    assert not (tmp_path / "keys").exists()


# --- the whole call is bounded


def stalls(request, sock):
    sock.settimeout(BOUND_S)
    sock.recv(1)


def drips(piece: bytes):
    """Sends a byte at a time, each sooner than a timeout per read would notice."""

    def handler(request, sock):
        for _ in range(200):
            for byte in piece:
                sock.sendall(bytes([byte]))
                time.sleep(0.02)

    return handler


@pytest.mark.parametrize(
    ("handler", "unfinished"),
    [
        pytest.param(stalls, ["first_byte"], id="no answer"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 1000), [], id="dripping headers"),
        pytest.param(drips(b"HTTP/1.1 100 Continue\r\n\r\n"), [], id="interim answers without end"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 1000), [], id="dripping body"),
    ],
)
def test_a_slow_answer_ends_in_time(transport, serve, handler, unfinished):
    server = serve(handler)
    error = failure(transport, server.url(), 300)
    assert (error.code, error.message, error.latency_ms) == ("TIMEOUT", "Callback did not respond within 300ms", 300)
    assert [phase for phase, took_ms in error.phases_ms.items() if took_ms is None] == unfinished
    assert (error.ip, error.tls_version) == ("127.0.0.1", "TLSv1.3")


def test_a_server_that_accepts_and_never_greets_ends_in_time(transport):
    with socket.create_server(("127.0.0.1", 0)) as server:
        error = failure(transport, f"https://localhost:{server.getsockname()[1]}/cb", 300)
    assert error.code == "TIMEOUT"
    assert error.phases_ms["connect"] is not None
    assert error.phases_ms["tls"] is None


@contextlib.contextmanager
def unaccepting(host: str, port: int = 0):
    """A port whose backlog is full, so that the next connection gets no reply at all."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind((host, port))
        server.listen(0)
        for _ in range(8):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def test_a_connection_nobody_accepts_ends_in_time(transport):
    with unaccepting("127.0.0.1") as port:
        error = failure(transport, f"https://localhost:{port}/cb", 300)
    assert error.code == "TIMEOUT"
    assert error.phases_ms["connect"] is None


def test_a_server_that_does_not_read_ends_in_time(transport, tls):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def ignore():
            with tls.wrap_socket(listener.accept()[0], server_side=True):
                over.wait(2 * BOUND_S)

        threading.Thread(target=ignore, daemon=True).start()
        url = f"https://localhost:{listener.getsockname()[1]}/cb"
        error = failure(transport, url, 500, body=b"x" * 50_000_000)
        over.set()
    assert error.code == "TIMEOUT"
    assert error.phases_ms["tls"] is not None
    assert error.phases_ms["first_byte"] is None


def test_an_address_that_does_not_answer_leaves_time_for_the_next(authority, serve):
    """The first address's backlog is full; the second serves."""
    server = serve(lambda request, sock: answer())
    transport = Transport(
        allow_loopback=True, ca_files=[authority.file], lookup=lambda host: ["127.0.0.2", "127.0.0.1"]
    )
    with unaccepting("127.0.0.2", server.port):
        response = transport.post(server.url(), b"{}", HEADERS, 1600)
    assert (response.status, response.ip) == (200, "127.0.0.1")


# --- answers of the wrong size or kind


def sends(data: bytes):
    def handler(request, sock):
        sock.sendall(data)

    return handler


def endless(head: bytes, piece: bytes):
    def handler(request, sock):
        sock.sendall(head)
        while True:
            sock.sendall(piece)

    return handler


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 8192), id="until close"),
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"a" * 1024 + b"\r\n"),
            id="chunked",
        ),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"a" * 8192), id="announced"),
        pytest.param(sends(answer(200, b"a" * 65_537)), id="one byte too many"),
    ],
)
def test_a_body_is_cut_at_64_kib(transport, serve, handler):
    server = serve(handler)
    response = transport.post(server.url(), b"{}", HEADERS, 10_000)
    assert (response.status, response.body, response.truncated) == (200, b"a" * 65_536, True)
    assert transport.post(server.url(), b"{}", HEADERS, 10_000).reused is False


def test_a_body_of_64_kib_is_whole(transport, serve):
    server = serve(lambda request, sock: answer(200, b"a" * 65_536))
    response = transport.post(server.url(), b"{}", HEADERS, 10_000)
    assert (response.body, response.truncated) == (b"a" * 65_536, False)


def test_framing_cannot_smuggle_more_than_the_limit(transport, serve):
    server = serve(
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 1000 + b"\r\na\r\n")
    )
    response = transport.post(server.url(), b"{}", HEADERS, 10_000)
    assert response.truncated is True
    assert set(response.body) == {ord("a")}
    assert len(response.body) < 65_536


def test_a_chunked_answer_is_put_together(transport, serve):
    server = serve(sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"))
    assert transport.post(server.url(), b"{}", HEADERS, 10_000).body == b"abcde"


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not_http"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not_http"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 200 + b"\r\n", "not_http"),
        (b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 400_000 + b"\r\n\r\n", "not_http"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000, "headers"),
        (b"HTTP/1.1 200 OK\r\n" + (b"X-A: " + b"a" * 60_000 + b"\r\n") * 10 + b"\r\n", "headers"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "incomplete"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "incomplete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "incomplete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", "incomplete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc", "not_http"),
    ],
)
def test_an_answer_that_is_no_http_or_breaks_off(transport, serve, data, cause):
    error = failure(transport, serve(sends(data)).url())
    assert (error.code, error.cause) == ("INVALID_RESPONSE", cause)


def test_a_server_that_hangs_up_without_an_answer(transport, serve):
    server = serve(lambda request, sock: None)
    error = failure(transport, server.url())
    assert (error.code, error.cause) == ("CONNECTION_REFUSED", "closed")
    assert len(server.received) == 1


# --- keep-alive


def test_connections_are_kept(transport, serve):
    server = serve(lambda request, sock: answer())
    responses = [transport.post(server.url(f"/{n}"), b"{}", HEADERS, 10_000) for n in range(5)]
    assert [response.reused for response in responses] == [False, True, True, True, True]
    assert server.connections == 1
    assert (responses[4].phases_ms["connect"], responses[4].phases_ms["tls"]) == (None, None)
    assert (responses[4].ip, responses[4].tls_version) == ("127.0.0.1", "TLSv1.3")
    assert responses[4].certificate_days_left == responses[0].certificate_days_left


def test_a_call_may_ask_for_a_fresh_connection_and_leaves_none(transport, serve):
    server = serve(lambda request, sock: answer())
    transport.post(server.url(), b"{}", HEADERS, 10_000)
    assert transport.post(server.url(), b"{}", HEADERS, 10_000, reuse=False).reused is False
    assert server.received[1].headers["connection"] == "close"
    assert transport.post(server.url(), b"{}", HEADERS, 10_000).reused is True
    assert server.connections == 2


def test_a_kept_connection_the_server_closed_is_not_used(transport, serve):
    server = serve(lambda request, sock: answer())
    transport.post(server.url(), b"{}", HEADERS, 10_000)
    server.hang_up()
    assert transport.post(server.url(), b"{}", HEADERS, 10_000).reused is False
    assert (server.connections, len(server.received)) == (2, 2)


def test_a_request_lost_on_a_kept_connection_is_sent_once_more(transport, serve):
    """The server ends the connection only when the second request is under way."""
    server = serve(lambda request, sock: None if len(server.received) == 2 else answer())
    transport.post(server.url(), b"first", HEADERS, 10_000)
    response = transport.post(server.url(), b"second", HEADERS, 10_000)
    assert (response.status, response.reused) == (200, False)
    assert [request.body for request in server.received] == [b"first", b"second", b"second"]


def test_a_request_is_never_sent_a_third_time(transport, serve):
    server = serve(lambda request, sock: answer() if len(server.received) == 1 else None)
    transport.post(server.url(), b"first", HEADERS, 10_000)
    assert failure(transport, server.url()).cause == "closed"
    assert len(server.received) == 3


def test_once_an_answer_has_begun_nothing_is_sent_again(transport, serve):
    def handler(request, sock):
        if len(server.received) == 1:
            return answer()
        sock.sendall(b"HTTP/1.1 2")
        return None

    server = serve(handler)
    transport.post(server.url(), b"first", HEADERS, 10_000)
    assert failure(transport, server.url()).code == "INVALID_RESPONSE"
    assert len(server.received) == 2


def test_a_timeout_is_not_sent_again(transport, serve):
    server = serve(lambda request, sock: answer() if len(server.received) == 1 else stalls(request, sock))
    transport.post(server.url(), b"first", HEADERS, 10_000)
    assert failure(transport, server.url(), 300).code == "TIMEOUT"
    assert len(server.received) == 2


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(answer() + b"HTTP/1.1 200 OK\r\n\r\n", id="bytes after the answer"),
        pytest.param(answer(200, OK, Connection="close"), id="connection: close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\n\r\n", id="interim answer"),
    ],
)
def test_a_connection_in_doubt_is_not_kept(transport, serve, data):
    server = serve(lambda request, sock: data)
    transport.post(server.url(), b"{}", HEADERS, 10_000)
    assert transport.post(server.url(), b"{}", HEADERS, 10_000).reused is False


def test_unasked_bytes_on_an_idle_connection_spoil_it(transport, serve):
    sockets = []

    def handler(request, sock):
        sockets.append(sock)
        return answer()

    server = serve(handler)
    transport.post(server.url(), b"{}", HEADERS, 10_000)
    sockets[0].sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    response = transport.post(server.url(), b"{}", HEADERS, 10_000)
    assert (response.status, response.reused) == (200, False)


def test_connections_are_not_shared_between_ports(transport, serve):
    one, two = (serve(lambda request, sock: answer()) for _ in range(2))
    for server in (one, two, one, two):
        transport.post(server.url(), b"{}", HEADERS, 10_000)
    assert (one.connections, len(one.received)) == (1, 2)
    assert (two.connections, len(two.received)) == (1, 2)


def test_idle_connections_grow_old(authority, serve):
    transport = Transport(allow_loopback=True, ca_files=[authority.file], idle_s=0)
    server = serve(lambda request, sock: answer())
    for _ in range(3):
        assert transport.post(server.url(), b"{}", HEADERS, 10_000).reused is False
    assert server.connections == 3


def test_many_threads_share_a_transport(transport, serve):
    server = serve(lambda request, sock: answer(200, request.body))
    wrong = []

    def work(name: int) -> None:
        for number in range(25):
            body = f"{name}/{number}".encode()
            if transport.post(server.url(), body, HEADERS, 10_000).body != body:
                wrong.append(body)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(server.received) == 200
    assert server.connections <= 8


def test_a_forked_child_uses_connections_of_its_own(transport, serve):
    server = serve(lambda request, sock: answer())
    transport.post(server.url(), b"parent", HEADERS, 10_000)
    child = os.fork()
    if not child:
        fine = False
        try:
            fine = transport.post(server.url(), b"child", HEADERS, 10_000).reused is False
        finally:
            os._exit(0 if fine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert transport.post(server.url(), b"parent", HEADERS, 10_000).reused is True
    assert server.connections == 2
