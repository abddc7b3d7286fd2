"""Names to addresses, within a deadline.

``getaddrinfo`` cannot be interrupted, so each lookup has a thread of its own that callers wait for only as long as
they may. A name is looked up by one thread at a time, however many wait, and all lookups are bounded: one operator's
dead name server neither piles up threads nor holds up other names. Answers are kept for ``max_age_s``, because the
system's resolver does not tell their real age.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable

from operators.http.addresses import Address
from operators.http.call import Call
from operators.http.errors import OutboundError

MAX_AGE_S = 60.0
MAX_LOOKUPS = 32
_MAX_NAMES = 4096

Lookup = Callable[[str], Iterable[str]]


def system_lookup(host: str) -> Iterable[str]:
    """The addresses the system's resolver gives for ``host``, in its order. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(entry[4][0]) for entry in found]


class _Pending:
    """A lookup under way; whoever waits reads ``addresses`` or ``error`` once ``done`` is set."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.addresses: tuple[Address, ...] = ()
        self.error: Exception | None = None


class Resolver:
    """Looks names up once for all threads. ``lookup`` gives a host's addresses as text."""

    def __init__(self, lookup: Lookup = system_lookup, *, max_age_s: float = MAX_AGE_S) -> None:
        self._lookup = lookup
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(MAX_LOOKUPS)
        self._known: dict[str, tuple[float, tuple[Address, ...]]] = {}
        self._pending: dict[str, _Pending] = {}

    def resolve(self, host: str, call: Call) -> tuple[Address, ...]:
        """All addresses of ``host``, at least one. Raises OutboundError DNS_RESOLUTION_FAILED."""
        with self._lock:
            known = self._known.get(host)
            if known is not None and known[0] > time.monotonic():
                return known[1]
            pending = self._pending.get(host)
            if first := pending is None:
                pending = self._pending[host] = _Pending()
        if first:
            self._start(host, pending, call)
        try:
            ended = pending.done.wait(call.remaining())
        except TimeoutError:
            ended = False
        if not ended:
            raise OutboundError(
                "DNS_RESOLUTION_FAILED", f"The host name was not resolved within {call.timeout_ms}ms", cause="timeout"
            )
        if pending.error is not None:
            raise _failure(pending.error)
        return pending.addresses

    def _start(self, host: str, pending: _Pending, call: Call) -> None:
        try:
            free = self._slots.acquire(timeout=call.remaining())
        except TimeoutError:
            free = False
        if free:
            threading.Thread(target=self._run, args=(host, pending), name=f"resolve {host}", daemon=True).start()
        else:
            self._finish(host, pending, error=OSError("too many name lookups are waiting"))

    def _run(self, host: str, pending: _Pending) -> None:
        addresses: tuple[Address, ...] = ()
        error: Exception | None = OSError("the lookup failed")
        try:
            addresses = tuple(dict.fromkeys(ipaddress.ip_address(text) for text in self._lookup(host)))
            error = None if addresses else OSError("the name has no addresses")
        except (OSError, ValueError) as failure:
            error = failure
        finally:
            self._slots.release()
            self._finish(host, pending, addresses=addresses, error=error)

    def _finish(
        self,
        host: str,
        pending: _Pending,
        *,
        addresses: tuple[Address, ...] = (),
        error: Exception | None = None,
    ) -> None:
        pending.addresses, pending.error = addresses, error
        with self._lock:
            del self._pending[host]
            if error is None:
                if len(self._known) >= _MAX_NAMES:
                    self._known.clear()
                self._known[host] = (time.monotonic() + self._max_age_s, addresses)
        pending.done.set()


def _failure(error: Exception) -> OutboundError:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return OutboundError(
            "DNS_RESOLUTION_FAILED", "The name server did not answer for the host name", cause="no_answer"
        )
    return OutboundError("DNS_RESOLUTION_FAILED", "The host name could not be resolved", cause="unknown_name")
