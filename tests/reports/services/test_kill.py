"""A worker killed with all its processes in mid-export: another finishes it, or it fails and says why."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import connections

from predictu import clock
from predictu.local import processes
from reports.models import Export
from reports.services import exports, leases
from tests.factories import make_admin, make_market, make_operator, make_player, place
from tests.reports.services.waiting import is_copying, waiting_export

pytestmark = pytest.mark.committed


def ask():
    now = clock.now()
    return exports.request(
        actor=make_admin(),
        type="trades",
        format="csv",
        compression="none",
        start=now - timedelta(days=1),
        end=now + timedelta(days=1),
        operator=None,
        include_pii=False,
        now=now,
    )


def test_killed_in_mid_export(celery_worker_process):
    place(make_player(make_operator(new_tier_limit=1000), balance=100), make_market(), 20)
    worker = celery_worker_process(queue="slow", pool="prefork", concurrency=1)
    holder = connections["default"].copy()
    holder.set_autocommit(False)
    try:
        with holder.cursor() as cursor:  # asking reads no markets, the COPY does
            cursor.execute("LOCK TABLE trading_market IN ACCESS EXCLUSIVE MODE")
        export = ask()
        assert processes.wait_until(is_copying, seconds=60)
        worker.kill()
    finally:
        holder.close()
    export.refresh_from_db()
    assert (export.status, export.attempts) == ("processing", 1)
    assert leases.sweep(Export, exports.TASK, now=clock.now()) == 0  # it may still live
    celery_worker_process(queue="slow", pool="prefork", concurrency=1)
    long_ago = clock.now() - leases.LEASE
    Export.objects.filter(pk=export.pk).update(lease_until=long_ago, rung_at=long_ago)
    assert leases.sweep(Export, exports.TASK, now=clock.now()) == 1
    assert processes.wait_until(lambda: Export.objects.get(pk=export.pk).status == "ready", seconds=60)
    export.refresh_from_db()
    assert (export.attempts, export.row_count) == (2, 1) and default_storage.exists(export.path)


def test_one_that_kills_every_worker_fails_and_says_so():
    export, now = waiting_export(), clock.now()
    for attempt in range(1, leases.ATTEMPTS + 1):
        lease = leases.claim(Export, export.pk, path=f"private/{attempt}", now=now)
        assert lease is not None
        assert leases.claim(Export, export.pk, path="private/other", now=now) is None
        now += leases.LEASE
    assert leases.sweep(Export, exports.TASK, now=now) == 0
    export.refresh_from_db()
    assert (export.status, export.error) == ("failed", leases.DIED)
    assert not leases.finish(lease, status="ready")
