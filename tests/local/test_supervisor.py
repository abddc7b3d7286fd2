"""Real programs under the supervisor: started again when they die, and ended with all they started."""

import os
import signal
import sys
import threading

import pytest

from predictu.local import processes, supervisor
from predictu.local.place import LocalError
from predictu.local.supervisor import Interrupted, Program, Supervisor

FOREVER = "import time\nwhile True: time.sleep(60)"
STUBBORN = f"import signal\nfor n in (15, 3): signal.signal(n, signal.SIG_IGN)\nprint('ready', flush=True)\n{FOREVER}"
PARENT = (
    f"import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', {FOREVER!r}]).pid, flush=True)\n{FOREVER}"
)


@pytest.fixture
def program(tmp_path):
    def make(code, name="program"):
        return Program(name, [sys.executable, "-c", code], os.environ, tmp_path / f"{name}.log")

    return make


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(supervisor, "POLITE_SECONDS", 0.5)
    monkeypatch.setattr(supervisor, "FIRM_SECONDS", 0.2)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def wait_for_log(program, count=1):
    assert processes.wait_until(
        lambda: program.log.exists() and len(program.log.read_text().splitlines()) >= count, seconds=20
    )
    return program.log.read_text().split()


def test_leaving_ends_the_programs_and_what_they_started(program):
    parent = program(PARENT)
    with Supervisor() as running:
        running.start([parent])
        child = int(wait_for_log(parent)[0])
        assert processes.alive(child)
    assert not parent.running
    assert processes.wait_until(lambda: not processes.alive(child), seconds=5)


def test_a_program_that_ignores_every_request_is_killed(program):
    stubborn = program(STUBBORN)
    with Supervisor() as running:
        running.start([stubborn])
        wait_for_log(stubborn)
    assert stubborn.process.returncode == -signal.SIGKILL


def test_a_program_that_dies_is_named_with_its_last_words_and_started_again(program, capsys):
    dying = program("import sys\nprint('the disk is full', flush=True)\nsys.exit(3)", name="slow")
    dying.pause = 0.05
    with Supervisor() as running:
        running.start([dying])
        interrupt = threading.Thread(target=lambda: (wait_for_log(dying, 2), os.kill(os.getpid(), signal.SIGTERM)))
        interrupt.start()
        with pytest.raises(Interrupted):
            running.watch()
        interrupt.join()
    told = capsys.readouterr().out
    assert "slow ended with status 3" in told
    assert "the disk is full" in told
    assert "Starting slow again" in told


def test_pauses_grow_while_a_program_keeps_dying(program, capsys):
    dying = program("")
    dying.pause = 4.0
    dying.start()
    dying.process.wait()
    Supervisor._mourn(dying, dying.started_at)
    assert dying.pause == 8.0
    for _ in range(5):
        Supervisor._mourn(dying, dying.started_at)
    assert dying.pause == supervisor.LONGEST_PAUSE_SECONDS
    Supervisor._mourn(dying, dying.started_at + supervisor.HEALTHY_SECONDS + 1)
    assert dying.start_again_at == dying.started_at + supervisor.HEALTHY_SECONDS + 2


def test_a_program_that_dies_before_the_platform_answers_ends_the_start(program):
    with Supervisor() as running:
        running.start([program(FOREVER), program("raise SystemExit('no such table')", name="web")])
        with pytest.raises(LocalError, match="web ended with status 1.*\n.*no such table"):
            running.wait_until(lambda: False, seconds=20)


def test_a_failing_step_raises_with_its_log(program):
    with Supervisor() as running:
        running.run(program("print('fine')"))
        with pytest.raises(LocalError, match="prepare ended with status 7"):
            running.run(program("raise SystemExit(7)", name="prepare"))
        assert running.programs == []


def test_a_killed_supervisor_takes_its_programs_along(tmp_path):
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom predictu.local.supervisor import Program, Supervisor\n"
        f"program = Program('p', [sys.executable, '-c', {FOREVER!r}], os.environ, Path({str(tmp_path / 'p.log')!r}))\n"
        "with Supervisor() as running:\n    running.start([program])\n"
        "    print(program.process.pid, flush=True)\n    running.watch()\n"
    )
    outer = Program("outer", [sys.executable, "-c", code], os.environ, tmp_path / "outer.log")
    outer.start()
    inner = int(wait_for_log(outer)[0])
    # The program has become what it runs once its command line says so; only then is it tied to its parent.
    assert processes.wait_until(lambda: "tether" not in processes.command_line(inner), seconds=20)
    outer.process.kill()
    outer.process.wait()
    assert processes.wait_until(lambda: not processes.alive(inner), seconds=5)
