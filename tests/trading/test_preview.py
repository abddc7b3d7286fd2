"""What a configuration would have done to a history of twenty buys, counted by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts import roles
from predictu.platform.models import ConfigRevision
from risk.models import CircuitBreaker
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market

pytestmark = pytest.mark.django_db
PATH = "/api/internal/config/preview"
ROOM = {"max_bet_usd": 10_000, "new_tier_limit": 10_000}


@pytest.fixture
def preview():
    """Twenty buys of 100 YES, each on a market of its own at 0.50: 0.505 a share, 50.50 a buy, 0.50 of it spread.

    The k-th buy finds 100 × (k − 1) dollars of exposure in its category, its operator and the platform. Beside them
    lies what is not to be counted: a sell, a test user's buy and one of 31 days ago.
    """
    operator, mid = make_operator(**ROOM), Decimal("0.5")
    player = make_player(operator, balance="9000")
    old = make_market(yes_mid=mid)
    begun = now() - timedelta(days=31)
    Market.objects.filter(pk=old.pk).update(priced_at=begun)
    place(player, old, 100, at=begun)
    Market.objects.filter(pk=old.pk).update(priced_at=now())
    place(player, old, 100, side="sell")
    testing = make_operator(stage="testing", onboarded_at=None, **ROOM)
    place(make_player(testing, balance="900"), make_market(yes_mid=mid), 100)
    for _ in range(20):
        place(player, make_market(yes_mid=mid), 100)
    client = Client(headers=as_admin(make_admin()))

    def ask(body):
        answer = client.post(PATH, body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()["data"]

    return ask


def test_nothing_changed_changes_nothing(preview):
    data = preview({})
    assert (data["trades_examined"], data["trades_rejected"], data["breakers_tripped"]) == (20, 0, [])
    assert data["spread_revenue_usd"] == {"before": 10, "after": 10, "difference": 0}
    assert "knock-on" in data["note"]
    assert ConfigRevision.objects.count() == 1


def test_a_lower_limit_on_a_bet_rejects_them_all_at_wall_1(preview):
    data = preview({"risk": {"per_trade_max_usd": 50}})
    assert data["rejected_by_wall"] == {
        "per_trade": 20, "per_market": 0, "per_category": 0, "per_operator": 0, "global": 0
    }  # fmt: skip
    assert (data["rejected_cost_usd"], data["spread_revenue_usd"]["difference"]) == (1010, -10)


def test_a_lower_limit_on_a_market_rejects_them_all_at_wall_2(preview):
    assert preview({"risk": {"per_market_max_usd": 99}})["rejected_by_wall"]["per_market"] == 20
    assert preview({"risk": {"per_market_max_usd": 100}})["trades_rejected"] == 0


def test_a_lower_global_limit_rejects_the_last_ten_and_trips_the_breaker(preview):
    data = preview({"risk": {"global_exposure_limit_usd": 1000}})
    assert (data["rejected_by_wall"]["global"], data["trades_rejected"]) == (10, 10)
    whole = CircuitBreaker.objects.get(scope="global")
    assert data["breakers_tripped"] == [{"circuit_breaker_id": whole.id, "scope": "global", "scope_id": None}]
    assert data["spread_revenue_usd"] == {"before": 10, "after": 5, "difference": -5}


def test_a_lower_category_limit_binds_the_platform_first(preview):
    data = preview({"risk": {"category_limits": {"crypto": 1500}}})
    # The operator's own part is 50,000 × 1,500 ÷ 500,000 = 150: all but the first buy are over it.
    assert data["rejected_by_wall"]["per_category"] == 19
    assert [found["scope"] for found in data["breakers_tripped"]] == []


def test_a_lower_threshold_trips_without_rejecting(preview):
    # 2,000 of the operator's 50,000 are 4 %; of the category's 150,000 1.3 %; of the platform's 500,000 0.4 %.
    data = preview({"risk": {"circuit_breaker_threshold_pct": 4}})
    assert (data["trades_rejected"], [found["scope"] for found in data["breakers_tripped"]]) == (0, ["operator"])
    assert preview({"risk": {"circuit_breaker_threshold_pct": 4.01}})["breakers_tripped"] == []


def test_a_wider_spread_earns_more(preview):
    # 4 % around 0.50 asks 0.51: a dollar of spread on each.
    assert preview({"spread": {"base_spread_bps": 400}})["spread_revenue_usd"] == {
        "before": 10, "after": 20, "difference": 10
    }  # fmt: skip


def test_it_is_checked_as_a_change_is_and_kept_from_readers(preview):
    client = Client(headers=as_admin(make_admin()))
    for body in ({"risk": {"nope": 1}}, {"spread": {"min_spread_bps": 500}}, {"reason": "none here"}):
        assert client.post(PATH, body, content_type="application/json").status_code == 422
    reader = Client(headers=as_admin(make_admin(roles.READ_ONLY)))
    assert reader.post(PATH, {}, content_type="application/json").status_code == 403
