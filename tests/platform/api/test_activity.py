"""The feed over HTTP: names put in when read, filters, and a cursor that neither skips nor repeats."""

import threading
import time

import pytest
from django.db import connection, transaction
from django.test import Client

from operators.models import Operator
from predictu.platform import activity, relay
from predictu.platform.models import ActivityEvent
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now

PATH = "/api/internal/activity"


@pytest.fixture
def client(settings):
    settings.PREDICTU_ADMIN_RATE_LIMIT = 100_000
    return Client(headers=as_admin(make_admin()))


def walk(client, limit=7, query=""):
    """Every line from the newest to the oldest, page by page."""
    found, cursor = [], ""
    while True:
        body = client.get(f"{PATH}?limit={limit}{query}&cursor={cursor}").json()
        found += body["data"]
        cursor = body["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.django_db
def test_a_line_names_who_and_where_as_they_are_called_now(client):
    operator, market = make_operator(), make_market(title="Will {it} rain?")
    player = make_player(operator)
    text = f"{{{player.id}}} of {{{operator.id}}} bought '{{{market.id}}}', {{usr_00000000000000000000000000}}"
    activity.record(
        type="trade", title="Large trade executed", description=text, operator_id=operator.id, user_id=player.id,
        market_id=market.id, metadata={"amount_usd": 124}, now=now(),
    )  # fmt: skip
    ActivityEvent.objects.filter(type="user_signup").delete()
    assert client.get(PATH).json() == {"data": [], "next_cursor": None}
    relay.run(relay.ACTIVITY)
    Operator.objects.filter(pk=operator.pk).update(name="Renamed")
    (line,) = client.get(PATH).json()["data"]
    assert line["description"] == (
        f"{player.username} of Renamed bought 'Will {{it}} rain?', usr_00000000000000000000000000"
    )
    assert (line["operator_slug"], line["user_id"], line["market_id"]) == (operator.slug, player.id, market.id)
    assert (line["type"], line["severity"], line["metadata"]) == ("trade", "info", {"amount_usd": 124})


@pytest.mark.django_db
def test_filters_and_what_is_no_cursor(client):
    first, second = make_operator(), make_operator()
    for operator, kind in [(first, "trade"), (second, "trade"), (first, "settlement")]:
        activity.record(type=kind, title=kind, operator_id=operator.id, now=now())
    relay.run(relay.ACTIVITY)
    assert [row["title"] for row in walk(client, query="&type=trade")] == ["trade", "trade"]
    assert [row["title"] for row in walk(client, 1, f"&operator={first.slug}")] == ["settlement", "trade"]
    for bad in ("cursor=x", "cursor=e30=", "cursor=eyJiZWZvcmUiOiJ4In0=", "limit=0", "limit=201", "type=gossip",
                "operator=nobody"):  # fmt: skip
        assert client.get(f"{PATH}?{bad}").status_code == 400, bad


@pytest.mark.committed
def test_writers_whose_commits_overlap_lose_no_line_and_repeat_none(client, settings, monkeypatch):
    """Lines are written in transactions that end in another order than they began, while a reader pages and a relay
    numbers: pages read meanwhile plus the newest lines afterwards are every line, once."""
    monkeypatch.setattr("predictu.jobs.ring", lambda *args: None)
    stop, faults = threading.Event(), []

    def write(writer):
        try:
            for number in range(15):
                with transaction.atomic():
                    activity.record(type="trade", title=f"{writer}-{number}", now=now())
                    time.sleep(0.001 * ((writer * 7 + number * 3) % 11))
        except Exception as fault:  # noqa: BLE001
            faults.append(fault)
        finally:
            connection.close()

    def number():
        try:
            while not stop.is_set():
                relay.run(relay.ACTIVITY)
        except Exception as fault:  # noqa: BLE001
            faults.append(fault)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(index,)) for index in range(6)]
    numberers = [threading.Thread(target=number) for _ in range(2)]
    for thread in [*numberers, *writers]:
        thread.start()
    # A reader that polls: what is newer than the newest line it knows, page by page.
    known: list[str] = []

    def catch_up():
        newer = []
        for row in walk(client, 5):
            if known and row["id"] == known[0]:
                break
            newer.append(row["id"])
        known[:0] = newer

    while any(thread.is_alive() for thread in writers):
        catch_up()
    stop.set()
    for thread in [*writers, *numberers]:
        thread.join()
    relay.run(relay.ACTIVITY)
    catch_up()
    assert faults == []
    assert len(known) == len(set(known)) == 90
    assert known == list(ActivityEvent.objects.order_by("-number").values_list("id", flat=True))
    assert sorted(ActivityEvent.objects.values_list("number", flat=True)) == list(range(1, 91))
