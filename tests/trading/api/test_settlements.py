import pytest
from django.test import Client

from accounts import roles
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now, place
from trading.models import Settlement
from trading.services import settling

pytestmark = pytest.mark.django_db

ROOM = {"new_tier_limit": 1000, "regular_tier_limit": 1000}


@pytest.fixture
def staff():
    return Client(headers=as_admin(make_admin()))


def post(client, path, **body):
    return client.post(path, body, content_type="application/json")


def test_a_market_is_previewed_resolved_settled_and_corrected(staff):
    market, operator, other = make_market(), make_operator(**ROOM), make_operator(**ROOM)
    place(make_player(operator, balance="100"), market, 50)
    place(make_player(other, balance="100"), market, 20, outcome="no")
    path = f"/api/internal/markets/{market.id}"
    preview = staff.get(f"{path}/settlement-preview?outcome=yes").json()["data"]
    assert (preview["positions"], preview["winners"], preview["total_payout_usd"]) == (2, 1, 50.0)
    answer = post(staff, f"{path}/resolve", outcome="yes", reason="final")
    assert (answer.status_code, answer.json()["data"]["status"]) == (202, "pending")
    [waiting] = staff.get("/api/internal/settlements/pending").json()["data"]
    assert (waiting["positions_total"], waiting["positions_settled"], waiting["positions_remaining"]) == (2, 0, 2)
    settling.settle(Settlement.objects.get().id, now=now())
    assert staff.get("/api/internal/settlements/pending").json() == {"data": [], "total": 0}
    assert post(staff, f"{path}/resolve", outcome="yes", reason="final").status_code == 200
    assert post(staff, f"{path}/resolve", outcome="no", reason="final").status_code == 409
    [row] = staff.get("/api/internal/settlements").json()["data"]
    assert (row["positions_settled"], row["winners"], row["losers"]) == (2, 1, 1)
    assert (row["total_payout_usd"], row["total_loss_usd"], row["net_pnl_usd"]) == (50.0, 7.68, -42.32)
    assert (row["s2s_callbacks_sent"], row["s2s_callbacks_confirmed"], row["s2s_callbacks_failed"]) == (2, 0, 0)
    [own] = staff.get(f"/api/internal/settlements?operator={other.slug}").json()["data"]
    assert (own["positions_settled"], own["losers"], own["total_payout_usd"], own["s2s_callbacks_sent"]) == (1, 1, 0, 1)
    corrected = post(staff, f"{path}/correct", outcome="no", reason="wrong feed").json()["data"]
    assert (corrected["resolution"], corrected["settlement_version"], corrected["total_payout_usd"]) == ("no", 2, 20.0)


@pytest.mark.parametrize("query", ["?status=done", "?market_id=x", "?operator=nobody", "?limit=0"])
def test_a_parameter_that_cannot_be_is_named(staff, query):
    assert staff.get(f"/api/internal/settlements{query}").status_code == 400


def test_filters_of_the_list(staff):
    market = make_market()
    post(staff, f"/api/internal/markets/{market.id}/resolve", outcome="no", reason="x")
    for query, count in (
        ("?status=pending", 1), ("?status=completed", 0), (f"?market_id={market.id}", 1),
        (f"?market_id={make_market().id}", 0), (f"?operator={make_operator().slug}", 0),
    ):  # fmt: skip
        assert len(staff.get(f"/api/internal/settlements{query}").json()["data"]) == count


def test_only_those_who_may_settle(staff):
    market = make_market()
    reader = Client(headers=as_admin(make_admin(roles.FINANCE)))
    for verb in ("resolve", "correct"):
        assert post(reader, f"/api/internal/markets/{market.id}/{verb}", outcome="yes", reason="x").status_code == 403
    assert not Settlement.objects.exists()
    assert staff.get(f"/api/internal/markets/{market.id}/settlement-preview").status_code == 400
    assert post(staff, f"/api/internal/markets/{market.id}/resolve", outcome="maybe", reason="x").status_code == 422
    assert post(staff, "/api/internal/markets/1/resolve", outcome="yes", reason="x").status_code == 404


def test_a_trade_is_cancelled_with_a_reason(staff):
    trade = place(make_player(make_operator(**ROOM), balance="100"), make_market(), 10)
    path = f"/api/internal/trades/{trade['id']}/cancel"
    assert post(staff, path).status_code == 422
    row = post(staff, path, reason="palpable error").json()["data"]
    assert (row["id"], row["status"]) == (trade["id"], "cancelled")
    assert post(staff, path, reason="again").status_code == 409
    assert post(staff, "/api/internal/trades/x/cancel", reason="x").status_code == 404
