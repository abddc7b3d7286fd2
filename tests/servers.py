"""Real processes for tests: gunicorn and Celery workers on the database of the test that asks for them."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from predictu.local import processes

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Process:
    """One program with its children, in a process group of its own."""

    popen: subprocess.Popen[bytes]
    log: Path

    def wait_ready(self, ready: Callable[[], bool], *, seconds: float = 60) -> None:
        """Raises RuntimeError with the end of the log if the program dies or the time is up first."""
        if not processes.wait_until(lambda: self.popen.poll() is not None or ready(), seconds=seconds):
            raise RuntimeError(f"not ready after {seconds} s:\n{processes.tail(self.log, lines=40)}")
        if self.popen.poll() is not None:
            raise RuntimeError(f"ended with {self.popen.returncode}:\n{processes.tail(self.log, lines=40)}")

    def kill(self) -> None:
        """End the program at once with everything it started, as a power cut would."""
        self._signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> None:
        """Ask the program to end, and end its whole group if it does not within ten seconds."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGQUIT)
        self.kill()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)


@dataclass(frozen=True)
class PlatformServer(Process):
    """gunicorn with real worker processes; `url` has no trailing slash."""

    url: str


def start_platform(*, log: Path, workers: int, threads: int, env: dict[str, str]) -> PlatformServer:
    """Serve the platform on a free port, with the current DATABASE_URL and REDIS_URL and `env` on top."""
    with socket.socket() as listener:  # handed over open, so nobody can take the port in between
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        port = listener.getsockname()[1]
        options = [f"--workers={workers}", f"--threads={threads}", "--worker-class=gthread", "--timeout=60"]
        options += [f"--bind=fd://{listener.fileno()}", "--no-control-socket", "--graceful-timeout=3", "--preload"]
        command = [sys.executable, "-m", "gunicorn", *options, "predictu.wsgi"]
        popen = _popen(command, log=log, env={"PORT": str(port), **env}, pass_fds=[listener.fileno()])
    server = PlatformServer(popen=popen, log=log, url=f"http://127.0.0.1:{port}")
    _ready_or_stopped(server, lambda: _answers(f"{server.url}/healthz"))
    return server


def start_worker(*, log: Path, queue: str, pool: str, concurrency: int, env: dict[str, str]) -> Process:
    """Run a Celery worker on one queue and return once it takes jobs."""
    options = ["-Q", queue, "-P", pool, "-c", str(concurrency), "-l", "info", "-n", f"{queue}-{os.getpid()}@test"]
    options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    command = [sys.executable, "-m", "celery", "-A", "predictu.celery", "worker", *options]
    worker = Process(popen=_popen(command, log=log, env=env), log=log)
    _ready_or_stopped(worker, lambda: b" ready." in log.read_bytes())
    return worker


def _ready_or_stopped(process: Process, ready: Callable[[], bool]) -> None:
    try:
        process.wait_ready(ready)
    except RuntimeError:
        process.kill()
        raise


def surroundings(env: dict[str, str]) -> dict[str, str]:
    """The environment of a program of the platform on this test's database, with `env` on top."""
    return {**os.environ, "CELERY_TASK_ALWAYS_EAGER": "0", **env}


def _popen(
    command: list[str], *, log: Path, env: dict[str, str], pass_fds: list[int] | tuple[()] = ()
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "predictu.local.tether", str(os.getpid()), *command],
            cwd=ROOT,
            env=surroundings(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=pass_fds,
        )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
