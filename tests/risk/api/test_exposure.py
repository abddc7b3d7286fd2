"""Exposure over HTTP: the document's numbers, out of positions built to make them."""

from decimal import Decimal

import pytest
from django.db import transaction
from django.test import Client

from risk.models import RiskEvent
from risk.services import buckets, exposure
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return Client(headers=as_admin(make_admin()))


def hold(operator, market, yes=0, no=0, positions=1):
    """Counters as trades would have left them."""
    from risk.services import breakers

    breakers.seed_for_operator(operator.id, now=now())
    keys = exposure.keys_of(market_id=market.id, category=market.category, operator_id=operator.id)
    buckets.ensure(keys)
    change = exposure.Change(yes_usd=Decimal(yes), no_usd=Decimal(no), positions=positions)
    with transaction.atomic():
        exposure.move(market_id=market.id, category=market.category, by_operator={operator.id: change}, now=now())


def test_the_documents_global_exposure(client):
    example = make_operator(slug="example-casino", risk_tier="premium")
    others = [make_operator(risk_tier="elite", category_limits={"sports": 250_000}) for _ in range(4)]
    rich = {"category_limits": {"sports": 99_999}, "exposure_limit_usd": Decimal(250_000)}
    third = make_operator(**rich)
    bitcoin = make_market(title="Will BTC exceed $150k by April 2026?")
    sports = [make_market(category="sports") for _ in range(5)]
    politics, shows = [make_market(category="politics") for _ in range(3)], make_market(category="entertainment")
    crypto = [make_market() for _ in range(3)]
    hold(example, bitcoin, yes=5200, no=3200, positions=142)
    hold(others[0], bitcoin, yes=13_000, no=7000, positions=3058)
    hold(example, sports[0], yes=22_000)
    hold(example, politics[0], yes=11_600)
    for operator, market, amount in [
        (others[0], sports[1], 28_000), (others[1], sports[2], 28_000), (others[2], sports[3], 27_000),
        (third, sports[4], 15_000), (others[1], crypto[0], 28_000), (others[2], crypto[1], 27_600),
        (others[1], politics[1], 20_400), (others[3], politics[2], 20_000), (others[3], shows, 20_000),
        (others[0], shows, 8000),
    ]:  # fmt: skip
        hold(operator, market, yes=amount)
    data = client.get("/api/internal/exposure").json()["data"]
    assert (data["total_exposure_usd"], data["global_limit_usd"], data["utilization_pct"]) == (284_000, 500_000, 56.8)
    assert data["by_category"][:4] == [
        {"category": "sports", "exposure_usd": 120_000, "limit_usd": 200_000, "utilization_pct": 60.0},
        {"category": "crypto", "exposure_usd": 84_000, "limit_usd": 150_000, "utilization_pct": 56.0},
        {"category": "politics", "exposure_usd": 52_000, "limit_usd": 100_000, "utilization_pct": 52.0},
        {"category": "entertainment", "exposure_usd": 28_000, "limit_usd": 50_000, "utilization_pct": 56.0},
    ]
    assert {"operator_slug": "example-casino", "exposure_usd": 42_000, "limit_usd": 100_000,
            "utilization_pct": 42.0} in data["by_operator"]  # fmt: skip
    assert data["top_markets"][0] == {
        "market_id": bitcoin.id, "title": bitcoin.title, "exposure_usd": 28_400, "limit_usd": 50_000,
        "utilization_pct": 56.8, "position_count": 3200,
    }  # fmt: skip
    assert len(data["top_markets"]) == 10
    alert = next(each for each in data["alerts"] if each["category"] == "sports" and each["operator_slug"] is None)
    assert alert["level"] == "warning"
    assert alert["message"] == "Category 'sports' exposure hit 60% utilization (120k/200k USD)"
    event = RiskEvent.objects.get(bucket__scope="category", bucket__scope_id="sports")
    assert (event.wall, event.value, event.threshold, event.utilization_pct) == (3, 120_000, 200_000, 60)
    assert event.scope == {"category": "sports"}


def test_the_documents_operator_exposure(client):
    limits = {"sports": 50_000, "politics": 30_000, "crypto": 20_000}
    operator = make_operator(slug="example-casino", exposure_limit_usd=Decimal(100_000), category_limits=limits)
    for category, amount in [("sports", 22_000), ("politics", 12_000), ("crypto", 8000)]:
        hold(operator, make_market(category=category), yes=amount)
    data = client.get("/api/internal/operators/example-casino/exposure").json()["data"]
    assert (data["total_exposure_usd"], data["exposure_limit_usd"], data["utilization_pct"]) == (42_000, 100_000, 42.0)
    shown = {row["category"]: row for row in data["by_category"]}
    assert shown["sports"] == {
        "category": "sports", "exposure_usd": 22_000, "limit_usd": 50_000, "utilization_pct": 44.0
    }  # fmt: skip
    assert shown["politics"]["utilization_pct"] == shown["crypto"]["utilization_pct"] == 40.0
    assert shown["science"]["exposure_usd"] == 0


def test_an_operators_markets_and_users_come_from_its_open_positions(client):
    operator, other = make_operator(new_tier_limit=1000), make_operator(new_tier_limit=1000)
    busy, quiet = make_market(), make_market()
    whale, fish = make_player(operator, balance="900"), make_player(operator, balance="900", tier="sharp")
    place(whale, busy, 60)
    place(fish, busy, 40, outcome="no")
    place(fish, quiet, 30)
    place(fish, quiet, 30, side="sell")
    place(make_player(other, balance="900"), busy, 500)
    data = client.get(f"/api/internal/operators/{operator.slug}/exposure").json()["data"]
    # 60 × 0.6262 = 37.58; a sharp user pays 0.38 × 1.015 = 0.3857, × 40 = 15.43
    assert data["by_market"] == [
        {"market_id": busy.id, "title": busy.title, "exposure_usd": 100, "yes_exposure_usd": 60,
         "no_exposure_usd": 40, "position_count": 2, "volume_usd": 53.01}
    ]  # fmt: skip
    assert data["top_users"] == [
        {"user_id": whale.id, "username": whale.username, "exposure_usd": 60, "tier": "normal"},
        {"user_id": fish.id, "username": fish.username, "exposure_usd": 40, "tier": "sharp"},
    ]
    everyone = client.get("/api/internal/exposure").json()["data"]["top_users"]
    assert [(row["exposure_usd"], row["operator_slug"]) for row in everyone] == [
        (500, other.slug), (60, operator.slug), (40, operator.slug)
    ]  # fmt: skip


def test_nothing_held_is_zeros_and_unknown_operators_are_404(client):
    operator = make_operator()
    data = client.get(f"/api/internal/operators/{operator.slug}/exposure").json()["data"]
    assert (data["total_exposure_usd"], data["by_market"], data["top_users"], data["alerts"]) == (0, [], [], [])
    assert len(data["by_category"]) == 6
    assert client.get("/api/internal/operators/nobody/exposure").status_code == 404
    assert client.get("/api/internal/exposure").json()["data"]["total_exposure_usd"] == 0
