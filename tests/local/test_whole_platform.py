"""`make run`'s supervisor with the real programs, on an empty platform of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from predictu.local import processes
from predictu.local.place import CHECKOUT, Place
from predictu.local.services import Services

ADMIN = {"email": "first@example.com", "password": "a-long-enough-password"}
PROGRAMS = ("web", "fast", "slow", "beat")


@pytest.fixture
def place(tmp_path):
    place = Place(data=tmp_path / "data")
    yield place
    Services.wanted(place, {}).wipe()


@pytest.fixture
def start(place, tmp_path):
    running = []

    def run():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # Of the test session's environment nothing but what the machine itself needs.
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        settings = {"PORT": str(port), "PREDICTU_DATA_DIR": str(place.data), "PREDICTU_DEMO": "0"}
        settings |= {"PREDICTU_ADMIN_EMAIL": ADMIN["email"], "PREDICTU_ADMIN_PASSWORD": ADMIN["password"]}
        output = tmp_path / f"run-{len(running)}.log"
        with output.open("wb") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "predictu.local", "run"],
                cwd=CHECKOUT,
                env=inherited | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        running.append(supervisor)
        processes.wait_until(lambda: supervisor.poll() is not None or b"Logs" in output.read_bytes(), seconds=240)
        assert "Predictu runs at" in output.read_text(), output.read_text()
        return supervisor, f"http://127.0.0.1:{port}", output

    yield run
    for supervisor in running:
        if supervisor.poll() is None:
            supervisor.terminate()
            supervisor.wait(60)


def login(url):
    request = urllib.request.Request(f"{url}/api/auth/admin/login", json.dumps(ADMIN).encode())
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status


def members_of(sessions):
    """The living processes of these sessions: the programs and whatever they started."""
    table = subprocess.run(["ps", "-eo", "sid=,stat="], capture_output=True, text=True, check=True).stdout.split("\n")
    rows = [line.split() for line in table if line]
    return [row for row in rows if int(row[0]) in sessions and not row[1].startswith("Z")]


def children_of(pid):
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split("\n")
    return {int(line.split()[0]) for line in table if line and int(line.split()[1]) == pid}


@pytest.mark.slow
def test_it_serves_survives_a_dead_database_and_ends_cleanly(start, place):
    supervisor, url, output = start()
    assert f"{ADMIN['email']}  {ADMIN['password']}" in output.read_text()
    assert login(url) == 200
    sessions = children_of(supervisor.pid)
    assert len(sessions) == len(PROGRAMS)

    services = Services.wanted(place, {})
    postmaster = int((services.postgres.cluster / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    assert processes.wait_until(lambda: "Postgres had died" in output.read_text(), seconds=60)
    assert login(url) == 200

    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(60) == 0
    assert output.read_text().endswith("Stopped.\n")
    assert members_of(sessions) == []
    assert not services.postgres.running
    assert not services.redis.running
    # The programs ended first: nobody was cut off from the database.
    ending = services.postgres.log.read_text().rpartition("ready to accept connections")[2]
    assert "terminating connection" not in ending

    _, url, output = start()
    assert login(url) == 200
