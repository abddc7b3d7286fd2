"""Guesses sent all at once, by threads over HTTP against several processes, get no further than guesses in a row."""

import json
import threading
import urllib.error
import urllib.request

import pytest
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import LoginFailure
from tests import servers
from tests.factories import PASSWORD, make_admin

pytestmark = pytest.mark.committed


@pytest.fixture(scope="module")
def server(django_db_setup, tmp_path_factory):
    """One for all tests: what it remembers is in the database and in Redis, and both are empty for each."""
    log = tmp_path_factory.mktemp("lockouts") / "web.log"
    server = servers.start_platform(log=log, workers=2, threads=4, env={"PREDICTU_ADMIN_RATE_LIMIT": "1000"})
    yield server
    server.stop()


@pytest.fixture
def login(server):
    def attempt(body):
        asked = urllib.request.Request(
            f"{server.url}/api/auth/admin/login", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as answer:
            return answer.code

    def at_once(bodies):
        codes, start = [], threading.Barrier(len(bodies))

        def run(body):
            start.wait()
            codes.append(attempt(body))

        threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        return sorted(codes)

    return at_once


def test_a_burst_of_guesses_is_five_guesses(login):
    admin = make_admin()
    assert login([{"email": admin.email, "password": f"guess {n}"} for n in range(8)]) == [401] * 5 + [429] * 3
    assert LoginFailure.objects.count() == 5
    assert login([{"email": admin.email, "password": PASSWORD}]) == [429]


def test_a_burst_for_many_accounts_is_twenty(login):
    for _ in range(2):
        login([{"email": f"guess{n}@predictu.com", "password": "guess"} for n in range(9)])
    last = login([{"email": f"last{n}@predictu.com", "password": "guess"} for n in range(6)])
    assert last == [401] * 2 + [429] * 4
    assert LoginFailure.objects.count() == 20


def test_right_passwords_at_once_are_all_let_in(login):
    admin = make_admin()
    assert login([{"email": admin.email, "password": PASSWORD}] * 7) == [200] * 7


def test_one_code_opens_one_session_of_many(login):
    admin = make_admin()
    device = TOTPDevice.objects.create(user=admin, name="phone", confirmed=True)
    code = f"{totp(bytes.fromhex(device.key)):06d}"
    codes = login([{"email": admin.email, "password": PASSWORD, "otp": code}] * 3)
    assert codes.count(200) == 1
    assert set(codes) <= {200, 401, 429}
