"""Idle connections, kept for the next call to the same host, port and checked address."""

import threading
import time
from collections import defaultdict

from operators.http.addresses import Address
from operators.http.connection import Connection

# Long enough for a busy stream, short enough that most servers have not hung up yet.
IDLE_S = 20.0
# A connection is not kept for ever: certificates end and load balancers move.
MAX_AGE_S = 300.0
MAX_IDLE_PER_HOST = 16
_SWEEP_EVERY_S = 10.0

Origin = tuple[str, int]


class Pool:
    """Thread-safe. Connections in it are owned by nobody else; the most recently used one goes out first."""

    def __init__(self, *, idle_s: float = IDLE_S, max_age_s: float = MAX_AGE_S) -> None:
        self._idle_s = idle_s
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._next_sweep = time.monotonic() + _SWEEP_EVERY_S

    def take(self, origin: Origin, addresses: tuple[Address, ...]) -> Connection | None:
        """A live connection to one of these addresses, or None. Closes those that no longer serve."""
        self._sweep()
        while True:
            with self._lock:
                idle = self._idle.get(origin)
                connection = idle.pop() if idle else None
            if connection is None:
                return None
            if connection.address in addresses and self._is_fresh(connection) and connection.is_quiet():
                return connection
            connection.close()

    def give(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection whose answer was read to the end."""
        connection.idle_since = time.monotonic()
        with self._lock:
            idle = self._idle[origin]
            kept = len(idle) < MAX_IDLE_PER_HOST
            if kept:
                idle.append(connection)
        if not kept:
            connection.close()

    def close(self) -> None:
        with self._lock:
            connections = [connection for idle in self._idle.values() for connection in idle]
            self._idle.clear()
        for connection in connections:
            connection.close()

    def _is_fresh(self, connection: Connection) -> bool:
        now = time.monotonic()
        return now - connection.idle_since < self._idle_s and now - connection.opened_at < self._max_age_s

    def _sweep(self) -> None:
        """Now and then, close what has idled too long at any host."""
        with self._lock:
            if time.monotonic() < self._next_sweep:
                return
            self._next_sweep = time.monotonic() + _SWEEP_EVERY_S
            worn = []
            for origin, idle in list(self._idle.items()):
                worn += [connection for connection in idle if not self._is_fresh(connection)]
                self._idle[origin] = [connection for connection in idle if self._is_fresh(connection)]
                if not self._idle[origin]:
                    del self._idle[origin]
        for connection in worn:
            connection.close()
