"""The first page: exact figures, few queries, and what is wrong said in words."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import roles
from operators.models import Endpoint
from predictu import volatile
from predictu.admin_base import url_of
from predictu.platform.models import Heartbeat
from reports.admin import charts, system
from tests.factories import make_admin, make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db
# 20 are the dashboard's own figures; the rest is a query for each block of the page.
MOST_QUERIES = 40


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
    assert cards["Volume since the beginning"][1].startswith("1 trades;")
    assert cards["Exposure"] == ("$10.00", "0.0% of $500,000")
    assert cards["Users"] == ("1", "1 new in 7 days, 1 active in 24 h")
    assert cards["Breakers tripped"][0] == "0"
    revenue, volume = answer.context["charts"]
    assert (len(volume.bars), volume.bars[-1].value, volume.total) == (31, volume.most, volume.most)
    assert volume.total in cards["Volume since the beginning"][0]
    assert revenue.total == cards["Revenue, 30 days"][0]
    fullest = [(each["name"], each["exposure"]) for each in answer.context["limits"][:4]]
    assert [name for name, _ in fullest[:3]] == ["All markets", "Casino Blue", "Category crypto"]
    assert [held for _, held in fullest] == ["$10.00", "$10.00", "$10.00", "$0.00"]
    assert url_of(type(operator), operator.id) in answer.content.decode()


def test_its_queries_do_not_grow_with_what_there_is():
    client = staff()
    client.get("/admin/")
    with CaptureQueriesContext(connection) as empty:
        client.get("/admin/")
    for number in range(4):
        operator = make_operator(callback_url=f"https://cb{number}.example/x")
        place(make_player(operator, balance="100"), make_market(), 10)
        Endpoint.objects.update_or_create(
            operator=operator, defaults={"url": operator.callback_url, "failures": 3, "failing_since": now()}
        )
    with CaptureQueriesContext(connection) as full:
        client.get("/admin/")
    assert len(full) <= len(empty) + 2, "names of what the activity quotes"
    assert len(full) <= MOST_QUERIES


def test_it_says_which_callbacks_fail():
    operator = make_operator(name="Casino Blue", callback_url="https://cb.example/x")
    Endpoint.objects.update_or_create(
        operator=operator, defaults={"url": operator.callback_url, "failures": 12, "failing_since": now()}
    )
    page = facts(staff().get("/admin/").content.decode())
    assert "Callbacks of Casino Blue</a>" in page and ">failing</span> 12 failures in a row" in page


class TestSystem:
    def reading(self, name, at=None):
        return next(each for each in system.readings(at or now()) if each.name == name)

    def test_a_beat_never_seen_or_silent_is_said(self):
        assert self.reading("Beat") == system.Reading("Beat", "never seen: are beat and the workers running?", False)
        at = now()
        row = Heartbeat.objects.create(name="beat", seen_at=at - timedelta(seconds=45))
        assert self.reading("Beat", at) == system.Reading("Beat", "45 s ago")
        row.seen_at = at - timedelta(minutes=5)
        row.save()
        assert self.reading("Beat", at) == system.Reading("Beat", "5 min ago", False)

    def test_differences_of_the_ledger_are_counted(self):
        at = now()
        Heartbeat.objects.create(name="beat", seen_at=at)
        row = Heartbeat.objects.create(name="ledger", seen_at=at - timedelta(hours=5), detail={"findings": []})
        assert self.reading("Ledger verified", at) == system.Reading("Ledger verified", "5 h ago")
        row.detail = {"findings": [{"check": "balances", "count": 2}]}
        row.save()
        assert self.reading("Ledger verified", at) == system.Reading("Ledger verified", "5 h ago, 1 differences", False)

    def test_queues_are_as_long_as_what_waits_in_them(self):
        volatile.connection().rpush("slow", "a", "b", "c")
        try:
            assert self.reading("Queue slow") == system.Reading("Queue slow", "3 waiting")
        finally:
            volatile.connection().delete("slow")

    def test_without_redis_the_page_stands(self, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        volatile.connection.cache_clear()
        try:
            assert self.reading("Queues") == system.Reading("Queues", "Redis does not answer", False)
        finally:
            volatile.connection.cache_clear()

    def test_the_database_tells_of_itself(self):
        assert self.reading("Oldest transaction").value.endswith("s")
        assert self.reading("Connections").good


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
