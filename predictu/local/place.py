"""Where one checkout keeps the services it embeds: data, logs, sockets, locks."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


class LocalError(Exception):
    """Something on this machine is in the way; the message is for the person at the keyboard."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One data directory. Two checkouts have two, and share nothing."""

    data: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Place":
        """`PREDICTU_DATA_DIR` (relative to the checkout), `.data` by default."""
        return cls(data=(CHECKOUT / (environ.get("PREDICTU_DATA_DIR") or ".data")).resolve())

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @cached_property
    def key(self) -> str:
        """Tells this data directory from every other, including a copy of it and a later one at the same path."""
        return hashlib.sha256(f"{self.data}\0{self._instance()}".encode()).hexdigest()[:12]

    @property
    def sockets(self) -> Path:
        """A short path (the limit for a socket is 107 bytes), private to the user, for the Redis socket and, in a
        directory of its own, PostgreSQL's."""
        return Path("/tmp") / f"predictu-{self.key}"  # noqa: S108 - owned and checked in prepare()

    def prepare(self) -> None:
        """Create the directories. Raises LocalError if the socket directory is somebody else's."""
        if not self.data.exists():
            # Another account than root runs PostgreSQL for root, and has to get through to its cluster.
            self.data.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileExistsError):
            self.sockets.mkdir(mode=0o755)
        found = self.sockets.lstat()
        if self.sockets.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise LocalError(f"{self.sockets} is not a directory that only this user may write to; remove it")

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold `name` alone, waiting for whoever has it."""
        with (self.data / f"{name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _instance(self) -> str:
        self.data.mkdir(parents=True, exist_ok=True)
        path = self.data / "instance"
        if not path.exists():
            own = path.with_suffix(f".{os.getpid()}")
            own.write_text(secrets.token_hex(8))
            with suppress(FileExistsError):  # a link is made by the first only, and never seen half-written
                path.hardlink_to(own)
            own.unlink()
        return path.read_text()
