"""Large files as workers make them: polled until they are ready, their progress shown, all of one moment."""

from threading import Thread

import pytest
from django.db import connection, connections
from django.test import Client

from predictu import clock, ids
from predictu.local import processes
from reports.models import Export
from reports.services import exports, leases, runs
from risk.models import RiskEvent
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, place
from tests.reports.services.waiting import is_copying, waiting_export

pytestmark = pytest.mark.committed


def test_a_large_report_is_answered_with_where_to_ask_and_made_by_a_worker(celery_worker_process):
    celery_worker_process(queue="slow", pool="prefork", concurrency=1)
    now = clock.now()
    RiskEvent.objects.bulk_create(
        RiskEvent(id=ids.new("evt", now), type="anomaly", severity="info", message=f"{number}", created_at=now)
        for number in range(runs.AT_ONCE["csv"] + 1)
    )
    client = Client(headers=as_admin(make_admin()))
    body = {"type": "risk_events", "format": "csv", "delivery": "download"}
    asked = client.post("/api/internal/reports", body, content_type="application/json")
    assert asked.status_code == 202, asked.json()
    row = asked.json()["data"]
    assert (row["status"], "download_url" in row) == ("processing", False)

    def polled():
        return client.get(row["poll_url"]).json()["data"]

    assert processes.wait_until(lambda: polled()["status"] == "ready", seconds=60)
    done = polled()
    assert (row["progress_pct"], done["row_count"]) == (0, runs.AT_ONCE["csv"] + 1)
    file = b"".join(client.get(done["download_url"]).streaming_content)
    assert len(file) == done["file_size_bytes"] and file.count(b"\n") == done["row_count"] + 1


def test_progress_is_written_while_the_file_is_made(monkeypatch):
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)
    export = waiting_export()
    lease = leases.claim(Export, export.pk, path="private/x.csv", now=clock.now())

    def shown():
        return Export.objects.get(pk=export.pk).progress_pct

    with lease.kept():
        for done, pct in ((500, 50), (400, 50), (1_000, 99)):
            lease.progress(done, 1_000)
            assert processes.wait_until(lambda pct=pct: shown() == pct, seconds=10)
        Export.objects.filter(pk=export.pk).update(status="cancelled", lease="")
        assert processes.wait_until(lease._lost.is_set, seconds=10)
        with pytest.raises(leases.Lost):
            lease.progress(1_000, 1_000)


def test_what_is_committed_during_the_copy_is_not_in_it():
    player, market = make_player(make_operator(new_tier_limit=1000), balance=100), make_market()
    place(player, market, 20)
    export = waiting_export()
    holder = connections["default"].copy()
    holder.set_autocommit(False)

    def make():
        exports.make(export.pk, now=clock.now())
        connection.close()

    try:
        with holder.cursor() as cursor:
            cursor.execute("LOCK TABLE trading_market IN ACCESS EXCLUSIVE MODE")
        worker = Thread(target=make)
        worker.start()
        assert processes.wait_until(is_copying, seconds=30)
        with holder.cursor() as cursor:  # a second trade, committed under the COPY's eyes
            cursor.execute(
                "CREATE TEMP TABLE another AS SELECT * FROM trading_trade; "
                "UPDATE another SET id = gen_random_uuid(), idempotency_key = 'another', transaction_id = 'another'; "
                "INSERT INTO trading_trade SELECT * FROM another; DROP TABLE another"
            )
        holder.commit()
        worker.join(60)
    finally:
        holder.close()
    export.refresh_from_db()
    assert (export.status, export.row_count) == ("ready", 1)
    again = waiting_export()
    exports.make(again.pk, now=clock.now())
    again.refresh_from_db()
    assert again.row_count == 2
