"""The files for servers and containers: they run the programs of `make run`, and what they name exists."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from predictu import metrics
from predictu.local import processes, setup
from predictu.local.place import Place
from predictu.local.run import Configuration, Platform
from predictu.local.services import Services
from reports import alerts
from tests import servers
from tests.factories import PASSWORD, make_admin

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PROGRAMS = ("web", "fast", "slow", "beat")
# Where a server's copy differs from a developer's: how many, where, and how long they may take to end; and --preload,
# without which a reload brings the new code in.
OWN = ("--bind", "--workers", "--graceful-timeout", "--schedule")


def settings_of(unit):
    """A unit file's directives; repeated ones are not used."""
    lines = (UNITS / f"predictu-{unit}.service").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def unit_command(unit):
    return shlex.split(settings_of(unit)["ExecStart"].replace("%%", "%"))


def words(command):
    """The program and its options, without those in OWN and their values."""
    text = [part for word in command[1:] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    values = {place + 1 for place, word in enumerate(text) if word in OWN}
    return [word for place, word in enumerate(text) if place not in values and word not in OWN and word != "--preload"]


@pytest.fixture(scope="module")
def local_programs(tmp_path_factory):
    place = Place(data=tmp_path_factory.mktemp("place"))
    configuration = Configuration({}, 8000, "127.0.0.1", {}, None, None, None)
    platform = Platform(place, Services.wanted(place, {}), configuration)
    return {program.name: list(program.command) for program in platform._programs()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_servers_and_containers_run_what_make_run_runs(local_programs, name):
    assert set(local_programs) == set(PROGRAMS)
    wanted = words(local_programs[name])
    assert words(unit_command(name)) == wanted
    compose = COMPOSE["services"][name].get("command")
    if compose is None:
        compose = yaml.safe_load(re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1])
    assert words(compose) == wanted


def test_the_image_is_made_of_what_is_there():
    assert DOCKERFILE.index("USER predictu") < DOCKERFILE.index("CMD [")
    packages = re.search(r"--no-install-recommends\s+(.*?)&&", DOCKERFILE)[1].split()
    assert packages == [*setup.PANGO_PACKAGES, *setup.FONT_PACKAGES]
    assert " ".join(packages) in OPERATIONS
    copied = [words.split()[1:-1] for words in DOCKERFILE.splitlines() if words.startswith("COPY ")]
    assert copied and all((ROOT / source).exists() for sources in copied for source in sources)
    left_out = re.search(r"grep -vE '\^\((.*?)\)=='", DOCKERFILE)[1].split("|")
    pinned = {line.split("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()}
    assert set(left_out) <= pinned


def test_compose_is_complete():
    services = COMPOSE["services"]
    assert set(services) == {"postgres", "redis", "migrate", *PROGRAMS}
    for name in PROGRAMS:
        service = services[name]
        assert service["healthcheck"]["test"] and service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["migrate"]["command"] == ["python", "manage.py", "migrate", "--noinput"]
    used = {mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])}
    assert set(COMPOSE["volumes"]) == {name for name in used if not name.startswith((".", "/"))}


def test_every_variable_is_explained():
    explained = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    named = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    named |= set(re.findall(r"\b(PREDICTU_\w+)=", DOCKERFILE))
    named |= set(re.findall(r"`((?:PREDICTU|EMAIL|SECRET|DATABASE|REDIS|ALLOWED|CSRF)_\w+)(?:=[^`]*)?`", OPERATIONS))
    assert {name for name in named - explained if not name.startswith("POSTGRES_")} == set()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd on this machine")
def test_systemd_accepts_the_units(tmp_path):
    for unit in PROGRAMS:
        text = (UNITS / f"predictu-{unit}.service").read_text()
        text = text.replace("/opt/predictu/.venv/bin/python", sys.executable)
        (tmp_path / f"predictu-{unit}.service").write_text(text)
    units = sorted(str(path) for path in tmp_path.glob("*.service"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    told = [line for line in done.stderr.splitlines() if "predictu-" in line]
    assert (done.returncode, told) == (0, []), done.stderr


def test_the_document_tells_every_alert_and_its_remedy():
    for rule in alerts.RULES:
        row = next(line for line in OPERATIONS.splitlines() if line.startswith(f"| `{rule.name}`: {rule.title} |"))
        assert row.endswith(f"| {rule.what_to_do} |") and f"| {rule.severity} |" in row


@pytest.mark.django_db
def test_every_metric_that_is_named_exists(client, settings):
    settings.PREDICTU_METRICS_NETWORKS = ["127.0.0.1"]
    client.get("/healthz")
    shown = set(re.findall(r"^# TYPE (\S+)", client.get("/metrics").content.decode(), re.MULTILINE))
    counted = (metrics.REQUESTS, metrics.REFUSALS, metrics.TRADES, metrics.CALLBACKS)
    shown |= {f"{each._name}_total" for each in counted}
    shown |= {each._name for each in (metrics.DURATION, metrics.CALLBACK_SECONDS)}
    rules = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
    assert len(yaml.safe_load(rules)["groups"][0]["rules"]) == 7
    named = set(re.findall(r"\b(predictu_[a-z_]+)", rules)) | set(re.findall(r"`(predictu_[a-z_]+)", OPERATIONS))
    assert named - {"predictu_app"} - shown == set()


SECRET = "a-secret-for-this-test-and-no-other-" + "x" * 20
PRODUCTION = {
    "PREDICTU_ENV": "production",
    "PREDICTU_DEMO": "0",
    "DEBUG": "0",
    "SECRET_KEY": SECRET,
    "PREDICTU_JWT_KEY": SECRET,
    "PREDICTU_LEDGER_ANCHOR_KEY": SECRET,
    "PREDICTU_ENCRYPTION_KEYS": "Y2hlY2tzLW9ubHktY2hlY2tzLW9ubHktY2hlY2tzLTE=",
    "ALLOWED_HOSTS": "127.0.0.1",
    "PREDICTU_BEHIND_TLS_PROXY": "1",
    "PREDICTU_CALLBACK_ALLOW_LOOPBACK": "0",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PREDICTU_METRICS_TOKEN", "guessable"),
        ("PREDICTU_LEDGER_ANCHOR_KEYS", f"{SECRET},short"),
        ("PREDICTU_JWT_KEYS", f"{SECRET},short"),
    ],
)
def test_production_refuses_weak_secrets(name, value):
    done = subprocess.run(
        [sys.executable, "-c", "import predictu.settings"],
        cwd=ROOT,
        env=servers.surroundings(PRODUCTION | {name: value}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and f"ImproperlyConfigured: {name}" in done.stderr


@pytest.fixture
def production(committed_only, tmp_path):
    """gunicorn in production as the unit runs it: its address and its master's process id."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        command = [sys.executable, *unit_command("web")[1:]]
        command[command.index("--bind") + 1] = f"fd://{listener.fileno()}"
        command[command.index("--workers") + 1] = "1"
        log = tmp_path / "web.log"
        with log.open("wb") as output:
            master = subprocess.Popen(
                command,
                cwd=ROOT,
                env=servers.surroundings(PRODUCTION),
                stdout=output,
                stderr=output,
                pass_fds=[listener.fileno()],
            )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        assert processes.wait_until(lambda: answers(url), seconds=60), log.read_text()
        yield url, master.pid
    finally:
        master.terminate()
        try:
            master.wait(20)
        except subprocess.TimeoutExpired:
            master.kill()


class Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are answers, not orders."""

    def http_error_302(self, request, answer, code, message, headers):
        return answer

    http_error_301 = http_error_302


def answers(url):
    try:
        return urllib.request.urlopen(f"{url}/healthz", timeout=100).status == 200
    except OSError:
        return False


def children(pid):
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@pytest.mark.committed
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are read from /proc")
def test_production_serves_safely_and_reloads_without_a_refused_request(production):
    url, master = production
    secure = {"X-Forwarded-Proto": "https"}
    login = f"{url}/admin/login/"
    assert urllib.request.build_opener(Stay).open(login).headers["Location"] == login.replace("http:", "https:")
    page = urllib.request.urlopen(urllib.request.Request(login, headers=secure))
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert "script-src 'self' 'unsafe-eval';" in page.headers["Content-Security-Policy"]
    cookies = page.headers.get_all("Set-Cookie")
    assert cookies and all("Secure" in cookie for cookie in cookies)
    given = {cookie.split("=", 1)[0]: cookie for cookie in cookies}
    token = given["csrftoken"].split(";")[0].partition("=")[2]
    form = {"username": make_admin().email, "password": PASSWORD, "csrfmiddlewaretoken": token}
    entry = urllib.request.Request(
        login,
        urllib.parse.urlencode(form).encode(),
        secure | {"Cookie": f"csrftoken={token}", "Origin": url.replace("http:", "https:")},
    )
    entered = urllib.request.build_opener(Stay).open(entry)
    session = next(each for each in entered.headers.get_all("Set-Cookie") if each.startswith("sessionid="))
    assert all(part in session for part in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age=28800"))
    static = re.search(r'href="(/static/[^"]+\.css[^"]*)"', page.read().decode())[1]
    assert urllib.request.urlopen(urllib.request.Request(url + static, headers=secure)).status == 200

    before, done, failed = children(master), threading.Event(), []

    def ask():
        while not done.is_set():
            if not answers(url):
                failed.append("refused")

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        reload = settings_of("web")["ExecReload"].split()
        assert reload == ["/bin/kill", "-HUP", "$MAINPID"]
        os.kill(master, signal.SIGHUP)
        exchanged = processes.wait_until(
            lambda: len(children(master)) == 1 and not children(master) & before, seconds=60
        )
        asked_after = answers(url)
        done.set()
        for each in asking:
            each.result()
    assert exchanged and asked_after and failed == []
