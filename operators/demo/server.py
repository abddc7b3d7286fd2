"""The server: verifies every callback by the public recipe, shows what it received, behaves or misbehaves as told."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODES = ("ok", "fail", "stall", "slow")
SHOWN = 200
TOLERANCE_S = 300
_BODY_MAX = 1_000_000
_STALL_S = 120.0


class Operator:
    """What the server knows and does: the keys it verifies with, what came in, and how it is told to behave."""

    def __init__(self, secrets: Callable[[], Sequence[str]], say: Callable[[str], None]) -> None:
        self._secrets = secrets
        self._say = say
        self._lock = threading.Lock()
        self._received: deque[dict[str, Any]] = deque(maxlen=SHOWN)
        self._seen: set[str] = set()
        self._mode, self._seconds = "ok", 3.0
        self.stopping = threading.Event()

    def behave(self, mode: str, seconds: float = 3.0) -> None:
        """From now on answer 200 (ok), 500 (fail), after ``seconds`` (slow) or not at all (stall)."""
        if mode not in MODES or not 0 <= seconds <= _STALL_S:
            raise ValueError(f"mode is one of {', '.join(MODES)}, seconds from 0 to {_STALL_S:.0f}")
        with self._lock:
            self._mode, self._seconds = mode, seconds

    def shown(self) -> dict[str, Any]:
        """The mode and the newest callbacks, newest first."""
        with self._lock:
            return {"mode": self._mode, "seconds": self._seconds, "received": list(reversed(self._received))}

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]] | None:
        """The answer to a callback; None for no answer at all."""
        fault = verify(self._secrets(), headers, body)
        delivery, event = headers.get("x-predictu-delivery", ""), headers.get("x-predictu-event", "")
        with self._lock:
            again = delivery in self._seen
            mode, seconds = self._mode, self._seconds
            shown = {"path": path, "delivery": delivery, "event": event, "genuine": not fault, "again": again}
            self._received.append(shown | {"sequence": headers.get("x-predictu-sequence"), "body": _text(body)})
            if mode in ("ok", "slow") and not fault:
                self._seen.add(delivery)
        self._say(f"{mode} {path} {event} {delivery} {fault or 'genuine'}{' again' if again else ''}")
        if mode in ("slow", "stall"):
            self.stopping.wait(_STALL_S if mode == "stall" else seconds)
        if mode == "stall":
            return None
        if fault:
            return 401, {"status": "refused", "reason": fault}
        return (500, {"status": "failing as told"}) if mode == "fail" else (200, _received(event))


def _received(event: str) -> dict[str, Any]:
    return {"status": "ok", "received_event": event}


def verify(secrets: Sequence[str], headers: dict[str, str], body: bytes, *, now: float | None = None) -> str:
    """What is wrong with a callback, by the recipe of docs/callbacks.md; empty when it is genuine."""
    stamp = headers.get("webhook-timestamp", "")
    moment = time.time() if now is None else now
    if not stamp.isdecimal() or abs(moment - int(stamp)) > TOLERANCE_S:
        return "no timestamp, or one too far off"
    content = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    given = [each.encode() for each in headers.get("webhook-signature", "").split(" ")]
    for secret in secrets:
        made = "v1," + base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()
        plain = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        documented = (headers.get("x-predictu-signature", ""), headers.get("x-predictu-signature-next", ""))
        if any(hmac.compare_digest(made.encode(), each) for each in given) and any(
            hmac.compare_digest(plain.encode(), each.encode()) for each in documented
        ):
            return ""
    return "wrong signature"


def secrets_in(path: Path) -> Callable[[], Sequence[str]]:
    """The secret keys of a keys file, read again when it changes; none while there is no file."""
    known: dict[str, Any] = {"at": None, "secrets": ()}

    def read() -> Sequence[str]:
        try:
            at = path.stat().st_mtime_ns
            if at != known["at"]:
                known["secrets"] = tuple(each["secret_key"] for each in json.loads(path.read_text()))
                known["at"] = at
        except FileNotFoundError:
            return ()
        return known["secrets"]

    return read


class DemoServer(ThreadingHTTPServer):
    """HTTPS on the loopback; each connection has a thread, so that a stalled one holds up nobody."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, operator: Operator, certificate: Path, *, port: int) -> None:
        self.operator = operator
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake belongs to the connection's thread: whoever does not end it holds up only itself."""
        request.settimeout(30)
        with self._context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections end as their clients like; what matters is said when a callback comes in."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: DemoServer

    def do_GET(self) -> None:  # noqa: N802 the base class asks for this name
        """What was received."""
        self._answer(200, self.server.operator.shown())

    def do_POST(self) -> None:  # noqa: N802 the base class asks for this name
        """A callback; at ``/control`` instead how to behave from now on."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), _BODY_MAX))
        if self.path == "/control":
            self._control(body)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.operator.receive(self.path, headers, body)
        if answer is None:
            self.close_connection = True
        else:
            self._answer(*answer)

    def _control(self, body: bytes) -> None:
        try:
            told = json.loads(body)
            self.server.operator.behave(str(told["mode"]), float(told.get("seconds", 3)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._answer(400, {"error": str(error)})
        else:
            self._answer(200, self.server.operator.shown())

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """The operator says what came in."""


def _text(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
