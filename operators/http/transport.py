"""POST a body to an operator's https URL: addresses checked, connection pinned, whole call bounded."""

import functools
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from operators.http.addresses import Address, is_allowed
from operators.http.call import Call
from operators.http.connection import Answer, Connection, open_connection
from operators.http.errors import OutboundError, StaleConnection
from operators.http.pool import IDLE_S, Pool
from operators.http.resolver import MAX_AGE_S, Lookup, Resolver, system_lookup
from operators.http.urls import Target, UrlError, parse_url

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te", "trailer"})


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whatever its status; redirects are answers like any other.

    ``headers`` have lower-case names. ``body`` is at most 64 KiB, ``truncated`` says there was more. A phase that did
    not happen, on a ``reused`` connection, is None. ``latency_ms`` runs from the call's beginning to the answer's end.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool
    reused: bool
    ip: str | None
    tls_version: str | None
    certificate_days_left: int | None
    phases_ms: dict[str, float | None]
    latency_ms: int


class Transport:
    """Keep one per process: it pools connections, and is safe to use from any thread and after a fork.

    ``allow_loopback`` opens 127.0.0.0/8 and ::1 for development and tests; ``ca_files`` are trusted beside the
    system's authorities. ``lookup`` replaces the system's resolver.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        ca_files: Sequence[str | Path] = (),
        lookup: Lookup = system_lookup,
        resolve_every_s: float = MAX_AGE_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._context = _tls_context(*map(str, ca_files))
        self._lookup = lookup
        self._resolve_every_s = resolve_every_s
        self._idle_s = idle_s
        self._start()

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_ms: int, *, reuse: bool = True
    ) -> Response:
        """Send ``body`` and return the answer; ``timeout_ms`` bounds all of it, from name to last byte.

        When a kept-alive connection turns out to be dead before any of the answer came, the request is sent once more
        on a fresh one: receivers may see a request twice and know it by its delivery id. ``reuse=False`` connects anew
        and keeps nothing. Raises OutboundError, and ValueError for headers that cannot be sent.
        """
        if self._pid != os.getpid():
            self._start()
        call = Call(timeout_ms)
        try:
            target = parse_url(url)
            request = _request(target, headers, body, keep=reuse)
            return self._post(target, request, call, reuse=reuse)
        except OutboundError as error:
            raise _described(error, call)
        except UrlError as error:
            raise _described(OutboundError(error.code, str(error)), call) from None
        except TimeoutError:
            failure = OutboundError("TIMEOUT", f"Callback did not respond within {timeout_ms}ms", cause="timeout")
            raise _described(failure, call) from None

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def _start(self) -> None:
        # A forked child must neither share its parent's TLS streams nor wait for locks that were held at the fork.
        self._pid = os.getpid()
        self._pool = Pool(idle_s=self._idle_s)
        self._resolver = Resolver(self._lookup, max_age_s=self._resolve_every_s)

    def _post(self, target: Target, request: bytes, call: Call, *, reuse: bool) -> Response:
        addresses = self._addresses(target, call)
        connection = self._pool.take((target.host, target.port), addresses) if reuse else None
        if connection is not None:
            try:
                return self._exchange(connection, target, request, call, keep=True, reused=True)
            except StaleConnection:
                pass
        connection = open_connection(target, addresses, call, self._context)
        try:
            return self._exchange(connection, target, request, call, keep=reuse, reused=False)
        except StaleConnection:
            message = "The server closed the connection without an answer"
            raise OutboundError("CONNECTION_REFUSED", message, cause="closed") from None

    def _addresses(self, target: Target, call: Call) -> tuple[Address, ...]:
        """The host's addresses, every one of them allowed: a name that mixes public and inner ones is an attack."""
        addresses = (target.address,) if target.address else self._resolver.resolve(target.host, call)
        call.mark("dns")
        for address in addresses:
            if not is_allowed(address, allow_loopback=self._allow_loopback):
                call.ip = str(address)
                raise OutboundError("CONNECTION_REFUSED", "address is not public", cause="forbidden_address")
        return addresses

    def _exchange(
        self, connection: Connection, target: Target, request: bytes, call: Call, *, keep: bool, reused: bool
    ) -> Response:
        connection.describe(call)
        answer = connection.exchange(request, call)
        if keep and answer.complete:
            self._pool.give((target.host, target.port), connection)
        else:
            connection.close()
        return _response(answer, call, reused=reused)


@functools.lru_cache
def _tls_context(*ca_files: str) -> ssl.SSLContext:
    """Trusts the authorities OpenSSL was built to find, and ``ca_files``; read once, shared by all transports.

    Not ``ssl.create_default_context``: that reads SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE from the environment.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    system = ssl.get_default_verify_paths()
    if os.path.exists(system.openssl_cafile):
        context.load_verify_locations(cafile=system.openssl_cafile)
    if os.path.isdir(system.openssl_capath):
        context.load_verify_locations(capath=system.openssl_capath)
    for path in ca_files:
        context.load_verify_locations(cafile=path)
    return context


def _request(target: Target, headers: Mapping[str, str], body: bytes, *, keep: bool) -> bytes:
    """The request as it goes over the wire, in one piece. Raises ValueError for a header that would not stay one."""
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        "User-Agent: Predictu-Callbacks/1",
        "Accept: application/json",
        "Accept-Encoding: identity",
        f"Content-Length: {len(body)}",
    ]
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"header {name!r} cannot be sent")
        lines.append(f"{name}: {value}")
    if not keep:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _response(answer: Answer, call: Call, *, reused: bool) -> Response:
    return Response(
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        truncated=answer.truncated,
        reused=reused,
        ip=call.ip,
        tls_version=call.tls_version,
        certificate_days_left=call.certificate_days_left,
        phases_ms=call.phases_ms,
        latency_ms=call.latency_ms(),
    )


def _described(error: OutboundError, call: Call) -> OutboundError:
    """The error, told how far the call came."""
    error.phases_ms = call.phases_ms
    error.latency_ms = call.latency_ms()
    error.ip = call.ip
    error.tls_version = call.tls_version
    error.certificate_days_left = call.certificate_days_left
    return error
