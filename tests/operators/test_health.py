"""Health from the rows of attempts, and its small chart."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from defusedxml import ElementTree

from operators import health_chart
from operators.models import Endpoint, Operator
from operators.services import health
from tests.factories import make_operator, now
from tests.operators.callbacks import Script, make_receiver, send, tell

NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)


@dataclass
class Hour:
    start: datetime
    confirmed: int
    failed: int


@pytest.mark.django_db
def test_each_operator_s_health_is_its_own_and_read_at_once(django_assert_num_queries):
    url = "https://casino.example/callbacks"
    cases = {"unconfigured": 0, "healthy": 0, "degraded": 9, "failing": 10}
    made = {}
    for status, failures in cases.items():
        operator = make_operator(callback_url="" if status == "unconfigured" else url)
        Endpoint.objects.create(operator=operator, url=operator.callback_url, failures=failures)
        made[operator.id] = status
    fresh = make_operator(callback_url=url)
    with django_assert_num_queries(2):
        found = health.health_of([*made, fresh.id])
    assert {id: found[id].status for id in made} == made
    assert [found[id].failure_count for id in made] == list(cases.values())
    assert [found[id].is_healthy for id in made] == [False, True, True, False]
    assert found[fresh.id] == health.Health("healthy", None, 0)


@pytest.mark.django_db
def test_failures_at_an_earlier_url_are_forgotten():
    operator = make_operator(callback_url="https://old.example/")
    Endpoint.objects.create(operator=operator, url="https://old.example/", failures=12)
    Operator.objects.update(callback_url="https://new.example/")
    assert health.health_of([operator.id])[operator.id] == health.Health("healthy", None, 0)


@pytest.mark.django_db
@pytest.mark.usefixtures("callbacks_open")
def test_the_operator_s_row_is_never_written(serve):
    operator, _ = make_receiver(serve(Script([500])))
    before = Operator.objects.extra(select={"version": "xmin::text"}).get().version
    tell(operator, count=2)
    send(operator)
    assert Operator.objects.extra(select={"version": "xmin::text"}).get().version == before
    found = health.health_of([operator.id])[operator.id]
    assert (found.status, found.failure_count) == ("degraded", 1)


@pytest.mark.django_db
@pytest.mark.usefixtures("callbacks_open")
def test_history_counts_attempts_by_hour(serve):
    operator, _ = make_receiver(serve(Script([500])))
    tell(operator, user="", count=3)
    send(operator)
    (hour,) = health.history(operator.id, since=now() - timedelta(days=7))
    assert (hour.confirmed, hour.failed) == (2, 1)
    assert health.history(make_operator().id, since=now() - timedelta(days=7)) == []


def test_the_chart_shows_each_hour_and_says_the_sums():
    hours = [Hour(NOON, 100, 0), Hour(NOON + timedelta(hours=2), 50, 50), Hour(NOON + timedelta(hours=3), 9_999, 1)]
    text = health_chart.svg(hours, start=NOON, end=NOON + timedelta(hours=4))
    root = ElementTree.fromstring(text)
    name = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{name}title").text == "10,149 confirmed and 51 failed attempts since 2026-03-19 12:00 UTC"
    bars = [(int(bar.get("x")), int(bar.get("height")), bar.get("fill")) for bar in root.iter(f"{name}rect")]
    assert (12, 46, "#16a34a") in bars and (12, 2, "#dc2626") in bars
    assert root.get("width") == "16"


def test_an_empty_chart_is_a_line():
    assert "<rect" not in health_chart.svg([], start=NOON, end=NOON + timedelta(days=7))
