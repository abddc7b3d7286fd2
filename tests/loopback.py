"""Real HTTPS servers on the loopback interface, with certificates of their own, that behave or misbehave as told."""

import contextlib
import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trustme

OK = b'{"status": "ok", "received_event": "PING"}'


@dataclass
class Received:
    """A request as it arrived; header names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


# Gets the request and the socket. Bytes are sent and the connection is kept; None closes it.
Handler = Callable[[Received, socket.socket], bytes | None]


def answer(status: int = 200, body: bytes = OK, **headers: str) -> bytes:
    """An answer's bytes; underscores in header names stand for hyphens."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class LoopbackServer:
    """``received`` has the requests in order of arrival, ``connections`` counts accepted connections."""

    handler: Handler
    context: ssl.SSLContext | None
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path: str = "/callbacks", host: str = "localhost") -> str:
        return f"https://{host}:{self.port}{path}"

    def hang_up(self) -> None:
        """End every open connection from this side."""
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self._open.clear()

    def close(self) -> None:
        self.stopping.set()
        self._listener.close()
        self.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
            self._open.append(sock)
            with sock, sock.makefile("rb") as stream:
                while request := _read(stream):
                    self.received.append(request)
                    reply = self.handler(request, sock)
                    if reply is None:
                        return
                    sock.sendall(reply)


def _read(stream: io.BufferedReader) -> Received | None:
    line = stream.readline().decode().rstrip("\r\n")
    if not line:
        return None
    headers = {}
    while header := stream.readline().decode().rstrip("\r\n"):
        name, _, value = header.partition(": ")
        headers[name.lower()] = value
    return Received(line, headers, stream.read(int(headers.get("content-length", 0))))


class Authority:
    """A certificate authority; ``file`` is its bundle."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.file)

    def context(self, *names: str, **terms) -> ssl.SSLContext:
        """A server's TLS with a certificate for ``names``; ``terms`` are not_before and not_after."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1", "::1")), **terms).configure_cert(context)
        return context


@contextlib.contextmanager
def serving(handler: Handler, context: ssl.SSLContext | None) -> Iterator[LoopbackServer]:
    """A running server; ``context`` None makes it speak plain HTTP."""
    server = LoopbackServer(handler, context)
    try:
        yield server
    finally:
        server.close()
