"""Keeps a set of programs running and ends all of them together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from predictu.local import processes
from predictu.local.place import CHECKOUT, LocalError

POLL_SECONDS = 0.2
TEND_SECONDS = 1.0
# How long a program may take to end by itself, then after the signal that asks for less ceremony.
POLITE_SECONDS, FIRM_SECONDS = 5.0, 2.0
LONGEST_PAUSE_SECONDS = 30.0
# A program that lived this long starts again with a short pause.
HEALTHY_SECONDS = 60.0
LOG_BYTES = 20_000_000


class Interrupted(Exception):
    """Somebody asked the platform to end."""


def say(text: str = "") -> None:
    """To the person at the keyboard, at once even through a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass
class Program:
    """One child in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    pause: float = 1.0

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "predictu.local.tether", str(os.getpid()), *self.command],
                cwd=CHECKOUT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started_at = time.monotonic()
        self.start_again_at = 0.0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        if self.process and self.running:
            self.process.send_signal(number)

    def end_group(self) -> None:
        """Kill whatever the program left behind."""
        if self.process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def obituary(self) -> str:
        """How the program ended, with the last lines of its log."""
        code = self.process.returncode if self.process else 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        lines = processes.tail(self.log).replace("\n", "\n    ")
        return f"{self.name} {how}; the end of {self.log}:\n    {lines}"


@dataclass
class Supervisor:
    """Used as a context: leaving it ends every program, in a few seconds, whatever state they are in."""

    programs: list[Program] = field(default_factory=list)
    _interrupted: bool = False
    _hurry: bool = False

    def __enter__(self) -> "Supervisor":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def check(self) -> None:
        """Raises Interrupted once somebody has asked to end."""
        if self._interrupted:
            raise Interrupted

    def run(self, program: Program) -> None:
        """Run a program to its end. Raises LocalError if it fails."""
        self.programs.append(program)
        program.start()
        while program.running:
            self.check()
            time.sleep(POLL_SECONDS)
        self.programs.remove(program)
        program.end_group()
        if program.process and program.process.returncode:
            raise LocalError(program.obituary())

    def start(self, programs: Iterable[Program]) -> None:
        for program in programs:
            self.check()
            self.programs.append(program)
            program.start()

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait for the platform to answer. Raises LocalError if a program ends meanwhile or the time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            for program in self.programs:
                if not program.running:
                    raise LocalError(program.obituary())
            if time.monotonic() > deadline:
                raise LocalError(f"the platform did not answer within {seconds:.0f} s; see the logs")
            time.sleep(POLL_SECONDS)

    def watch(self, tend: Callable[[], None] = lambda: None) -> None:
        """Start again what ends, with growing pauses, until somebody interrupts. Raises Interrupted.

        `tend` is called every second, for what is not a child.
        """
        tend_at = 0.0
        while True:
            self.check()
            now = time.monotonic()
            if now >= tend_at:
                tend()
                tend_at = now + TEND_SECONDS
            for program in self.programs:
                if program.running:
                    continue
                if not program.start_again_at:
                    self._mourn(program, now)
                elif now >= program.start_again_at:
                    program.start()
            time.sleep(POLL_SECONDS)

    def end(self) -> None:
        """Ask everything to end, insist, and finally kill what is left."""
        for number, seconds in ((signal.SIGTERM, POLITE_SECONDS), (signal.SIGQUIT, FIRM_SECONDS)):
            for program in self.programs:
                program.signal(number)
            processes.wait_until(
                lambda: self._hurry or not any(program.running for program in self.programs), seconds=seconds
            )
        for program in self.programs:
            program.end_group()
        self.programs.clear()

    @staticmethod
    def _mourn(program: Program, now: float) -> None:
        program.end_group()
        program.pause = 1.0 if now - program.started_at > HEALTHY_SECONDS else program.pause
        program.start_again_at = now + program.pause
        say(f"{program.obituary()}\nStarting {program.name} again in {program.pause:.0f} s.")
        program.pause = min(program.pause * 2, LONGEST_PAUSE_SECONDS)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._hurry = self._interrupted
        self._interrupted = True
