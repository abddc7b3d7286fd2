"""The two revenue endpoints: the documented shape, and sums that are exact at every granularity."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db.models import F
from django.test import Client

from tests.billing.facts import at, earn, february
from tests.factories import as_admin, make_admin, make_operator, make_player
from trading.models import HourlyRevenue, MonthlyRevenue
from trading.services import rollups

pytestmark = pytest.mark.django_db
PERIOD = "from=2026-02-01&to=2026-02-28"


@pytest.fixture
def client():
    return Client(headers=as_admin(make_admin("Read-only")))


def test_the_documents_month(client):
    operator = make_operator(slug="example-casino")
    february(operator)
    data = client.get(f"/api/internal/operators/example-casino/revenue?{PERIOD}").json()["data"]
    assert data["operator_slug"] == "example-casino"
    assert data["period"] == {"from": "2026-02-01T00:00:00Z", "to": "2026-02-28T23:59:59Z"}
    assert data["totals"] == {
        "revenue_usd": 18200.0,
        "spread_revenue_usd": 14200.0,
        "fee_revenue_usd": 4000.0,
        "settlement_fee_revenue_usd": 0.0,
        "predictu_share_usd": 5460.0,
        "operator_share_usd": 12740.0,
    }
    assert len(data["series"]) == 28
    assert data["series"][13] == {
        "date": "2026-02-14",
        "revenue_usd": 0.01,
        "spread_usd": 0.01,
        "fees_usd": 0.0,
        "trade_count": 1,
        "volume_usd": 500.0,
    }
    assert data["series"][1]["revenue_usd"] == 0


def test_the_platforms_month(client):
    first, second = make_operator(slug="example-casino"), make_operator(slug="other")
    february(first)
    earn(make_player(second), at(2026, 2, 3), spread="10.00", fee="5.05", settlement="1.00", share="20", volume="100")
    data = client.get(f"/api/internal/revenue?{PERIOD}").json()["data"]
    assert data["totals"] == {
        "gross_revenue_usd": 18216.05,
        "spread_revenue_usd": 14210.0,
        "fee_revenue_usd": 4006.05,
        "settlement_fee_revenue_usd": 1.0,
        "predictu_share_usd": 5463.21,
        "operator_share_usd": 12752.84,
        "trade_volume_usd": 182100.0,
        "trade_count": 8421,
        "unique_traders": 4,
        "revenue_per_trade_usd": 2.16,
    }
    assert data["by_operator"] == [
        {"operator_slug": "example-casino", "gross_usd": 18200.0, "predictu_share_usd": 5460.0, "trade_count": 8420},
        {"operator_slug": "other", "gross_usd": 16.05, "predictu_share_usd": 3.21, "trade_count": 1},
    ]
    assert set(data["series"][0]) == {
        "date",
        "gross_usd",
        "spread_usd",
        "fees_usd",
        "predictu_usd",
        "trades",
        "volume_usd",
    }
    only = client.get(f"/api/internal/revenue?{PERIOD}&operator=other").json()["data"]
    assert (only["totals"]["gross_revenue_usd"], len(only["by_operator"])) == (16.05, 1)


def test_series_add_up_at_every_granularity(client):
    player = make_player(make_operator())
    for number in range(200):
        earn(player, at(2026, 1, 20) + timedelta(hours=7 * number), spread="0.33", fee="0.05", market=None)
    for unit, rows in (("hour", 60 * 24), ("day", 60), ("week", 9), ("month", 3)):
        path = f"/api/internal/revenue?from=2026-01-20&to=2026-03-20&granularity={unit}"
        data = client.get(path).json()["data"]
        assert len(data["series"]) == rows, unit
        for total, part in (("gross_revenue_usd", "gross_usd"), ("predictu_share_usd", "predictu_usd")):
            assert round(sum(row[part] for row in data["series"]), 2) == data["totals"][total], unit
    assert client.get(path.replace("month", "hour")).json()["data"]["series"][0]["date"] == "2026-01-20T00:00:00Z"
    assert data["series"][0]["date"] == "2026-01-01"


def test_the_command_makes_the_rollups_anew_and_no_answer_changes_by_a_cent(client):
    """Some facts are rolled up, some wait; a rollup that somebody spoiled is mended."""
    players = [make_player(make_operator(predictu_share_pct=Decimal(30))) for _ in range(2)]
    for number in range(60):
        when = at(2026, 1, 20) + timedelta(hours=23 * number, minutes=number)
        earn(players[number % 2], when, spread="0.37", fee="0.05", share="12.5" if number > 30 else "33.33")
    rollups.compact()
    earn(players[0], at(2026, 3, 1), spread="-0.11", kind="void", trades=0)

    def answers():
        path = "/api/internal/revenue?from=2026-01-20&to=2026-03-20&granularity="
        return [client.get(path + unit).json()["data"] for unit in ("hour", "day", "week", "month")]

    before = answers()
    call_command("rebuild_rollups", stdout=StringIO())
    assert answers() == before
    for model in (HourlyRevenue, MonthlyRevenue):
        model.objects.update(spread_usd=F("spread_usd") + 1)
    assert answers() != before
    call_command("rebuild_rollups", stdout=StringIO())
    assert answers() == before
    assert before[0]["totals"]["gross_revenue_usd"] == 25.09  # 60 × 0.42 - 0.11


@time_machine.travel("2026-03-19T12:00:00Z", tick=False)
def test_the_default_period_is_thirty_days_and_today():
    client = Client(headers=as_admin(make_admin()))
    data = client.get("/api/internal/revenue").json()["data"]
    assert data["period"] == {"from": "2026-02-17T00:00:00Z", "to": "2026-03-19T23:59:59Z"}
    assert len(data["series"]) == 31
    assert data["totals"]["revenue_per_trade_usd"] == 0 and data["by_operator"] == []


@pytest.mark.parametrize(
    "query, parameter",
    [
        ("granularity=year", "granularity"),
        ("from=yesterday", "from"),
        ("from=2026-03-05&to=2026-03-01", "from"),
        ("from=1900-01-01&granularity=hour", "granularity"),
        ("operator=nobody", "operator"),
    ],
)
def test_bad_parameters(client, query, parameter):
    answer = client.get(f"/api/internal/revenue?{query}")
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [parameter])


def test_an_unknown_operator_is_not_found(client):
    assert client.get("/api/internal/operators/nobody/revenue").status_code == 404
