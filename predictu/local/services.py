"""Starting, sharing and stopping the embedded services of one place."""

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from predictu.local.place import Place
from predictu.local.postgres import DISPOSABLE, SETTINGS, Postgres
from predictu.local.redis import Redis


@dataclass(frozen=True)
class Services:
    """The services that the environment leaves to us: none that a URL of its own names."""

    place: Place
    postgres: Postgres | None
    redis: Redis | None

    @classmethod
    def wanted(cls, place: Place, environ: Mapping[str, str], *, disposable: bool = False) -> "Services":
        return cls(
            place=place,
            postgres=None if environ.get("DATABASE_URL") else Postgres(place, DISPOSABLE if disposable else SETTINGS),
            redis=None if environ.get("REDIS_URL") else Redis(place, disposable),
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find them."""
        urls = {"DATABASE_URL": self.postgres and self.postgres.url, "REDIS_URL": self.redis and self.redis.url}
        return {name: url for name, url in urls.items() if url}

    def start(self) -> None:
        """Bring up what is not running. Raises LocalError."""
        self.place.prepare()
        with self.place.lock("services"):
            self._start()

    def revive(self) -> list[str]:
        """Start again what has died, and name it. Raises LocalError."""
        dead = [service for service in (self.postgres, self.redis) if service and not service.running]
        if dead:
            with self.place.lock("services"):
                for service in dead:
                    service.start()
        return [type(service).__name__ for service in dead]

    def stop(self) -> None:
        """Stop what is running, whoever uses it."""
        self.place.prepare()
        with self.place.lock("services"):
            self._stop()

    def wipe(self) -> None:
        """Stop what is running and delete the place with all its data."""
        self.stop()
        if self.postgres:
            self.postgres.remove()
        shutil.rmtree(self.place.data)

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Keep the services up. Several processes may borrow them at once; the last to finish stops them, and a killed
        borrower counts as finished because the kernel drops its lock."""
        self.place.prepare()
        with (self.place.data / "services.users").open("w") as users:
            with self.place.lock("services"):
                fcntl.flock(users, fcntl.LOCK_SH)
                self._start()
            try:
                yield
            finally:
                with self.place.lock("services"):
                    try:
                        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        pass
                    else:
                        self._stop()

    def _start(self) -> None:
        for service in (self.postgres, self.redis):
            if service:
                service.start()

    def _stop(self) -> None:
        for service in (self.postgres, self.redis):
            if service:
                service.stop()
        for directory in (self.place.sockets / "pg", self.place.sockets):
            with suppress(OSError):  # not empty: somebody's socket is left
                directory.rmdir()
