"""What the shared fixtures promise: rolled back or thrown away, each process by itself, real processes on request."""

import os

import psycopg
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from predictu.local.database_url import broker_url
from tests import environment

MARK = {"app_label": "left", "model": "behind"}


def other_session():
    """What another process sees of this test's database."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        return other.execute("SELECT count(*) FROM django_content_type WHERE app_label = 'left'").fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize("run", [1, 2])
def test_an_ordinary_test_is_rolled_back(run):
    assert not ContentType.objects.filter(**MARK).exists()
    ContentType.objects.create(**MARK)
    assert other_session() == 0


@pytest.mark.committed
@pytest.mark.parametrize("run", [1, 2])
def test_a_committed_test_commits_and_leaves_nothing(run):
    assert not ContentType.objects.filter(**MARK).exists()
    ContentType.objects.create(**MARK)
    assert other_session() == 1


@pytest.mark.django_db
def test_times_are_utc():
    with connection.cursor() as cursor:
        cursor.execute("SHOW timezone")
        assert cursor.fetchone() == ("UTC",)


def test_the_settings_and_the_tests_mean_the_same_servers(settings):
    assert os.environ["REDIS_URL"] == settings.REDIS_URL
    number = int(settings.REDIS_URL.rpartition("=")[2])
    assert number % environment.DATABASES_PER_SLOT == environment.worker_number()
    assert broker_url(settings.REDIS_URL) == settings.CELERY_BROKER_URL


@pytest.mark.parametrize("run", [1, 2])
def test_redis_is_empty_at_the_start(redis_client, run):
    assert redis_client.dbsize() == 0
    redis_client.set("left", "behind")
