"""The PING test: one signed request to a callback URL, and what its outcome means to the operator's engineer.

A failed test is a result, not an error: the documented codes name what happened, ``suggestion`` what to do about it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from operators import envelope, signing
from operators.http import OutboundError, Response, Transport

DEFAULT_TIMEOUT_MS = 10_000
MAX_TIMEOUT_MS = 30_000
MESSAGE = "This is a test callback from Predictu. Respond with HTTP 200 to confirm receipt."

_EXCERPT = 1000

# By code and cause where the cause is known, else by code alone; the latter are the document's own words.
_SUGGESTIONS = {
    "TIMEOUT": "Ensure the callback URL is accessible and the server responds within the timeout period. "
    "Check firewall rules and DNS resolution.",
    "TIMEOUT connect": "No connection was made: ensure the server is running and that its firewall lets us in.",
    "TIMEOUT tls": "The connection was accepted, but the TLS handshake did not end: "
    "ensure the port is served by a TLS server that is not overloaded.",
    "TIMEOUT first_byte": "The request was sent, but no answer began: ensure the callback handler answers first and "
    "does slow work afterwards.",
    "TIMEOUT body": "The answer began but did not end: ensure the callback handler sends a complete, short answer.",
    "CONNECTION_REFUSED": "Verify the server is running and the port is correct",
    "CONNECTION_REFUSED forbidden_address": "Callbacks go to public internet addresses only: use a host name whose "
    "every address is public.",
    "CONNECTION_REFUSED unreachable": "There is no route to the server: check its address records and its firewall.",
    "CONNECTION_REFUSED closed": "The connection was made and closed again without an answer: "
    "check the server's and its load balancer's logs.",
    "DNS_RESOLUTION_FAILED": "Check the domain name in the callback URL",
    "DNS_RESOLUTION_FAILED timeout": "The domain's name servers did not answer in time: check that they are running.",
    "DNS_RESOLUTION_FAILED no_answer": "The domain's name servers did not answer: check that they are running.",
    "TLS_ERROR": "Ensure valid SSL certificate (self-signed not accepted)",
    "TLS_ERROR certificate_expired": "Renew the server's certificate: it has expired.",
    "TLS_ERROR certificate_not_yet_valid": "The server's certificate is not valid yet: check its start date.",
    "TLS_ERROR certificate_self_signed": "Self-signed certificates are not accepted: "
    "use one from a public certificate authority.",
    "TLS_ERROR certificate_issuer": "The certificate's authority is not trusted: use one from a public certificate "
    "authority and serve its intermediate certificates too.",
    "TLS_ERROR certificate_host": "The certificate does not name the callback URL's host: "
    "use a certificate for that host, or the host name the certificate is for.",
    "TLS_ERROR not_tls": "The port answers, but not with TLS: use the port that serves HTTPS.",
    "TLS_ERROR handshake_closed": "The server hung up during the TLS handshake: ensure the port serves HTTPS for this "
    "host name, with TLS 1.2 or newer and without client certificates.",
    "TLS_ERROR handshake": "Server and client found no common TLS settings: ensure TLS 1.2 or newer is enabled.",
    "HTTP_ERROR": "Check server logs for the callback handler",
    "HTTP_ERROR redirect": "Redirects are not followed: use the URL that answers itself as callback URL.",
    "HTTP_ERROR denied": "The server denied the request: callbacks carry no login, "
    "so exempt the path from authentication and verify the signature instead.",
    "HTTP_ERROR missing": "The server has no such page: check the path of the callback URL and that it accepts POST.",
    "INVALID_RESPONSE": "Ensure response includes status and received_event",
    "INVALID_RESPONSE not_json": 'Answer with the JSON object {"status": "ok", "received_event": "PING"}.',
    "NOT_HTTPS": "HTTPS is required for all callback URLs",
    "INVALID_URL": "Correct the callback URL",
}


@dataclass(frozen=True, slots=True)
class PingResult:
    """What the API answers. ``test_result`` is the documented object.

    Additions to it are ``phases_ms``, ``certificate_days_left`` and, in a failure, all that is known of the answer.
    ``response_body`` is the operator's own: JSON where it is JSON, else the beginning of its text.
    """

    success: bool
    test_result: dict[str, Any]


def send(
    transport: Transport,
    *,
    url: str,
    operator_id: str,
    delivery_id: str,
    secret: str,
    now: datetime,
    next_secret: str | None = None,
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
) -> PingResult:
    """PING the URL on a connection of its own, so that name, address and certificate are really tested."""
    body = envelope.encode(event="PING", operator_id=operator_id, at=now, test=True, payload={"message": MESSAGE})
    headers = signing.headers_for(
        event="PING", delivery_id=delivery_id, body=body, secret=secret, next_secret=next_secret, now=now
    )
    try:
        response = transport.post(url, body, headers, timeout_ms, reuse=False)
    except OutboundError as error:
        return _unanswered(url, error)
    return _answered(url, response, headers["X-Predictu-Signature"])


def _unanswered(url: str, error: OutboundError) -> PingResult:
    cause = _stalled_in(error.phases_ms) if error.code == "TIMEOUT" else error.cause
    result: dict[str, Any] = {
        "callback_url": url,
        "error": error.code,
        "error_message": "Callback URL does not use HTTPS" if error.code == "NOT_HTTPS" else error.message,
        "latency_ms": error.latency_ms,
        "suggestion": _suggestion(error.code, cause),
        "tls_version": error.tls_version,
        "ip_resolved": error.ip,
        "phases_ms": error.phases_ms,
        "certificate_days_left": error.certificate_days_left,
    }
    return PingResult(success=False, test_result=result)


def _answered(url: str, response: Response, signature: str) -> PingResult:
    document = _json(response)
    fault = _fault(response, document)
    result: dict[str, Any] = {
        "callback_url": url,
        "http_status": response.status,
        "response_body": _excerpt(response.body) if document is None else document,
        "latency_ms": response.latency_ms,
        "signature_sent": signature,
        "tls_version": response.tls_version,
        "ip_resolved": response.ip,
        "phases_ms": response.phases_ms,
        "certificate_days_left": response.certificate_days_left,
    }
    if fault is not None:
        code, cause, message = fault
        result |= {"error": code, "error_message": message, "suggestion": _suggestion(code, cause)}
    return PingResult(success=fault is None, test_result=result)


def _fault(response: Response, document: Any) -> tuple[str, str, str] | None:
    """Code, cause and message of what is wrong with an answer; None for the documented one."""
    if response.status != 200:
        return "HTTP_ERROR", _refusal(response.status), f"The server answered with HTTP {response.status}, not 200"
    if response.truncated:
        return "INVALID_RESPONSE", "not_json", "The answer is longer than 64 KiB"
    if not isinstance(document, dict):
        return "INVALID_RESPONSE", "not_json", "The answer is not a JSON object"
    for key, wanted in (("status", "ok"), ("received_event", "PING")):
        if key not in document:
            return "INVALID_RESPONSE", "", f"The answer has no {key}"
        if document[key] != wanted:
            return "INVALID_RESPONSE", "", f'The answer\'s {key} is not "{wanted}"'
    return None


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return "redirect"
    return {401: "denied", 403: "denied", 404: "missing", 405: "missing"}.get(status, "")


def _stalled_in(phases_ms: dict[str, float | None]) -> str:
    """The first phase that did not end, ``body`` when all did."""
    return next((phase for phase, took_ms in phases_ms.items() if took_ms is None), "body")


def _suggestion(code: str, cause: str) -> str:
    return _SUGGESTIONS.get(f"{code} {cause}", _SUGGESTIONS[code])


def _json(response: Response) -> Any:
    if response.truncated:
        return None
    try:
        document = orjson.loads(response.body)
        orjson.dumps(document)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # the latter: nested too deeply to be shown again
        return None
    return document


def _excerpt(body: bytes) -> str:
    return body.decode(errors="replace").replace("\x00", "")[:_EXCERPT]
