"""What a supervisor and a load balancer ask: is the process alive, and is it of any use yet."""

import logging
from collections.abc import Callable
from datetime import timedelta

import redis
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from predictu import clock, volatile
from predictu.platform.models import Heartbeat

log = logging.getLogger("predictu.health")

BEAT_SILENCE = timedelta(minutes=2)

_migrated = False


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Database, Redis, migrations and beat; 503 while any of them is missing. Says which, never why: the log does."""
    checks = {name: _passes(name, check) for name, check in _CHECKS.items()}
    ready = all(checks.values())
    words = {name: "ok" if passed else "failed" for name, passed in checks.items()}
    return JsonResponse({"status": "ok" if ready else "unavailable", "checks": words}, status=200 if ready else 503)


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        passed = check()
    except (DatabaseError, redis.RedisError) as error:
        log.warning("not ready: %s: %s", name, type(error).__name__)
        return False
    if not passed:
        log.warning("not ready: %s", name)
    return passed


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _redis() -> bool:
    return bool(volatile.connection().ping())


def _migrations() -> bool:
    """Whether every migration this code knows is applied; once true it stays so for the life of the process."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def _beat() -> bool:
    seen_at = Heartbeat.objects.filter(name="beat").values_list("seen_at", flat=True).first()
    return seen_at is not None and clock.now() - seen_at < BEAT_SILENCE


_CHECKS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "redis": _redis,
    "migrations": _migrations,
    "beat": _beat,
}
