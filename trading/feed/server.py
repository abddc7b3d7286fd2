"""The feed over HTTP on the loopback interface, with faults to order for tests."""

import contextlib
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from predictu import clock
from trading.feed.answers import CALLS, Misbehaviour, Refused, Source
from trading.feed.world import World

logger = logging.getLogger(__name__)

LONGEST_URL = 8192
LARGEST_BODY = 1_000_000
REQUESTS_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """One spoiled answer. ``truncated`` announces the whole body and sends half; ``hang_up`` sends nothing at all."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    truncated: bool = False
    hang_up: bool = False
    delay_s: float = 0


def too_many(retry_after: str | None = None) -> Fault:
    return Fault(429, (("Retry-After", retry_after),) if retry_after is not None else (), b'{"error": "slow down"}')


def server_error(status: int = 500) -> Fault:
    return Fault(status, body=b"<html>upstream failed</html>")


@dataclass
class Faults:
    """``coming`` is used up, one for each request; ``listings`` stays as it is set."""

    coming: deque[Fault] = field(default_factory=deque)
    listings: Misbehaviour = field(default_factory=Misbehaviour)


class FeedServer(ThreadingHTTPServer):
    """Answers from ``world`` at the instant ``now()``; ``requests`` has the last thousand (method, target) in order."""

    daemon_threads = True

    def __init__(
        self,
        world: World,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], datetime] = clock.now,
        faults: Faults | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self.source = Source(world, self.faults.listings)
        self.now = now
        self.requests: deque[tuple[str, str]] = deque(maxlen=REQUESTS_REMEMBERED)
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no error of ours."""
        logger.debug("a caller of the demo feed went away", exc_info=True)


@contextlib.contextmanager
def running(world: World, **options: Any) -> Iterator[FeedServer]:
    """A feed on a free port in a thread of its own, for as long as the block lasts."""
    server = FeedServer(world, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FeedServer
    protocol_version = "HTTP/1.1"
    server_version = "demo-feed"
    timeout = 60

    def do_GET(self) -> None:
        self._respond(self._query())

    def do_POST(self) -> None:
        self._respond(self._body())

    def _respond(self, asked: Any) -> None:
        self.server.requests.append((self.command, self.path))
        fault = self.server.faults.coming.popleft() if self.server.faults.coming else Fault()
        time.sleep(fault.delay_s)
        if fault.hang_up:
            self.close_connection = True
            return
        status, document = self._answer(asked)
        body = json.dumps(document).encode() if fault.body is None else fault.body
        self._send(fault.status if fault.status != 200 else status, body, fault)

    def _query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def _body(self) -> Any:
        """The JSON sent, None when it is none; a body too large is left unread and the connection ends."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            return None
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return None

    def _answer(self, asked: Any) -> tuple[int, Any]:
        path = urlsplit(self.path).path
        if len(self.path) > LONGEST_URL:
            return 414, {"error": "URI too long"}
        if (self.command, path) == ("GET", "/ok"):
            return 200, "OK"
        call = CALLS.get((self.command, path))
        if call is None:
            return 404, {"error": "not found"}
        try:
            return 200, call(self.server.source, asked, self.server.now())
        except Refused as refusal:
            return refusal.status, {"error": refusal.text}

    def _send(self, status: int, body: bytes, fault: Fault) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in fault.headers:
            self.send_header(name, value)
        self.end_headers()
        if fault.truncated:
            self.close_connection = True
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)
