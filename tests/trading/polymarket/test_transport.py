import gzip
import time
from decimal import Decimal

import pytest

from tests.loopback import answer, serving
from trading.polymarket.errors import SourceMalformed, SourceRefused, SourceUnavailable
from trading.polymarket.transport import ClientOptions, Transport

QUICK = ClientOptions(requests_per_second=10_000, backoff_s=0.001, backoff_cap_s=0.001, attempts=3)


def calling(handler, options=QUICK):
    """(what the call returned or raised, how many requests the server got)."""
    with serving(handler, None) as server:
        transport = Transport(f"http://127.0.0.1:{server.port}/base/", options=options)
        try:
            return transport.call("GET", "/thing", params=[("a", "1"), ("a", "2")]), server.received
        except (SourceUnavailable, SourceRefused, SourceMalformed) as error:
            return error, server.received
        finally:
            transport.close()


def test_a_call_sends_no_secret_and_repeats_parameters(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    got, [request] = calling(lambda *_: answer(200, b'{"p": 0.1}'))
    assert got == {"p": Decimal("0.1")}
    assert request.line == "GET /base/thing?a=1&a=2 HTTP/1.1"
    assert request.headers["user-agent"] == "predictu-sync"
    assert "authorization" not in request.headers and "cookie" not in request.headers


def test_compressed_and_chunked_answers_are_read():
    packed = gzip.compress(b'{"rows": [1, 2, 3]}')
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (packed[:7], packed[7:])) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    got, requests = calling(lambda *_: head + chunks)
    assert got == {"rows": [1, 2, 3]}
    assert len(requests) == 1


SPOILED = {
    "half a document": answer(200, b'{"rows": ['),
    "a page of HTML": answer(200, b"<html>maintenance</html>"),
    "nothing": answer(200, b""),
    "less than announced": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}",
    "a broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\r\n",
    "not gzip": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}",
    "not HTTP": b"nonsense\r\n\r\n",
    "hung up": b"",
    "500": answer(500),
    "503": answer(503),
    "429": answer(429),
    "408": answer(408),
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
def test_what_may_pass_is_tried_again_and_then_given_up(spoiled):
    def always(request, sock):
        sock.sendall(spoiled)

    error, requests = calling(always)
    assert isinstance(error, SourceUnavailable)
    assert len(requests) == 3

    state = []

    def once(request, sock):
        state.append(1)
        if len(state) == 1:
            sock.sendall(spoiled)
            return None
        return answer(200, b"[]")

    got, requests = calling(once)
    assert got == []
    assert len(requests) == 2


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404, 414, 422])
def test_other_answers_are_final(status):
    error, requests = calling(lambda *_: answer(status, b"{}", Location="http://127.0.0.1:1/"))
    assert isinstance(error, SourceRefused)
    assert error.answered == status
    assert len(requests) == 1


def test_an_answer_too_large_is_dropped():
    options = ClientOptions(requests_per_second=10_000, largest_answer_bytes=1000)
    error, requests = calling(lambda *_: answer(200, b'"' + b"x" * 2000 + b'"'), options)
    assert isinstance(error, SourceMalformed)
    assert len(requests) == 1


def test_a_compressed_answer_counts_by_its_full_size():
    body = gzip.compress(b'"' + b"x" * 50_000_000 + b'"')
    options = ClientOptions(requests_per_second=10_000, largest_answer_bytes=1_000_000)
    error, _ = calling(lambda *_: answer(200, body, Content_Encoding="gzip"), options)
    assert isinstance(error, SourceMalformed)


def test_nobody_there():
    with serving(lambda *_: None, None) as server:
        port = server.port
    with pytest.raises(SourceUnavailable, match="ConnectionError"):
        Transport(f"http://127.0.0.1:{port}", options=QUICK).call("GET", "/")


def test_a_silent_server_is_left_after_the_read_timeout():
    options = ClientOptions(requests_per_second=10_000, attempts=2, read_timeout_s=0.05, backoff_s=0.001)
    error, requests = calling(lambda *_: time.sleep(0.3), options)
    assert isinstance(error, SourceUnavailable)
    assert len(requests) == 2


def test_a_trickle_ends_with_the_deadline():
    def trickle(request, sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            sock.sendall(b" ")
            time.sleep(0.02)

    options = ClientOptions(requests_per_second=10_000, read_timeout_s=1, deadline_s=0.2)
    error, requests = calling(trickle, options)
    assert isinstance(error, SourceUnavailable)
    assert "took too long" in error.message
    assert len(requests) == 1


class Watch:
    """Time that passes only in ``sleep``."""

    def __init__(self):
        self.at = 0.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds

    def read(self):
        return self.at


def waiting(handler, **options):
    watch = Watch()
    with serving(handler, None) as server:
        transport = Transport(
            f"http://127.0.0.1:{server.port}",
            options=ClientOptions(requests_per_second=10_000, **options),
            sleep=watch.sleep,
            monotonic=watch.read,
        )
        try:
            return transport.call("GET", "/"), watch.slept
        except SourceUnavailable as error:
            return error, watch.slept
        finally:
            transport.close()


def test_retry_after_is_obeyed():
    replies = iter([answer(429, Retry_After="7"), answer(503, Retry_After="11"), answer(200, b"1")])
    got, slept = waiting(lambda *_: next(replies))
    assert got == 1
    assert [wait for wait in slept if wait >= 1] == [7.0, 11.0]


def test_a_wait_past_the_deadline_is_not_begun():
    error, slept = waiting(lambda *_: answer(429, Retry_After="3600"), deadline_s=60)
    assert isinstance(error, SourceUnavailable)
    assert error.retry_after == 3600
    assert all(wait < 1 for wait in slept)


def test_without_retry_after_the_waits_double():
    error, slept = waiting(lambda *_: answer(500), backoff_s=2, backoff_cap_s=15, attempts=6, deadline_s=1000)
    assert isinstance(error, SourceUnavailable)
    assert error.retry_after == SourceUnavailable.retry_after
    waits = [wait for wait in slept if wait >= 0.5]
    assert [low <= wait <= 2 * low for wait, low in zip(waits, (1, 2, 4, 7.5, 7.5), strict=True)] == [True] * 5


@pytest.mark.parametrize("url", ["", "gamma-api.polymarket.com", "ftp://x", "file:///etc/passwd"])
def test_only_web_addresses_are_bases(url):
    with pytest.raises(ValueError, match="http"):
        Transport(url, options=QUICK)
