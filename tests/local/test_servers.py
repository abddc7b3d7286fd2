"""Real processes see what a committed test commits, and are gone when it ends."""

import json
import urllib.error
import urllib.request
from datetime import timedelta

import pytest

from accounts.models import RevokedToken, system_admin
from accounts.services import admins
from accounts.tasks import forget_expired_sessions
from predictu import clock
from predictu.local import processes
from tests import servers

ADMIN = {"email": "ops@example.com", "password": "a-long-enough-password"}


def call(url, body=None):
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.committed
def test_the_platform_serves_the_database_of_the_test(platform_server):
    server = platform_server(workers=2, PREDICTU_ADMIN_RATE_LIMIT="7")
    assert call(f"{server.url}/api/auth/admin/login", ADMIN)[0] == 401
    admins.create(**ADMIN, groups=["Admin"], actor=system_admin(), now=clock.now())
    status, answer = call(f"{server.url}/api/auth/admin/login", ADMIN)
    assert status == 200
    assert answer["data"]["admin"]["email"] == ADMIN["email"]


@pytest.mark.committed
def test_nothing_of_a_server_outlives_its_test(platform_server):
    server = platform_server(workers=2)
    status, answer = call(f"{server.url}/readyz")
    assert (status, answer["checks"]["database"], answer["checks"]["redis"]) == (503, "ok", "ok")
    server.stop()
    assert not processes.alive(server.popen.pid)
    with pytest.raises(urllib.error.URLError):
        call(f"{server.url}/healthz")


@pytest.mark.committed
def test_a_worker_does_what_the_test_asks_the_broker_for(celery_worker_process):
    RevokedToken.objects.create(jti="old", expires_at=clock.now() - timedelta(days=1))
    celery_worker_process(queue="slow", pool="prefork", concurrency=1)
    forget_expired_sessions.delay()
    assert processes.wait_until(lambda: not RevokedToken.objects.exists(), seconds=20)


@pytest.mark.django_db
def test_a_test_that_never_commits_gets_no_processes(request):
    with pytest.raises(pytest.fail.Exception, match="committed"):
        request.getfixturevalue("platform_server")


def test_a_server_that_cannot_start_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="must be set in production"):
        servers.start_platform(
            log=tmp_path / "web.log", workers=1, threads=1, env={"PREDICTU_ENV": "production", "SECRET_KEY": ""}
        )
