"""The feed over HTTP: names put in when read, filters, and a cursor that neither skips nor repeats."""

import threading
import time
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test import Client

from operators.models import Operator
from predictu.platform import activity, relay
from predictu.platform.models import ActivityEvent
from risk.models import CircuitBreaker
from risk.services import desk, limits, operator_changes
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now, place
from trading.services import settlements, settling

PATH = "/api/internal/activity"
TYPES = ("trade", "settlement", "user_signup", "risk_event", "operator_event", "config_change")


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


@pytest.mark.django_db
def test_every_documented_type_is_told_of_in_words_with_its_severity(client):
    """What really happens on a day: a signup, a large trade, a limit approached, a breaker, a settlement, staff."""
    admin = make_admin()
    operator = make_operator(
        name="Casino Blue",
        exposure_limit_usd=300,
        category_limits={"crypto": 9999},
        max_bet_usd=900,
        **{f"{tier}_tier_limit": 900 for tier in ("new", "regular", "vip")},
    )
    player, market = make_player(operator, balance="900"), make_market(title="Will it rain?")
    place(player, market, 200)  # 66 % of the operator's limit, $125.24
    breaker = CircuitBreaker.objects.get(scope="global")
    desk.trip_breaker(breaker_id=breaker.id, actor=admin, reason="Feed is wrong", now=now())
    desk.reset_breaker(breaker_id=breaker.id, actor=admin, reason="Fixed", now=now())
    limits.change(changes={"fees.trading_fee_bps": Decimal(75)}, actor=admin, reason="Dearer", now=now())
    operator_changes.update(
        operator_id=operator.id, changes={}, status="suspend", reason="Unpaid", actor=admin, now=now()
    )  # fmt: skip
    row = settlements.resolve(market_id=market.id, outcome="yes", reason="Late", actor=admin, now=now()).settlement
    settling.settle(row.id, now=now())
    relay.run(relay.ACTIVITY)
    lines = walk(client)
    told = {(line["type"], line["title"], line["severity"]) for line in lines}
    assert told >= {
        ("user_signup", "New user", "info"),
        ("trade", "Large trade executed", "info"),
        ("risk_event", "Exposure limit approached", "warning"),
        ("risk_event", "Circuit breaker tripped", "critical"),
        ("risk_event", "Circuit breaker reset", "info"),
        ("config_change", "Configuration changed", "info"),
    }
    for kind in TYPES:
        found = walk(client, query=f"&type={kind}")
        assert found and {line["type"] for line in found} == {kind}, kind
    assert {line["type"] for line in lines} == {*TYPES}
    assert not [line for line in lines if "{" in line["title"] + line["description"] or not line["title"]]
    (trade,) = walk(client, query="&type=trade")
    assert trade["description"] == f"{player.username} bought 200 YES @ $0.6262 on 'Will it rain?' ($125.24)"
    assert set(trade["metadata"]) == {"trade_id", "amount_usd", "side", "outcome"}
    approached = next(line for line in lines if line["title"] == "Exposure limit approached")
    assert approached["description"] == "Operator Casino Blue exposure hit 66.7% utilization (200/300 USD)"
    assert approached["metadata"] == {"utilization_pct": 66.7}


@pytest.mark.django_db
@pytest.mark.parametrize(("amount", "lines"), [("49.99", 0), ("50", 1), ("50.01", 1)])
def test_a_trade_is_told_of_from_the_configured_size_on(settings, amount, lines):
    settings.PREDICTU_LARGE_TRADE_USD = 50
    player = make_player(make_operator(), balance="100", limit_tier="regular")
    row = place(player, make_market(yes_mid=Decimal("0.5")), amount_usd=Decimal(amount))
    assert row["cost_usd"] == float(amount)
    assert ActivityEvent.objects.filter(type="trade").count() == lines


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
