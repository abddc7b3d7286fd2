"""`make run`: the whole platform in the foreground, from an empty data directory or from where the last run left it."""

import fcntl
import json
import socket
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from predictu.local import demo, keys
from predictu.local.place import LocalError, Place
from predictu.local.services import Services
from predictu.local.supervisor import Interrupted, Program, Supervisor, say

# The demo's loopback servers listen here, shifted by the place so that checkouts seldom meet.
FIRST_DEMO_PORT, DEMO_PORTS = 20_000, 10_000
READY_SECONDS = 120


def run(place: Place, environ: Mapping[str, str]) -> int:
    """Serve until interrupted. Raises LocalError when something is in the way."""
    if environ.get("PREDICTU_ENV") == "production":
        raise LocalError("make run generates its own secrets and is for development; the README tells how to deploy")
    port = _port(environ)
    place.prepare()
    with _alone(place), Supervisor() as supervisor:
        _require_free(port)
        services = Services.wanted(place, environ)
        try:
            with services.borrowed():
                supervisor.check()
                platform = Platform(place, services, Configuration.read(place, environ, services, port))
                try:
                    platform.serve(supervisor)
                finally:
                    supervisor.end()  # while they still have their database
        except Interrupted:
            say("Stopped.")
    return 0


@dataclass(frozen=True)
class Configuration:
    """What every program of the platform is told, and which of the demo's servers are wanted."""

    environment: Mapping[str, str]
    port: int
    host: str
    admin: Mapping[str, str]
    wanted_keys_file: Path | None
    feed_port: int | None
    operator_port: int | None

    @classmethod
    def read(cls, place: Place, environ: Mapping[str, str], services: Services, port: int) -> "Configuration":
        """Fill in what the environment leaves open."""
        email, password = keys.first_admin(place, environ)
        with_demo = (environ.get("PREDICTU_DEMO") or "1") == "1"
        feed_port = operator_port = None
        settled = {
            **keys.environment(place, environ),
            **services.environment,
            "PORT": str(port),
            "PREDICTU_DATA_DIR": str(place.data),
            "PREDICTU_DEMO": str(int(with_demo)),
        }
        if not environ.get("PREDICTU_METRICS_TOKEN"):
            settled["PREDICTU_METRICS_NETWORKS"] = environ.get("PREDICTU_METRICS_NETWORKS") or "127.0.0.0/8"
        if with_demo:
            operator_port = _free_port(place, 0)
            settled["DEMO_KEYS_FILE"] = str(demo.keys_file(place))
            settled["PREDICTU_DEMO_OPERATOR_URL"] = f"https://127.0.0.1:{operator_port}"
            settled["PREDICTU_CALLBACK_ALLOW_LOOPBACK"] = environ.get("PREDICTU_CALLBACK_ALLOW_LOOPBACK") or "1"
            if not environ.get("PREDICTU_GAMMA_URL") and not environ.get("PREDICTU_CLOB_URL"):
                feed_port = _free_port(place, 1)
                settled["PREDICTU_GAMMA_URL"] = settled["PREDICTU_CLOB_URL"] = f"http://127.0.0.1:{feed_port}"
        host = environ.get("PREDICTU_HOST") or "127.0.0.1"
        everything = {**environ, **settled}
        everything.pop("PREDICTU_ADMIN_PASSWORD", None)  # only the program that makes the admin has to know it
        admin = {"PREDICTU_ADMIN_EMAIL": email, "PREDICTU_ADMIN_PASSWORD": password}
        wanted = Path(environ["DEMO_KEYS_FILE"]).resolve() if environ.get("DEMO_KEYS_FILE") else None
        return cls(everything, port, host, admin, wanted, feed_port, operator_port)


@dataclass(frozen=True)
class Platform:
    """The programs of one running platform."""

    place: Place
    services: Services
    configuration: Configuration

    def serve(self, supervisor: Supervisor) -> None:
        """Prepare the database, start everything, tell how to use it, keep it running. Raises Interrupted."""
        self._forget_unfinished_demo()
        first = self.configuration.operator_port and not self._keys_file.exists()
        say("Preparing the database" + (" and demo data, which takes a minute or two." if first else "."))
        preparation = self._manage("prepare", "prepare_local")
        supervisor.run(replace(preparation, environment={**preparation.environment, **self.configuration.admin}))
        supervisor.start(self._programs())
        supervisor.wait_until(self._answers, seconds=READY_SECONDS)
        self._hand_out_keys()
        self._greet()
        supervisor.watch(self._tend)

    @property
    def _keys_file(self) -> Path:
        return demo.keys_file(self.place)

    def _programs(self) -> Iterator[Program]:
        settings = self.configuration
        if settings.operator_port:
            yield self._manage("demo-operator", "demo_operator", "--port", str(settings.operator_port))
        if settings.feed_port:
            yield self._manage("demo-feed", "demo_feed", "--port", str(settings.feed_port))
        web = ["--bind", f"{settings.host}:{settings.port}", "--workers", "2", "--worker-class", "gthread"]
        web += ["--threads", "8", "--timeout", "60", "--graceful-timeout", "3", "--keep-alive", "65"]
        web += ["--no-control-socket", "--preload"]
        yield self._program("web", sys.executable, "-m", "gunicorn", *web, "predictu.wsgi")
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"]
        yield self._celery("fast", "worker", "-Q", "fast", "-P", "threads", "-c", "8", "-n", "fast@%h", *quiet)
        slow = ["-Q", "slow", "-P", "prefork", "-c", "1", "--prefetch-multiplier", "1", "-n", "slow@%h"]
        yield self._celery("slow", "worker", *slow, *quiet)
        schedule = str(self.place.data / "celerybeat-schedule")
        yield self._celery("beat", "beat", "--schedule", schedule, "--pidfile", "", "--loglevel", "INFO")

    def _celery(self, name: str, *arguments: str) -> Program:
        return self._program(name, sys.executable, "-m", "celery", "-A", "predictu.celery", *arguments)

    def _manage(self, name: str, *arguments: str) -> Program:
        return self._program(name, sys.executable, "manage.py", *arguments)

    def _program(self, name: str, *command: str) -> Program:
        return Program(name, command, self.configuration.environment, self.place.logs / f"{name}.log")

    def _answers(self) -> bool:
        host = "127.0.0.1" if self.configuration.host == "0.0.0.0" else self.configuration.host  # noqa: S104 - compared
        try:
            with urllib.request.urlopen(f"http://{host}:{self.configuration.port}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _tend(self) -> None:
        for name in self.services.revive():
            say(f"{name} had died and was started again; see {self.place.logs / name.lower()}.log")

    def _forget_unfinished_demo(self) -> None:
        """A demo that was cut off began in an empty database, so nothing of anybody's is lost with it."""
        unfinished = demo.unfinished(self.place)
        if not unfinished.exists():
            return
        if not self.services.postgres:
            raise LocalError(f"making the demo was cut off; empty the database and remove {unfinished}")
        say("Making the demo was cut off; starting it over.")
        self.services.postgres.recreate_database()
        unfinished.unlink()

    def _hand_out_keys(self) -> None:
        wanted = self.configuration.wanted_keys_file
        if wanted and self._keys_file.exists():
            keys.write_private(wanted, self._keys_file.read_text())

    def _greet(self) -> None:
        settings = self.configuration
        address = f"http://{settings.host}:{settings.port}"
        email = settings.admin["PREDICTU_ADMIN_EMAIL"]
        password = keys.remembered_password(self.place, email) or "(as it was made)"
        say(f"\nPredictu runs at {address}; Ctrl-C ends it.")
        say(f"  Django admin      {address}/admin/")
        say(f"  API description   {address}/api/docs/")
        say(f"  Admin             {email}  {password}")
        for operator in self._demo_keys():
            say(f"  Operator          {operator['slug']}  {operator['public_key']}  {operator['secret_key']}")
        say(f"  Logs              {self.place.logs}/*.log")

    def _demo_keys(self) -> list[dict[str, str]]:
        if not self.configuration.operator_port or not self._keys_file.exists():
            return []
        found: list[dict[str, str]] = json.loads(self._keys_file.read_text())
        return found


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """One platform per data directory: two schedulers would send everything twice."""
    with (place.data / "run.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError(f"a platform is running on {place.data} already; PREDICTU_DATA_DIR names another place")
        yield


def _require_free(port: int) -> None:
    if not _is_free(port):
        raise LocalError(f"port {port} is in use; end what uses it or choose another: PORT={port + 1} make run")


def _free_port(place: Place, number: int) -> int:
    """The same port from run to run, because the demo's operators have it in their callback URLs; the next free one
    if something else has taken it."""
    first = int(place.key, 16) % (DEMO_PORTS // 2) * 2 + number
    for step in range(0, DEMO_PORTS, 2):
        port = FIRST_DEMO_PORT + (first + step) % DEMO_PORTS
        if _is_free(port):
            return port
    raise LocalError("no free port for the demo's servers")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _port(environ: Mapping[str, str]) -> int:
    text = environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise LocalError(f"PORT must be a number from 1 to 65535, not {text!r}")
    return int(text)
