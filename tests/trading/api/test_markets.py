import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from PIL import Image

from accounts import roles
from predictu import ids
from predictu.platform import files
from predictu.platform.models import AuditEntry
from risk.models import ExposureBucket
from tests.factories import as_admin, make_admin, make_market, make_operator, make_pair, make_player, now, place, signed
from trading.models import Market
from trading.services import prices

pytestmark = pytest.mark.django_db

ROOM = {"new_tier_limit": 1000, "regular_tier_limit": 1000}


@pytest.fixture
def staff():
    return Client(headers=as_admin(make_admin()))


def casino(operator, path):
    return Client(headers=signed(make_pair(operator), "GET", path)).get(path)


def post(client, path, **body):
    return client.post(path, body, content_type="application/json")


def traded():
    """A market with 50 yes of one operator and 20 no of another."""
    held = make_market(
        title="Will BTC exceed $150k?", liquidity_usd=Decimal("217000"), end_date=now() + timedelta(days=9)
    )
    first, second = make_operator(**ROOM), make_operator(**ROOM)
    place(make_player(first, balance="100"), held, 50)
    place(make_player(second, balance="100"), held, 20, outcome="no")
    return held, first, second


def test_the_list_shows_our_volume_and_exposure(staff):
    held, *_ = traded()
    make_market(title="quiet")
    answer = staff.get("/api/internal/markets").json()
    assert answer["pagination"] == {"page": 1, "limit": 50, "total": 2, "total_pages": 1}
    row = answer["data"][0]
    assert (row["id"], row["polymarket_id"], row["yes_price"], row["no_price"]) == (
        held.id,
        held.condition_id,
        0.62,
        0.38,
    )
    # 50 × 0.6262 and 20 × 0.3838; 70 of 50,000 dollars widen the spread by nothing that two places show
    assert (row["volume_usd"], row["trade_count"], row["position_count"], row["exposure_usd"]) == (38.99, 2, 2, 70.0)
    assert (row["spread"], row["liquidity_score"], row["tradeable"], row["resolution"]) == (0.02, 0.89, True, None)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["loud", "b", "a"]),
        ("?order=asc", ["a", "b", "loud"]),
        ("?sort=exposure", ["loud", "b", "a"]),
        ("?sort=end_date&order=asc", ["b", "a", "loud"]),
        ("?sort=created_at", ["loud", "b", "a"]),
        ("?category=sports", ["b"]),
        ("?status=paused", ["a"]),
        ("?tradeable=true", ["loud", "b"]),
        ("?tradeable=false", ["a"]),
        ("?search=LOU", ["loud"]),
        ("?limit=1&page=2", ["b"]),
        ("?page=9", []),
    ],
)
def test_lists_are_filtered_sorted_and_paged(staff, query, titles):
    make_market(title="a", status="paused", tradeable=False, end_date=now() + timedelta(days=2))
    make_market(title="b", category="sports", end_date=now() + timedelta(days=1))
    loud = make_market(title="loud", override="tradeable", tradeable=False)
    place(make_player(make_operator(**ROOM), balance="50"), loud, 10)
    assert [row["title"] for row in staff.get(f"/api/internal/markets{query}").json()["data"]] == titles


@pytest.mark.parametrize(
    "query", ["?category=chess", "?status=open", "?tradeable=1", "?sort=id", "?limit=201", "?page=0"]
)
def test_a_parameter_that_cannot_be_is_named(staff, query):
    answer = staff.get(f"/api/internal/markets{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")
    assert list(answer.json()["error"]["details"]) == [query[1:].split("=")[0]]


def test_the_detail_tells_operators_apart(staff):
    held, first, second = traded()
    held.priced_at, held.yes_mid = now() - timedelta(hours=2), Decimal("0.61")
    prices.record([held], [True])
    data = staff.get(f"/api/internal/markets/{held.id}").json()["data"]
    assert data["exposure"] == {
        "total_usd": 70.0, "yes_usd": 50.0, "no_usd": 20.0, "worst_case_usd": 50.0, "imbalance_ratio": 2.5,
        "position_count": 2,
    }  # fmt: skip
    assert data["volume"] == {
        "total_usd": 38.99,
        "24h_usd": 38.99,
        "7d_usd": 38.99,
        "trade_count": 2,
        "unique_traders": 2,
    }
    assert data["by_operator"] == [
        {"operator_slug": first.slug, "volume_usd": 31.31, "trade_count": 1, "exposure_usd": 50.0, "user_count": 1},
        {"operator_slug": second.slug, "volume_usd": 7.68, "trade_count": 1, "exposure_usd": 20.0, "user_count": 1},
    ]
    assert [hour["yes_price"] for hour in data["price_history"]] == [0.61, 0.61, 0.61]
    assert sum(hour["volume_usd"] for hour in data["price_history"]) == 38.99
    assert data["pricing"]["yes_price"] == 0.62


def test_test_users_are_not_in_the_figures(staff):
    held = make_market()
    operator = make_operator(stage="testing", onboarded_at=None, **ROOM)
    place(make_player(operator, balance="100"), held, 50)
    data = staff.get(f"/api/internal/markets/{held.id}").json()["data"]
    assert (data["volume"]["total_usd"], data["volume"]["unique_traders"], data["by_operator"]) == (0, 0, [])
    assert data["exposure"]["imbalance_ratio"] is None


@pytest.mark.parametrize("wrong", ["mkt_01h455vb4pex5vsknk084sn02q", "trd_01h455vb4pex5vsknk084sn02q", "1"])
def test_an_unknown_market_is_not_there(staff, wrong):
    assert staff.get(f"/api/internal/markets/{wrong}").status_code == 404
    assert post(staff, f"/api/internal/markets/{wrong}/pause", reason="x").status_code == 404


def test_staff_pause_and_resume_with_a_reason(staff):
    held = make_market(accepting_orders=True)
    path = f"/api/internal/markets/{held.id}"
    assert post(staff, f"{path}/pause").status_code == 422
    paused = post(staff, f"{path}/pause", reason="palpable error").json()["data"]
    assert (paused["status"], paused["status_reason"]) == ("paused", "palpable error")
    assert post(staff, f"{path}/pause", reason="again").status_code == 409
    assert post(staff, f"{path}/resume", reason="corrected").json()["data"]["status"] == "active"
    assert list(AuditEntry.objects.order_by("created_at").values_list("action", "reason")) == [
        ("market.pause", "palpable error"), ("market.resume", "corrected"),
    ]  # fmt: skip
    assert ExposureBucket.objects.get(scope="market", scope_id=held.id).revision == 2


def test_staff_override_the_filter_either_way(staff):
    held = make_market()
    path = f"/api/internal/markets/{held.id}/override"
    assert post(staff, path, override="blocked", reason="news").json()["data"]["tradeable"] is False
    assert post(staff, path, override=None, reason="over").json()["data"]["tradeable"] is True
    assert post(staff, path, override="perhaps", reason="x").status_code == 422


def test_only_those_who_may_touch_a_market(staff):
    held = make_market()
    reader = Client(headers=as_admin(make_admin(roles.FINANCE)))
    for verb, body in (("pause", {}), ("resume", {}), ("override", {"override": "blocked"})):
        assert post(reader, f"/api/internal/markets/{held.id}/{verb}", reason="x", **body).status_code == 403
    assert Market.objects.get(pk=held.pk).status == "active" and not AuditEntry.objects.exists()


def test_a_market_that_is_over_cannot_be_paused(staff):
    held = make_market(status="resolved", resolution="yes", resolved_at=now())
    assert post(staff, f"/api/internal/markets/{held.id}/pause", reason="x").status_code == 409


def test_an_operator_sees_what_its_users_may_trade_and_nothing_of_ours():
    operator = make_operator(spread_override_bps=400, allowed_categories=["crypto"], min_bet_usd=2)
    shown = make_market(tags=["bitcoin"], outcome_labels=["Yes", "No"])
    for hidden in ({"category": "sports"}, {"tradeable": False}, {"override": "blocked"}, {"status": "paused"}):
        make_market(**hidden)
    answer = casino(operator, "/api/casino/markets").json()
    assert [row["id"] for row in answer["data"]] == [shown.id]
    row = answer["data"][0]
    assert set(row) == set(
        "id title description category tags status image_url outcome_labels end_date resolution prices min_bet_usd "
        "updated_at".split()
    )
    assert row["prices"] == {"yes": {"buy": 0.6324, "sell": 0.6076}, "no": {"buy": 0.3876, "sell": 0.3724}}
    assert row["min_bet_usd"] == 2


def test_an_operator_finds_any_market_of_its_categories_by_id():
    operator = make_operator(allowed_categories=["crypto"])
    over = make_market(status="resolved", resolution="no", resolved_at=now(), tradeable=False)
    found = casino(operator, f"/api/casino/markets/{over.id}").json()["data"]
    assert (found["status"], found["resolution"]) == ("resolved", "no")
    other = make_market(category="sports")
    assert casino(operator, f"/api/casino/markets/{other.id}").status_code == 404


def test_offered_prices_are_those_a_trade_is_made_at():
    operator = make_operator(**ROOM)
    held, player = make_market(), make_player(operator, balance="900")
    place(player, held, 200)
    prices_shown = casino(operator, f"/api/casino/markets/{held.id}").json()["data"]["prices"]
    assert prices_shown["yes"]["buy"] == place(player, held, 5)["price"]
    assert prices_shown["yes"]["sell"] == place(player, held, 5, side="sell")["price"]
    assert prices_shown["no"]["buy"] == place(player, held, 5, outcome="no")["price"]


def test_an_uploaded_image_stands_before_the_sources(staff, tmp_path, settings):
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"default": storage}
    settings.PREDICTU_CDN_URL = "https://cdn.example"
    market = make_market(image_url="https://source.example/a.png")
    path = f"/api/internal/markets/{market.id}"
    picture = io.BytesIO()
    Image.new("RGB", (2, 2)).save(picture, "PNG")

    def upload(category, **more):
        stored = {"content": picture.getvalue(), "category": category, "actor": make_admin(), "now": now(), **more}
        return files.store(**stored)

    image, logo = upload("market_image"), upload("operator_logo", operator_slug="x")
    answer = post(staff, f"{path}/image", file_id=image.id).json()["data"]
    assert answer["image_url"] == f"https://cdn.example/{image.path}"
    assert staff.get("/api/internal/markets").json()["data"][0]["image_url"] == answer["image_url"]
    operator = make_operator()
    assert casino(operator, "/api/casino/markets").json()["data"][0]["image_url"] == answer["image_url"]
    for wrong in (logo.id, ids.new("file"), "x"):
        refused = post(staff, f"{path}/image", file_id=wrong)
        assert (refused.status_code, list(refused.json()["error"]["details"])) == (422, ["file_id"])
    assert post(staff, f"{path}/image", file_id=None).json()["data"]["image_url"] == "https://source.example/a.png"
    assert AuditEntry.objects.filter(action="market.image").count() == 2
