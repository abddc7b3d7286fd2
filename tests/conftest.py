"""Fixtures of all tests. Importing this module starts the services and Django, in that order."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from tests import environment

if settings.configured:
    pytest.exit("unset DJANGO_SETTINGS_MODULE: the settings were read before the tests prepared their environment", 4)
environment.prepare()
os.environ["DJANGO_SETTINGS_MODULE"] = "predictu.settings"
django.setup()

from django.db import connections  # noqa: E402 - settings read the environment prepared above
from django.test import TransactionTestCase  # noqa: E402
from redis import Redis  # noqa: E402

from predictu.celery import app as celery_app  # noqa: E402
from predictu.platform import config  # noqa: E402
from tests import databases, servers  # noqa: E402

# An xdist worker that inherits it reads the settings before it has a Redis database of its own.
os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Workers inherit the environment; with this they would read the settings before they come to this file."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A `committed` test is one of Django's transactional tests, with our way of cleaning up. Slow ones come first, so
    that no worker is left alone with one in the end."""
    for item in items:
        if item.get_closest_marker("committed"):
            item.add_marker(pytest.mark.django_db(transaction=True), append=False)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A clone of the template for this process; replaces pytest-django's own database."""
    with django_db_blocker.unblock():
        databases.renew(databases.own_name())
        databases.use(databases.own_name())
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        databases.drop(databases.own_name())


def _renew_database(_test: TransactionTestCase) -> None:
    connections.close_all()
    databases.renew(databases.own_name())


# Django would empty every table with TRUNCATE, which the ledger refuses; the whole database is replaced instead.
TransactionTestCase._fixture_teardown = _renew_database


@pytest.fixture(scope="session")
def redis_client() -> Iterator[Redis]:
    """This process's own Redis database."""
    with Redis.from_url(os.environ["REDIS_URL"]) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty_redis(redis_client: Redis) -> None:
    redis_client.flushdb()


@pytest.fixture(autouse=True)
def _configuration_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets the configuration another one left in this process's memory."""
    monkeypatch.setattr(config, "_known", None)


@pytest.fixture
def platform_server(committed_only: None, tmp_path: Path) -> Iterator[Callable[..., servers.PlatformServer]]:
    """Call it with `workers=`, `threads=` and environment variables: the platform over HTTP on this test's database."""
    started: list[servers.Process] = []

    def start(*, workers: int = 2, threads: int = 4, **env: str) -> servers.PlatformServer:
        log = tmp_path / f"web-{len(started)}.log"
        started.append(server := servers.start_platform(log=log, workers=workers, threads=threads, env=env))
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def celery_worker_process(
    committed_only: None, tmp_path: Path, settings: Any
) -> Iterator[Callable[..., servers.Process]]:
    """Call it with `queue=` (and `pool=`, `concurrency=`, environment variables): a real worker on this test's database
    and Redis. Jobs of the test go to the broker from then on."""
    started: list[servers.Process] = []

    def start(*, queue: str = "fast", pool: str = "threads", concurrency: int = 2, **env: str) -> servers.Process:
        settings.CELERY_TASK_ALWAYS_EAGER = celery_app.conf.task_always_eager = False
        log = tmp_path / f"worker-{len(started)}.log"
        started.append(
            worker := servers.start_worker(log=log, queue=queue, pool=pool, concurrency=concurrency, env=env)
        )
        return worker

    yield start
    for worker in started:
        worker.stop()
    celery_app.conf.task_always_eager = True


@pytest.fixture
def jobs_wait(settings: Any) -> Iterator[None]:
    """Jobs go to the broker as on the platform, where nobody takes them: what a test asks for is all that is done."""
    settings.CELERY_TASK_ALWAYS_EAGER = celery_app.conf.task_always_eager = False
    yield
    celery_app.conf.task_always_eager = True


@pytest.fixture
def committed_only(request: pytest.FixtureRequest) -> None:
    """Other processes see nothing of a test that never commits."""
    if not request.node.get_closest_marker("committed"):
        pytest.fail("processes need a test marked `committed`")
    request.getfixturevalue("transactional_db")
