"""``/metrics``: who may scrape it, what it shows, and that the counts of several processes add up."""

import json
import re
import subprocess
import sys
import urllib.request
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from operators.models import Delivery, Endpoint
from predictu import volatile
from predictu.platform import heartbeats
from reports.models import StandingAlert
from risk.models import CircuitBreaker
from risk.walls import WALL_NAMES
from tests import servers
from tests.factories import as_admin, make_admin, make_market, make_operator, make_pair, make_player, now, signed
from trading.models import Settlement

TOKEN = "a-token-for-prometheus"
S = timedelta(seconds=1)


def read(text):
    """{(sample, labels): value}"""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(**headers):
    answer = Client(headers={"Authorization": f"Bearer {TOKEN}", **headers}).get("/metrics")
    assert answer.status_code == 200
    return read(answer.content.decode())


@pytest.fixture
def opened(settings):
    settings.PREDICTU_METRICS_TOKEN = TOKEN


@pytest.mark.django_db
class TestTheDoor:
    def test_there_is_no_page_until_somebody_may_see_it(self):
        assert Client().get("/metrics").status_code == 404

    @pytest.mark.parametrize(
        ("given", "status"),
        [
            (f"Bearer {TOKEN}", 200),
            ("", 403),
            (f"Bearer {TOKEN}x", 403),
            (f"bearer {TOKEN}", 403),
            (TOKEN, 403),
            ("Bearer \xe9", 403),
        ],
    )
    def test_the_token(self, opened, given, status):
        answer = Client(headers={"Authorization": given}).get("/metrics")
        assert (answer.status_code, b"predictu_" in answer.content) == (status, status == 200)

    @pytest.mark.parametrize(("networks", "status"), [(["127.0.0.0/8"], 200), (["10.0.0.0/8", "2001:db8::/32"], 403)])
    def test_the_networks(self, settings, networks, status):
        settings.PREDICTU_METRICS_NETWORKS = networks
        assert Client().get("/metrics").status_code == status

    def test_both_must_fit_where_both_are_set(self, opened, settings):
        settings.PREDICTU_METRICS_NETWORKS = ["127.0.0.0/8"]
        assert Client().get("/metrics").status_code == 403
        assert scrape()
        settings.PREDICTU_METRICS_NETWORKS = ["10.0.0.0/8"]
        assert Client(headers={"Authorization": f"Bearer {TOKEN}"}).get("/metrics").status_code == 403

    def test_prometheus_is_not_sent_to_tls(self, opened, settings):
        settings.SECURE_SSL_REDIRECT = True
        assert scrape()


@pytest.mark.django_db
def test_state_is_read_at_the_scrape(opened, redis_client, django_capture_on_commit_callbacks):
    operator, at = make_operator(), now()
    heartbeats.seen("beat", now=at - 100 * S)
    heartbeats.seen("alerts", now=at - 60 * S)
    heartbeats.seen("ledger", now=at, detail={"findings": [{"check": "balances", "count": 3}]})
    redis_client.rpush("slow", "a", "b")
    CircuitBreaker.objects.filter(scope="global").update(status="tripped", tripped_at=at)
    tripped = CircuitBreaker.objects.filter(status="tripped").count()
    market = make_market()
    Settlement.objects.create(
        market=market,
        resolution="yes",
        resolution_source="staff",
        status="completed",
        processing_time_ms=700,
        requested_by=make_admin(),
        resolved_at=at,
        settled_at=at,
    )
    Settlement.objects.create(
        market=make_market(),
        resolution="yes",
        resolution_source="staff",
        requested_by=make_admin(),
        resolved_at=at,
    )
    with django_capture_on_commit_callbacks(execute=True):
        shown = scrape()
    assert 100 <= shown["predictu_beat_age_seconds", ()] < 130
    assert ("predictu_sync_age_seconds", ()) not in shown
    assert shown["predictu_ledger_differences", ()] == 3
    assert shown["predictu_queue_depth", (("queue", "slow"),)] == 2
    assert shown["predictu_queue_depth", (("queue", "fast"),)] == 0
    assert shown["predictu_breakers_tripped", ()] == tripped
    assert shown["predictu_settlements_waiting", ()] == 1
    bucket = "predictu_settlement_seconds_bucket"
    assert [shown[bucket, (("le", le),)] for le in ("0.5", "1.0", "+Inf")] == [0, 1, 1]
    assert shown["predictu_settlement_seconds_sum", ()] == 0.7
    assert shown["predictu_up", (("part", "database"),)] == shown["predictu_up", (("part", "redis"),)] == 1
    standing = {labels[0][1] for (name, labels), value in shown.items() if name == "predictu_alert" and value}
    assert standing == {"beat_silent", "sync_stale", "ledger_difference"}
    # Nobody else would say that beat is silent.
    assert set(StandingAlert.objects.values_list("name", flat=True)) == standing
    assert operator.slug not in str(shown)


@pytest.mark.django_db
def test_lag_counts_what_could_be_sent(opened):
    operator, at = make_operator(callback_url="https://casino.example/cb"), now()
    player = make_player(operator)
    event = operator.events.get(user_id=player.id)
    Endpoint.objects.get_or_create(operator=operator)
    Delivery.objects.filter(event=event).delete()
    delivery = Delivery.objects.create(event=event, operator=operator, state="ready", due_at=at - 50 * S)
    assert 50 <= scrape()["predictu_delivery_lag_seconds", ()] < 80
    Delivery.objects.filter(pk=delivery.pk).update(due_at=at + 3600 * S)  # claimed
    assert scrape()["predictu_delivery_lag_seconds", ()] == 0
    Delivery.objects.filter(pk=delivery.pk).update(due_at=at - 50 * S)
    Endpoint.objects.update(failing_since=at)
    assert scrape()["predictu_delivery_lag_seconds", ()] == 0
    Delivery.objects.filter(pk=delivery.pk).update(state="dead", due_at=None, last_attempt_at=at)
    assert scrape()["predictu_deliveries", (("state", "dead"),)] == 1


@pytest.mark.django_db
def test_requests_refusals_and_trades_are_counted(opened):
    player, market = make_player(make_operator(), balance=100), make_market()
    pair, admin = make_pair(player.operator), make_admin()
    before = scrape()

    def more(name, **labels):
        key = (name, tuple(sorted(labels.items())))
        return after.get(key, 0) - before.get(key, 0)

    def trade(quantity, key):
        body = json.dumps(
            {"user_id": player.id, "market_id": market.id, "outcome": "yes", "side": "buy", "quantity": quantity}
        ).encode()
        path = "/api/casino/trades"
        headers = signed(pair, "POST", path, body, idempotency_key=key)
        return Client(headers=headers).post(path, body, content_type="application/json").status_code

    assert [trade(5, "a"), trade(5, "a"), trade(50, "b"), trade(10_000, "c")] == [201, 201, 422, 422]
    Client(headers=as_admin(admin)).get(f"/api/internal/users/{player.id}?search=secret@mail.example")
    Client().get("/nowhere/secret")
    Client().get("/api/internal/nowhere/secret")
    after = scrape()
    route = "api/casino/trades"
    assert more("predictu_requests_total", route=route, method="POST", status="2xx") == 2
    assert more("predictu_requests_total", route=route, method="POST", status="4xx") == 2
    assert more("predictu_request_seconds_count", route=route, method="POST") == 4
    assert more("predictu_trades_total", side="buy") == 1
    assert more("predictu_refusals_total", route=route, code="RISK_REJECTED", wall=WALL_NAMES[1]) == 2
    assert more("predictu_requests_total", route="(none)", method="GET", status="4xx") == 2
    user = [dict(labels)["route"] for name, labels in after if name == "predictu_requests_total"]
    assert any(re.search(r"api/internal/users/<", each) for each in user)
    text = str(after)
    assert "secret" not in text and player.id not in text


@pytest.mark.django_db
def test_counts_are_shown_without_redis(opened, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    volatile.connection.cache_clear()
    try:
        shown = scrape()
    finally:
        volatile.connection.cache_clear()
    assert shown["predictu_up", (("part", "redis"),)] == 0
    assert ("predictu_beat_age_seconds", ()) not in shown or shown["predictu_up", (("part", "database"),)] == 1


@pytest.mark.django_db
def test_counts_are_shown_without_the_database(opened):
    with connection.execute_wrapper(_away):
        shown = scrape()
    assert shown["predictu_up", (("part", "database"),)] == 0
    assert any(name == "predictu_requests_total" for name, _ in shown)


def _away(execute, sql, params, many, context):
    raise OperationalError("away")


def counting(folder, *lines):
    """Run lines in a process that counts into ``folder`` and ends."""
    env = {"PREDICTU_METRICS_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "predictu.settings"}
    return subprocess.run(
        [sys.executable, "-c", "\n".join(["from predictu import metrics", *lines])],
        cwd=servers.ROOT,
        env=servers.surroundings(env),
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.committed
def test_several_processes_add_up_also_when_they_have_ended(platform_server, tmp_path):
    folder = tmp_path / "metrics"
    server = platform_server(workers=2, threads=1, PREDICTU_METRICS_DIR=str(folder), PREDICTU_METRICS_TOKEN=TOKEN)

    def ask(path):
        request = urllib.request.Request(f"{server.url}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def living():
        return len(list(folder.glob("*.alive")))

    asked = 0
    while living() < 2 and asked < 200:  # until both workers have answered
        asked += 1
        ask("/healthz")
    counting(folder, "metrics.traded('sell')", "metrics.called_back(confirmed=True, latency_ms=40)")
    counting(  # a parent that had counted, and its child, as in a pool of workers
        folder,
        "import os",
        "metrics.traded('sell')",
        "child = os.fork()",
        "metrics.traded('sell')",
        "os.waitpid(child, 0) if child else os._exit(0)",
    )
    assert living() == 5
    shown = read(ask("/metrics"))
    healthz = ("predictu_requests_total", (("method", "GET"), ("route", "healthz"), ("status", "2xx")))
    assert shown[healthz] > asked  # it was asked before, until it answered
    assert shown["predictu_trades_total", (("side", "sell"),)] == 4
    bucket = "predictu_callback_seconds_bucket"
    assert shown[bucket, (("le", "0.01"), ("outcome", "confirmed"))] == 0
    assert shown[bucket, (("le", "0.05"), ("outcome", "confirmed"))] == 1
    assert shown[bucket, (("le", "+Inf"), ("outcome", "confirmed"))] == 1
    assert living() == 2
    again = read(ask("/metrics"))
    assert again[healthz] == shown[healthz]
    assert again["predictu_trades_total", (("side", "sell"),)] == 4


def test_a_folder_that_cannot_be_written_costs_counts_and_no_answer(tmp_path):
    (tmp_path / "metrics").write_text("a file stands in the way")
    done = counting(tmp_path / "metrics", *["metrics.traded('buy')"] * 2, "print('answered')")
    assert done.stdout == "answered\n" and done.stderr.count("metrics are not counted") == 1
