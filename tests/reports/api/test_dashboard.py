"""The dashboard over HTTP: exact figures right after a trade, scopes, deltas and the chart."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Player
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market
from trading.services import rollups, settlements

pytestmark = pytest.mark.django_db


def dashboard(query=""):
    response = Client(headers=as_admin(make_admin())).get(f"/api/internal/dashboard{query}")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def trade_at(player, market, quantity, at):
    Market.objects.filter(pk=market.pk).update(priced_at=at)
    return place(player, market, quantity, at=at)


def test_every_figure_after_a_trade_is_exact():
    operator = make_operator(new_tier_limit=1000, custom_fees_bps=150)
    make_operator(stage="testing", onboarded_at=None)
    player, market = make_player(operator, balance="900"), make_market()
    place(player, market, 50)
    rollups.compact()
    place(player, market, 50)
    found = dashboard()
    assert found["operators"] == {"total": 2, "active": 1, "pending_onboarding": 1}
    assert found["users"] == {"total": 1, "active_24h": 1, "active_7d": 1, "new_7d": 1, "delta_pct": None}
    assert found["trades"] == {
        "total": 2, "volume_usd": 62.63, "count_24h": 2, "volume_24h_usd": 62.63, "delta_pct": None,
    }  # fmt: skip
    assert found["revenue"] == {
        "total_usd": 1.57, "period_usd": 1.57, "delta_pct": None, "breakdown": {"spread": 0.63, "fees": 0.94},
    }  # fmt: skip
    assert found["exposure"] == {"current_usd": 100, "max_usd": 500_000, "utilization_pct": 0}
    assert found["settlements"] == {"pending_count": 0, "pending_usd": 0, "last_settled_at": None}
    assert len(found["chart_data"]) == 8
    today = found["chart_data"][-1]
    assert today == {"date": f"{now():%Y-%m-%d}", "revenue_usd": 1.57, "trades": 2, "users": 1}
    assert all(row["trades"] == 0 for row in found["chart_data"][:-1])


def test_deltas_compare_with_the_period_before():
    operator = make_operator(new_tier_limit=1000)
    player, market = make_player(operator, balance="900"), make_market()
    trade_at(player, market, 10, now() - timedelta(days=10))
    trade_at(player, market, 30, now() - timedelta(days=2))
    Player.objects.filter(pk=player.pk).update(created_at=now() - timedelta(days=9))
    make_player(operator)
    make_player(operator)
    found = dashboard("?period=7d")
    assert found["trades"]["delta_pct"] == 199.7  # 6.27, then 18.79: the market had grown heavier by a hair
    assert found["users"]["delta_pct"] == 100.0
    assert dashboard("?period=all")["trades"]["delta_pct"] is None
    assert dashboard("?period=90d")["trades"]["delta_pct"] is None


def test_an_operators_dashboard_is_its_own():
    mine, other, market = make_operator(), make_operator(exposure_limit_usd=1000), make_market()
    place(make_player(mine, balance="50"), market, 10)
    place(make_player(other, balance="50"), market, 15)
    found = dashboard(f"?operator={other.slug}")
    assert (found["trades"]["total"], found["users"]["total"], found["operators"]["total"]) == (1, 1, 1)
    assert found["exposure"] == {"current_usd": 15, "max_usd": 1000, "utilization_pct": 1.5}


def test_positions_of_a_resolved_market_wait_for_their_payout():
    operator, market = make_operator(), make_market()
    place(make_player(operator, balance="50"), market, 10)
    place(make_player(operator, balance="50"), market, 12, outcome="no")
    settlements.resolve(market_id=market.id, outcome="no", reason="over", actor=make_admin(), now=now())
    found = dashboard()["settlements"]
    assert (found["pending_count"], found["pending_usd"]) == (2, 12)


def test_the_query_count_does_not_grow_with_history(django_assert_max_num_queries):
    operator, market = make_operator(new_tier_limit=1000), make_market()
    player = make_player(operator, balance="900")
    for days in range(20):
        trade_at(player, market, 5, now() - timedelta(days=days))
    client = Client(headers=as_admin(make_admin()))
    client.get("/api/internal/dashboard")
    with django_assert_max_num_queries(26):
        assert client.get("/api/internal/dashboard?period=30d").status_code == 200


@pytest.mark.parametrize("query", ["?period=2d", "?operator=no-such"])
def test_unknown_parameters_are_refused(query):
    response = Client(headers=as_admin(make_admin())).get(f"/api/internal/dashboard{query}")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "BAD_REQUEST")


def test_share_of_high_exposure_counts_markets():
    operator = make_operator(new_tier_limit=10_000, max_bet_usd=10_000, risk_tier="elite")
    market = make_market(category="sports")
    player = make_player(operator, balance="60000")
    for _ in range(26):
        place(player, market, amount_usd=Decimal(999))
    assert dashboard()["risk"]["high_exposure_markets"] == 1
