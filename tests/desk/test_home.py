"""The first page: exact figures, few queries, and what is wrong said in words."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.metrics_core import HistogramMetricFamily

from accounts import roles
from operators.models import Endpoint
from predictu import metrics, volatile
from predictu.admin_base import url_of
from predictu.platform import config, relay
from reports.admin import charts, system
from reports.alerts import Vitals
from tests.factories import make_admin, make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db
# Half are the dashboard's own figures; the rest is the vitals, and a query or two for each block of the page.
MOST_QUERIES = 50


def staff():
    client = Client()
    client.force_login(make_admin(roles.READ_ONLY))
    return client


def facts(text):
    """What a page says without its markup."""
    return " ".join(text.split())


def test_it_shows_what_was_traded_held_and_earned():
    operator = make_operator(name="Casino Blue", callback_url="https://cb.example/x")
    place(make_player(operator, balance="100"), make_market(yes_mid=Decimal("0.5"), category="crypto"), 10)
    answer = staff().get("/admin/")
    cards = {card["title"]: (card["figure"], card["more"]) for card in answer.context["cards"]}
    assert cards["Volume since the beginning"][1].startswith("1 trade;")
    assert cards["Exposure"] == ("$10.00", "0.0% of $500,000")
    assert cards["Users"] == ("1", "1 new in 7 days, 1 active in 24 h")
    assert cards["Breakers tripped"][0] == "0"
    revenue, volume = answer.context["charts"]
    assert (len(volume.bars), volume.bars[-1].value, volume.total) == (31, volume.most, volume.most)
    assert volume.total in cards["Volume since the beginning"][0]
    assert revenue.total == cards["Revenue, 30 days"][0]
    fullest = [(each.name, each.exposure_usd) for each in answer.context["limits"][:4]]
    assert [name for name, _ in fullest[:3]] == ["All markets", "Casino Blue", "Category crypto"]
    assert [held for _, held in fullest] == [10, 10, 10, 0]
    assert url_of(type(operator), operator.id) in answer.content.decode()


def test_users_are_named_to_who_may_see_personal_data_only():
    player = make_player(make_operator())
    relay.run(relay.ACTIVITY)
    client = Client()
    client.force_login(make_admin(roles.RISK))
    assert f"{player.username} signed up" in client.get("/admin/").content.decode()
    seen = staff().get("/admin/").content.decode()
    assert f"{player.id} signed up" in seen and player.username not in seen


def test_its_queries_do_not_grow_with_what_there_is(monkeypatch):
    client = staff()
    fill_with(1)
    client.get("/admin/")
    few = asked(client, monkeypatch)
    fill_with(4)
    many = asked(client, monkeypatch)
    assert len(many) <= len(few) + 1, "a slow page reads the configuration once more, a second after the first time"
    assert len(many) <= MOST_QUERIES


def test_what_grows_with_every_trade_is_not_read(monkeypatch):
    """Facts are read from where the rollups stand, and the activity feed by its number; the rest are sums kept."""
    client = staff()
    fill_with(2)
    told = " ".join(query["sql"] for query in asked(client, monkeypatch))
    assert "trading_revenuefact" in told and "platform_activityevent" in told
    for table in ("trading_trade", "accounts_ledgerentry", "operators_attempt", "platform_auditentry",
                  "trading_pricepoint", "risk_riskevent", "risk_playerscore"):  # fmt: skip
        assert f'"{table}"' not in told and f" {table} " not in told, table


def asked(client, monkeypatch):
    """The statements of one look at the page, the reading of the configuration included."""
    monkeypatch.setattr(config, "_known", None)
    with CaptureQueriesContext(connection) as seen:
        client.get("/admin/")
    return seen


def fill_with(count):
    """So many operators with a trade and a callback URL that fails."""
    for number in range(count):
        operator = make_operator(callback_url=f"https://cb{number}.example/x")
        place(make_player(operator, balance="100"), make_market(), 10)
        Endpoint.objects.update_or_create(
            operator=operator, defaults={"url": operator.callback_url, "failures": 3, "failing_since": now()}
        )


def test_it_says_which_callbacks_fail():
    operator = make_operator(name="Casino Blue", callback_url="https://cb.example/x")
    Endpoint.objects.update_or_create(
        operator=operator, defaults={"url": operator.callback_url, "failures": 12, "failing_since": now()}
    )
    page = facts(staff().get("/admin/").content.decode())
    assert "Callbacks of Casino Blue</a>" in page and ">failing</span> 12 failures in a row" in page


class TestSystem:
    def reading(self, name, **vitals):
        return next(each for each in system.readings(Vitals(**vitals)) if each.name == name)

    def test_a_beat_never_seen_or_silent_is_said(self):
        assert self.reading("Beat", beat_age=None) == system.Reading("Beat", "never", False)
        assert self.reading("Beat", beat_age=timedelta(seconds=45)) == system.Reading("Beat", "45 s ago")
        assert self.reading("Beat", beat_age=timedelta(minutes=5)) == system.Reading("Beat", "5 min ago", False)

    def test_a_ledger_that_does_not_verify_is_said(self):
        ago = timedelta(hours=5)
        good = system.Reading("Ledger verified", "5 h ago")
        assert self.reading("Ledger verified", ledger_age=ago) == good
        wrong = self.reading("Ledger verified", ledger_age=ago, ledger_differences={"balances": 2})
        assert wrong == replace(good, good=False)

    def test_queues_are_as_long_as_what_waits_in_them(self):
        volatile.connection().rpush("slow", "a", "b", "c")
        try:
            assert self.reading("Queue slow") == system.Reading("Queue slow", "3 waiting")
        finally:
            volatile.connection().delete("slow")

    def test_without_redis_the_page_stands(self, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        assert self.reading("Queues") == system.Reading("Queues", "Redis does not answer", False)

    def test_the_database_tells_of_itself(self):
        assert self.reading("Oldest transaction").value.endswith("s")
        assert self.reading("Connections").good

    def test_what_stands_is_said_with_what_to_do(self):
        page = facts(staff().get("/admin/").content.decode())
        assert "Beat is silent.</strong> Beat has never been heard of. Restart beat" in page


class TestSlowRoutes:
    def test_means_and_tails_are_of_all_answers(self):
        histogram = HistogramMetricFamily("predictu_request_seconds", "-", labels=["route", "method"])
        histogram.add_metric(["admin/", "GET"], [("0.1", 95), ("1.0", 100), ("+Inf", 100)], sum_value=7.25)
        histogram.add_metric(["api/slow", "GET"], [("0.1", 0), ("1.0", 0), ("+Inf", 20)], sum_value=600)
        found = system.routes([histogram])
        home, slow = found["GET /admin/"], found["GET /api/slow"]
        assert (home.count, home.mean_ms, home.tail_ms) == (100, 72, 100)
        assert (slow.count, slow.mean_ms, slow.tail_ms) == (20, 30_000, None)

    def test_what_this_process_has_answered_is_counted(self):
        def answered():
            return system.routes(metrics.collected()).get("GET /healthz", system.Route()).count

        before = answered()
        Client().get("/healthz")
        assert answered() == before + 1

    def test_only_routes_with_enough_answers_are_listed(self):
        assert all(route.count >= 20 for _, route in system.slowest())
        assert len(system.slowest()) <= 6


class TestChart:
    def test_bars_fill_the_box_and_nothing_is_drawn_below_zero(self):
        drawn = charts.chart("Sales", ["a", "b", "c"], [Decimal(5), Decimal(-1), Decimal(10)], ["5", "-1", "10"], "14")
        assert [(bar.x, bar.y, bar.width, bar.height) for bar in drawn.bars] == [
            ("0.0", "80.0", "192.0", "80.0"),
            ("240.0", "160.0", "192.0", "0.0"),
            ("480.0", "0.0", "192.0", "160.0"),
        ]
        assert (drawn.first, drawn.last, drawn.most) == ("a", "c", "10")

    def test_without_a_value_there_is_none(self):
        assert charts.chart("Sales", ["a"], [Decimal(0)], ["0"], "0").bars == ()
