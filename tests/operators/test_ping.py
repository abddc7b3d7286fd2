"""Each documented outcome of the PING test, from a server that really behaves so."""

import socket
import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from operators import ping, signing
from operators.http import Transport
from tests.loopback import Authority, answer

NOW = datetime(2025, 3, 18, 16, 5, tzinfo=UTC)
SECRET = "sk_live_" + "s" * 43
BOUND_S = 20


def send(transport, url, **changes):
    terms = {"operator_id": "op_abc123", "delivery_id": "dlv_test_789", "secret": SECRET, "now": NOW}
    return ping.send(transport, url=url, **{**terms, "timeout_ms": 10_000, **changes})


def replying(status=200, body=b"", **headers):
    return lambda request, sock: answer(status, body, **headers)


def test_the_request_is_the_documented_one(transport, serve):
    server = serve(replying(body=b'{"status":"ok","received_event":"PING"}'))
    send(transport, server.url())
    request = server.received[0]
    assert request.body == (
        b'{"event":"PING","operator_id":"op_abc123","timestamp":"2025-03-18T16:05:00.000Z","test":true,'
        b'"payload":{"message":"This is a test callback from Predictu. Respond with HTTP 200 to confirm receipt."}}'
    )
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-predictu-event"] == "PING"
    assert request.headers["x-predictu-delivery"] == request.headers["webhook-id"] == "dlv_test_789"
    assert request.headers["x-predictu-signature"] == signing.body_signature(SECRET, request.body)
    assert "x-predictu-sequence" not in request.headers


def test_success_has_the_documented_keys_and_two_more(transport, serve):
    server = serve(replying(body=b'{"status":"ok","received_event":"PING","note":[1.5,null]}'))
    result = send(transport, server.url())
    shown = result.test_result
    assert result.success is True
    assert list(shown) == [
        "callback_url",
        "http_status",
        "response_body",
        "latency_ms",
        "signature_sent",
        "tls_version",
        "ip_resolved",
        "phases_ms",
        "certificate_days_left",
    ]
    assert shown["callback_url"] == server.url()
    assert shown["http_status"] == 200
    assert shown["response_body"] == {"status": "ok", "received_event": "PING", "note": [1.5, None]}
    assert shown["signature_sent"] == signing.body_signature(SECRET, server.received[0].body)
    assert (shown["tls_version"], shown["ip_resolved"]) == ("TLSv1.3", "127.0.0.1")
    assert list(shown["phases_ms"]) == ["dns", "connect", "tls", "first_byte"]
    assert None not in shown["phases_ms"].values()
    assert isinstance(shown["latency_ms"], int)


def test_in_a_rotation_both_signatures_go_out(transport, serve):
    server = serve(replying())
    newest = "sk_live_" + "n" * 43
    send(transport, server.url(), next_secret=newest)
    request = server.received[0]
    assert request.headers["x-predictu-signature"] == signing.body_signature(SECRET, request.body)
    assert request.headers["x-predictu-signature-next"] == signing.body_signature(newest, request.body)


def test_each_test_connects_anew(transport, serve):
    server = serve(replying(body=b'{"status":"ok","received_event":"PING"}'))
    assert [send(transport, server.url()).success for _ in range(2)] == [True, True]
    assert server.connections == 2


@pytest.mark.parametrize(
    ("status", "message", "suggestion"),
    [
        (500, "The server answered with HTTP 500, not 200", "Check server logs for the callback handler"),
        (204, "The server answered with HTTP 204, not 200", "Check server logs for the callback handler"),
        (
            302,
            "The server answered with HTTP 302, not 200",
            "Redirects are not followed: use the URL that answers itself as callback URL.",
        ),
        (
            403,
            "The server answered with HTTP 403, not 200",
            "The server denied the request: callbacks carry no login, so exempt the path from authentication and "
            "verify the signature instead.",
        ),
        (
            404,
            "The server answered with HTTP 404, not 200",
            "The server has no such page: check the path of the callback URL and that it accepts POST.",
        ),
    ],
)
def test_http_error(transport, serve, status, message, suggestion):
    body = b"" if status == 204 else b'{"status":"ok","received_event":"PING"}'
    server = serve(replying(status, body, Location="https://localhost/"))
    result = send(transport, server.url())
    shown = result.test_result
    assert result.success is False
    assert (shown["error"], shown["error_message"], shown["suggestion"]) == ("HTTP_ERROR", message, suggestion)
    assert shown["http_status"] == status
    assert len(server.received) == 1


JSON_WANTED = 'Answer with the JSON object {"status": "ok", "received_event": "PING"}.'
KEYS_WANTED = "Ensure response includes status and received_event"


@pytest.mark.parametrize(
    ("body", "message", "suggestion"),
    [
        (b"<html>It works!</html>", "The answer is not a JSON object", JSON_WANTED),
        (b"", "The answer is not a JSON object", JSON_WANTED),
        (b'["ok"]', "The answer is not a JSON object", JSON_WANTED),
        (b'{"status": NaN, "received_event": "PING"}', "The answer is not a JSON object", JSON_WANTED),
        (b'{"status":"ok","received_event":"PING\xff"}', "The answer is not a JSON object", JSON_WANTED),
        (b'{"status":"ok","received_event":"PING","x":' + b"[" * 500 + b"]" * 500 + b"}", None, JSON_WANTED),
        (b"{}", "The answer has no status", KEYS_WANTED),
        (b'{"status":"ok"}', "The answer has no received_event", KEYS_WANTED),
        (b'{"received_event":"PING"}', "The answer has no status", KEYS_WANTED),
        (b'{"status":"error","received_event":"PING"}', 'The answer\'s status is not "ok"', KEYS_WANTED),
        (b'{"status":"ok","received_event":"PONG"}', 'The answer\'s received_event is not "PING"', KEYS_WANTED),
        (
            b'{"status":"ok","received_event":"PING","x":"' + b"a" * 70_000 + b'"}',
            "The answer is longer than 64 KiB",
            JSON_WANTED,
        ),
    ],
)
def test_invalid_response(transport, serve, body, message, suggestion):
    shown = send(transport, serve(replying(200, body)).url()).test_result
    assert shown["error"] == "INVALID_RESPONSE"
    assert shown["error_message"] == (message or "The answer is not a JSON object")
    assert shown["suggestion"] == suggestion
    assert shown["http_status"] == 200


def test_what_is_not_json_is_shown_as_the_beginning_of_its_text(transport, serve):
    shown = send(transport, serve(replying(200, b"<p>\x00\xff" + b"a" * 5000)).url()).test_result
    assert shown["response_body"] == "<p>\N{REPLACEMENT CHARACTER}" + "a" * 996
    assert orjson.dumps(shown)


def test_an_answer_that_is_no_http_is_an_invalid_response(transport, serve):
    def chatter(request, sock):
        sock.sendall(b"220 mail.example ESMTP\r\n")

    shown = send(transport, serve(chatter).url()).test_result
    assert (shown["error"], shown["suggestion"]) == ("INVALID_RESPONSE", KEYS_WANTED)


def slow_answer(request, sock):
    sock.settimeout(BOUND_S)
    sock.recv(1)


def slow_headers(request, sock):
    for byte in b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 500:
        sock.sendall(bytes([byte]))
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("handler", "suggestion"),
    [
        (
            slow_answer,
            "The request was sent, but no answer began: ensure the callback handler answers first and does slow work "
            "afterwards.",
        ),
        (
            slow_headers,
            "The answer began but did not end: ensure the callback handler sends a complete, short answer.",
        ),
    ],
)
def test_timeout(transport, serve, handler, suggestion):
    server = serve(handler)
    shown = send(transport, server.url(), timeout_ms=300).test_result
    assert list(shown) == [
        "callback_url",
        "error",
        "error_message",
        "latency_ms",
        "suggestion",
        "tls_version",
        "ip_resolved",
        "phases_ms",
        "certificate_days_left",
    ]
    assert (shown["callback_url"], shown["error"], shown["latency_ms"]) == (server.url(), "TIMEOUT", 300)
    assert shown["error_message"] == "Callback did not respond within 300ms"
    assert shown["suggestion"] == suggestion


def test_timeout_before_tls(transport):
    with socket.create_server(("127.0.0.1", 0)) as server:
        shown = send(transport, f"https://localhost:{server.getsockname()[1]}/", timeout_ms=300).test_result
    assert shown["error"] == "TIMEOUT"
    assert shown["suggestion"] == (
        "The connection was accepted, but the TLS handshake did not end: "
        "ensure the port is served by a TLS server that is not overloaded."
    )


def test_connection_refused(transport):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    shown = send(transport, f"https://localhost:{port}/").test_result
    assert (shown["error"], shown["error_message"]) == ("CONNECTION_REFUSED", "The server refused the connection")
    assert shown["suggestion"] == "Verify the server is running and the port is correct"


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]", "[64:ff9b::a00:1]"])
def test_an_address_that_is_not_public(transport, host):
    shown = send(transport, f"https://{host}/").test_result
    assert (shown["error"], shown["error_message"]) == ("CONNECTION_REFUSED", "address is not public")
    assert shown["suggestion"] == (
        "Callbacks go to public internet addresses only: use a host name whose every address is public."
    )


def test_dns_resolution_failed(transport):
    shown = send(transport, "https://no-such-host.invalid/cb", timeout_ms=10_000).test_result
    assert shown["error"] == "DNS_RESOLUTION_FAILED"


def test_a_resolver_that_does_not_answer_in_time():
    transport = Transport(lookup=lambda host: time.sleep(0.5) or ["10.0.0.1"])
    shown = send(transport, "https://api.operator.example/", timeout_ms=100).test_result
    assert shown["error"] == "DNS_RESOLUTION_FAILED"
    assert shown["error_message"] == "The host name was not resolved within 100ms"
    assert shown["suggestion"] == "The domain's name servers did not answer in time: check that they are running."


def test_tls_errors_name_the_certificates_fault(transport, serve, authority, tmp_path):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired = authority.context(not_before=yesterday - timedelta(days=1), not_after=yesterday)
    faults = {
        expired: "Renew the server's certificate: it has expired.",
        authority.context("other.example"): "The certificate does not name the callback URL's host: "
        "use a certificate for that host, or the host name the certificate is for.",
        Authority(tmp_path).context(): "The certificate's authority is not trusted: use one from a public certificate "
        "authority and serve its intermediate certificates too.",
    }
    for context, suggestion in faults.items():
        server = serve(replying(), context)
        shown = send(transport, server.url()).test_result
        assert (shown["error"], shown["suggestion"]) == ("TLS_ERROR", suggestion)
        assert server.received == []


def test_not_https(transport):
    shown = send(transport, "http://api.operator.example/cb").test_result
    assert (shown["error"], shown["error_message"]) == ("NOT_HTTPS", "Callback URL does not use HTTPS")
    assert shown["suggestion"] == "HTTPS is required for all callback URLs"


def test_credentials_in_the_url_are_refused(transport):
    shown = send(transport, "https://user:secret@api.operator.example/cb").test_result
    assert (shown["error"], shown["error_message"]) == (
        "INVALID_URL",
        "The URL must not contain a user name or password",
    )
