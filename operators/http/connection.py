"""One TLS connection to one checked address, and one exchange on it at a time.

Sockets are driven here rather than through urllib3, because its timeouts hold per read and it reports no phases: each
wait below gets what is left of the call. Only the parsing of the answer is left to ``http.client``.
"""

import http.client
import io
import select
import socket
import ssl
import time
from dataclasses import dataclass

from operators.http.addresses import Address
from operators.http.call import Call
from operators.http.errors import OutboundError, StaleConnection
from operators.http.urls import Target

BODY_LIMIT = 64 * 1024
# Head, body and chunk framing together; what is beyond it is never read.
_WIRE_LIMIT = 4 * BODY_LIMIT
_BUFFER = 16 * 1024
_MAX_ADDRESSES = 4
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``body`` is at most 64 KiB; ``complete`` when all of it was read and the connection is clean."""

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool
    complete: bool


class Connection:
    """An open TLS connection. Made by ``open_connection``; used by one thread at a time."""

    def __init__(self, sock: ssl.SSLSocket, address: Address) -> None:
        self._sock = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        certificate = sock.getpeercert() or {}
        self._certificate_ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        self._tls_version = sock.version()
        self.address = address
        self.opened_at = self.idle_since = time.monotonic()

    def describe(self, call: Call) -> None:
        """Note on the call whom it speaks to."""
        call.ip = str(self.address)
        call.tls_version = self._tls_version
        call.certificate_days_left = int((self._certificate_ends - time.time()) // _DAY_S)

    def is_quiet(self) -> bool:
        """False once an idle connection has something to read: its end, or bytes nobody asked for."""
        return not self._sock.pending() and not self._poll.poll(0)

    def close(self) -> None:
        self._sock.close()

    def exchange(self, request: bytes, call: Call) -> Answer:
        """Send the request, read the answer.

        Raises StaleConnection when the server ends the connection before a byte of the answer, TimeoutError, or
        OutboundError TLS_ERROR or INVALID_RESPONSE. After any of them the connection is closed.
        """
        wire = _Wire(self._sock, call)
        reader = _Reader(wire, _BUFFER)
        try:
            self._send(request, call)
            response = http.client.HTTPResponse(reader, method="POST")  # type: ignore[arg-type]
            response.begin()
            if wire.has_ended:  # http.client takes a head that breaks off for a whole one
                raise http.client.IncompleteRead(b"")
            body = _read_body(response, wire)
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise
            if isinstance(error, (OSError, http.client.HTTPException, ValueError)):
                raise _exchange_failure(error, wire) from error
            raise
        truncated = len(body) > BODY_LIMIT or wire.is_exhausted
        return Answer(
            status=response.status,
            headers=_headers(response),
            body=body[:BODY_LIMIT],
            truncated=truncated,
            complete=not truncated and _is_reusable(response) and reader.is_drained(),
        )

    def _send(self, request: bytes, call: Call) -> None:
        rest = memoryview(request)
        try:
            while rest:
                self._sock.settimeout(call.remaining())
                rest = rest[self._sock.send(rest) :]
        except (ConnectionError, ssl.SSLEOFError):
            # The server may have answered before it hung up; if not, reading says so.
            return


class _Wire(io.RawIOBase):
    """The socket as a stream that ends at the call's deadline or after ``_WIRE_LIMIT`` bytes."""

    def __init__(self, sock: ssl.SSLSocket, call: Call) -> None:
        self._sock = sock
        self._call = call
        self._left = _WIRE_LIMIT
        self.has_begun = False
        self.has_ended = False
        self.is_exhausted = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._left <= 0:
            self.has_ended = self.is_exhausted = True
            return 0
        self._sock.settimeout(self._call.remaining())
        count = self._sock.recv_into(buffer)
        if count and not self.has_begun:
            self.has_begun = True
            self._call.mark("first_byte")
        self.has_ended = not count
        self._left -= count
        return count

    def stop(self) -> None:
        self._left = 0


class _Reader(io.BufferedReader):
    """The buffer ``http.client`` reads from; it outlives the response, which closes what it has read to the end."""

    raw: _Wire

    def makefile(self, mode: str) -> "_Reader":
        return self

    def close(self) -> None:
        """The socket belongs to the Connection."""

    def is_drained(self) -> bool:
        """Whether nothing was received beyond the answer."""
        self.raw.stop()
        return not self.peek(1)


def open_connection(target: Target, addresses: tuple[Address, ...], call: Call, context: ssl.SSLContext) -> Connection:
    """Connect to the first address that accepts, then TLS with the host's name. Raises OutboundError, TimeoutError."""
    sock, address = _connect(target.port, addresses[:_MAX_ADDRESSES], call)
    call.mark("connect")
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure = context.wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
    except BaseException:
        sock.close()
        raise
    try:
        secure.settimeout(call.remaining())
        secure.do_handshake()
        connection = Connection(secure, address)
    except BaseException as error:
        secure.close()
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            raise _handshake_failure(error) from error
        raise
    call.mark("tls")
    return connection


def _connect(port: int, addresses: tuple[Address, ...], call: Call) -> tuple[socket.socket, Address]:
    """Try the addresses in turn; each gets an even share of the time that is left."""
    failure: OSError | None = None
    for index, address in enumerate(addresses):
        call.ip = str(address)
        try:
            return socket.create_connection((call.ip, port), call.remaining() / (len(addresses) - index)), address
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise failure
    if isinstance(failure, ConnectionRefusedError):
        raise OutboundError("CONNECTION_REFUSED", "The server refused the connection", cause="refused")
    raise OutboundError("CONNECTION_REFUSED", "The server cannot be reached", cause="unreachable")


def _read_body(response: http.client.HTTPResponse, wire: _Wire) -> bytes:
    """At most one byte more than the limit, which tells that there was more."""
    try:
        body = response.read(BODY_LIMIT + 1)
    except http.client.IncompleteRead as error:
        if not wire.is_exhausted:
            raise
        return error.partial
    if response.length and len(body) <= BODY_LIMIT:
        raise http.client.IncompleteRead(body, response.length)
    return body


def _is_reusable(response: http.client.HTTPResponse) -> bool:
    # After an interim answer (1xx) the final one is still to come and would be taken for the next request's.
    return response.isclosed() and not response.will_close and response.status >= 200


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    """Names in lower case; of a repeated header all values, comma-separated."""
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else str(value)
    return headers


_CERTIFICATE_FAULTS = {
    9: ("certificate_not_yet_valid", "The server's certificate is not valid yet"),
    10: ("certificate_expired", "The server's certificate has expired"),
    18: ("certificate_self_signed", "The server's certificate is self-signed"),
    19: ("certificate_issuer", "The server's certificate comes from an authority that is not trusted"),
    20: ("certificate_issuer", "The server's certificate comes from an authority that is not trusted"),
    21: ("certificate_issuer", "The server sent its certificate without the intermediate certificates"),
    62: ("certificate_host", "The server's certificate is for another host name"),
    64: ("certificate_host", "The server's certificate is for another address"),
}


def _handshake_failure(error: OSError) -> OutboundError:
    if isinstance(error, ssl.SSLCertVerificationError):
        cause, message = _CERTIFICATE_FAULTS.get(
            error.verify_code, ("certificate", "The server's certificate could not be verified")
        )
        return OutboundError("TLS_ERROR", message, cause=cause)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or not isinstance(error, ssl.SSLError):
        return OutboundError(
            "TLS_ERROR", "The server closed the connection during the TLS handshake", cause="handshake_closed"
        )
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"):
        return OutboundError("TLS_ERROR", "The server does not speak TLS on this port", cause="not_tls")
    return OutboundError("TLS_ERROR", "The TLS handshake failed", cause="handshake")


def _exchange_failure(error: Exception, wire: _Wire) -> OutboundError | StaleConnection:
    closed = not isinstance(error, ssl.SSLError) or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    ended = isinstance(error, OSError) and closed
    if ended and not wire.has_begun:
        return StaleConnection()
    if isinstance(error, ssl.SSLError) and not ended:
        return OutboundError("TLS_ERROR", "The TLS connection failed", cause="connection")
    if wire.is_exhausted:
        return OutboundError("INVALID_RESPONSE", "The answer's headers are too long", cause="headers")
    if ended or isinstance(error, http.client.IncompleteRead):
        return OutboundError("INVALID_RESPONSE", "The answer ended before it was complete", cause="incomplete")
    return OutboundError("INVALID_RESPONSE", "The server's answer is not valid HTTP", cause="not_http")
