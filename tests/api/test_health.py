"""What supervisors and load balancers are told."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client

from predictu import volatile
from predictu.api import health
from predictu.platform.models import Heartbeat
from tests.factories import now

pytestmark = pytest.mark.django_db
OK = {"database": "ok", "redis": "ok", "migrations": "ok", "beat": "ok"}


@pytest.fixture(autouse=True)
def unknown(monkeypatch):
    monkeypatch.setattr(health, "_migrated", False)


@pytest.fixture
def beat():
    return Heartbeat.objects.update_or_create(name="beat", defaults={"seen_at": now()})[0]


def ready():
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()


def test_the_process_answers_without_a_database(django_db_blocker):
    with django_db_blocker.block():
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready(beat):
    assert ready() == (200, {"status": "ok", "checks": OK})


def test_a_silent_beat_is_not_ready(beat):
    with time_machine.travel(beat.seen_at + timedelta(seconds=119), tick=False) as traveller:
        assert ready()[0] == 200
        traveller.shift(timedelta(seconds=1))
        assert ready() == (503, {"status": "unavailable", "checks": OK | {"beat": "failed"}})


def test_no_beat_yet_is_not_ready():
    Heartbeat.objects.all().delete()
    assert ready() == (503, {"status": "unavailable", "checks": OK | {"beat": "failed"}})


def test_a_missing_migration_is_not_ready(beat):
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations WHERE app = 'accounts')"
        )
    assert ready() == (503, {"status": "unavailable", "checks": OK | {"migrations": "failed"}})


def test_redis_away_is_not_ready(beat, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    volatile.connection.cache_clear()
    try:
        assert ready() == (503, {"status": "unavailable", "checks": OK | {"redis": "failed"}})
    finally:
        volatile.connection.cache_clear()


def test_supervisors_are_not_sent_to_tls(settings):
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/admin/").status_code == 301
