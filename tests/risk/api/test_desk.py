"""The risk pages over HTTP: overview, breakers, the kill switch, events."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts import roles
from accounts.models import Player, system_admin
from predictu import errors, ids
from predictu.platform.models import ActivityEvent, AuditEntry
from risk.models import CircuitBreaker, ExposureBucket, RiskEvent
from risk.services import desk, limits
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market

pytestmark = pytest.mark.django_db
BREAKERS = "/api/internal/risk/circuit-breakers"
ROOM = {"max_bet_usd": 10_000, "new_tier_limit": 10_000}


@pytest.fixture
def admin():
    return make_admin(roles.RISK)


@pytest.fixture
def client(admin):
    return Client(headers=as_admin(admin))


def post(client, path, body):
    return client.post(path, body, content_type="application/json")


@pytest.fixture
def held():
    """An operator with a limit of 100 whose one user holds 50 YES; ``trade`` places another."""
    operator = make_operator(exposure_limit_usd=100, category_limits={"crypto": 9999}, **ROOM)
    player, market = make_player(operator, balance="900"), make_market()
    place(player, market, 50)

    def trade(quantity=2, **order):
        return place(player, market, quantity, **order)

    trade.operator, trade.player, trade.market = operator, player, market
    return trade


def test_the_seeded_breakers_follow_the_configured_threshold(client, admin):
    answer = client.get(BREAKERS).json()
    assert answer["total"] == 7
    whole = next(row for row in answer["data"] if row["scope"] == "global")
    assert (whole["scope_id"], whole["scope_label"], whole["auto_reset"]) == (None, "Global", False)
    assert (whole["trigger_threshold"], whole["current_value"], whole["status"]) == (90, 0, "armed")
    assert whole["created_by"] == system_admin().id
    limits.change(changes={"risk.circuit_breaker_threshold_pct": Decimal(80)}, actor=admin, reason="tighter", now=now())
    assert {row["trigger_threshold"] for row in client.get(BREAKERS).json()["data"]} == {80}


@pytest.mark.parametrize("scope", ["market", "category", "operator", "global"])
def test_every_scope_stops_the_very_next_trade_and_starts_again(client, held, scope):
    scope_id = {"market": held.market.id, "category": "crypto", "operator": held.operator.slug, "global": None}[scope]
    body = {"scope": scope, "scope_id": scope_id, "trigger_threshold": 99, "cooldown_minutes": 5, "reason": "watch"}
    made = post(client, BREAKERS, body)
    assert made.status_code == 201, made.content
    breaker = made.json()["data"]
    assert breaker["status"] == "armed"
    assert breaker["scope_label"] == {
        "market": held.market.title, "category": "Crypto", "operator": held.operator.name, "global": "Global"
    }[scope]  # fmt: skip
    held()
    tripped = post(client, f"{BREAKERS}/{breaker['id']}/trip", {"reason": "news"})
    assert (tripped.status_code, tripped.json()["data"]["status"]) == (200, "tripped")
    before = ExposureBucket.objects.get(scope="global").trade_rows
    for side in ("buy", "sell"):
        with pytest.raises(errors.RiskRejected) as refused:
            held(side=side)
        assert refused.value.details == {"circuit_breaker": breaker["id"]}
    assert ExposureBucket.objects.get(scope="global").trade_rows == before
    assert post(client, f"{BREAKERS}/{breaker['id']}/trip", {"reason": "again"}).status_code == 409
    reset = post(client, f"{BREAKERS}/{breaker['id']}/reset", {"reason": "calm"})
    assert (reset.status_code, reset.json()["data"]["status"]) == (200, "armed")
    assert post(client, f"{BREAKERS}/{breaker['id']}/reset", {"reason": "calm"}).status_code == 409
    held()
    kinds = list(RiskEvent.objects.filter(type="circuit_breaker").order_by("id").values_list("severity", flat=True))
    assert kinds == ["critical", "info"]
    actions = AuditEntry.objects.filter(object_id=breaker["id"]).order_by("created_at", "id")
    assert [(row.action, row.reason) for row in actions] == [
        ("breaker.create", "watch"), ("breaker.trip", "news"), ("breaker.reset", "calm")
    ]  # fmt: skip


def test_a_breaker_on_buys_lets_sells_through(client, held):
    body = {"scope": "market", "scope_id": held.market.id, "trigger_threshold": 99, "buys_only": True, "reason": "x"}
    breaker = post(client, BREAKERS, body).json()["data"]
    post(client, f"{BREAKERS}/{breaker['id']}/trip", {"reason": "news"})
    with pytest.raises(errors.RiskRejected):
        held()
    assert held(side="sell")["status"] == "filled"


def test_a_breaker_below_the_exposure_trips_at_once_and_one_switched_off_does_not_block(client, held):
    body = {"scope": "operator", "scope_id": held.operator.id, "trigger_threshold": 50, "reason": "x"}
    breaker = post(client, BREAKERS, body).json()["data"]
    assert (breaker["status"], breaker["current_value"]) == ("tripped", 50)
    changed = client.patch(
        f"{BREAKERS}/{breaker['id']}", {"is_enabled": False, "reason": "wrong"}, content_type="application/json"
    )
    assert changed.status_code == 200
    assert held()["status"] == "filled"


def test_a_threshold_set_by_hand_no_longer_follows(client, admin, held):
    breaker = CircuitBreaker.objects.get(scope="operator", scope_id=held.operator.id)
    path = f"{BREAKERS}/{breaker.id}"
    answer = client.patch(path, {"trigger_threshold": 75, "reason": "mine"}, content_type="application/json")
    assert (answer.json()["data"]["trigger_threshold"], answer.json()["data"]["follows_config"]) == (75, False)
    limits.change(changes={"risk.circuit_breaker_threshold_pct": Decimal(40)}, actor=admin, reason="x", now=now())
    breaker.refresh_from_db()
    assert breaker.status == "armed"
    client.patch(path, {"follows_config": True, "reason": "back"}, content_type="application/json")
    breaker.refresh_from_db()
    assert breaker.status == "tripped"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "galaxy"}, "scope"),
        ({"scope": "category", "scope_id": "cooking"}, "scope_id"),
        ({"scope": "category"}, "scope_id"),
        ({"scope": "operator", "scope_id": "nobody"}, "scope_id"),
        ({"scope": "market", "scope_id": ids.new("mkt")}, "scope_id"),
        ({"scope": "global", "scope_id": "x"}, "scope_id"),
        ({"scope": "global", "trigger_threshold": 101}, "trigger_threshold"),
        ({"scope": "global", "trigger_threshold": 0}, "trigger_threshold"),
        ({"scope": "global", "cooldown_minutes": -1}, "cooldown_minutes"),
        ({"scope": "global", "trigger_type": "mood"}, "trigger_type"),
        ({"scope": "global", "reason": ""}, "reason"),
        ({"scope": "global", "colour": "red"}, "colour"),
    ],
)
def test_a_breaker_that_cannot_be_is_refused(client, body, field):
    answer = post(client, BREAKERS, {"trigger_threshold": 90, "reason": "x", **body})
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, [field])
    assert CircuitBreaker.objects.count() == 7


def test_unknown_breakers_are_404(client):
    for name in (ids.new("cb"), "cb_x", "nothing"):
        assert client.get(f"{BREAKERS}/{name}").status_code == 404
        assert post(client, f"{BREAKERS}/{name}/trip", {"reason": "x"}).status_code == 404


def test_the_kill_switch_stops_everything_until_staff_reset_it(client, held):
    first = post(client, "/api/internal/risk/halt", {"reason": "feed is wrong"})
    again = post(client, "/api/internal/risk/halt", {"reason": "still"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["data"]["id"] == again.json()["data"]["id"]
    assert client.get("/api/internal/risk").json()["data"]["status"] == "halted"
    for side in ("buy", "sell"):
        with pytest.raises(errors.RiskRejected):
            held(side=side)
    later = now() + timedelta(days=30)
    Market.objects.update(priced_at=later)
    assert desk.reset_due(now=later) == 0
    with pytest.raises(errors.RiskRejected):
        held(at=later)
    post(client, f"{BREAKERS}/{first.json()['data']['id']}/reset", {"reason": "fixed"})
    assert held(at=later)["status"] == "filled"
    assert RiskEvent.objects.filter(type="circuit_breaker", severity="critical").count() == 1


def test_a_cooldown_ends_without_a_trade(client, admin, held):
    breaker = CircuitBreaker.objects.get(scope="operator", scope_id=held.operator.id)
    desk.trip_breaker(breaker_id=breaker.id, actor=admin, reason="x", now=now())
    assert desk.reset_due(now=now() + timedelta(minutes=59)) == 0
    assert desk.reset_due(now=now() + timedelta(minutes=61)) == 1
    breaker.refresh_from_db()
    assert (breaker.status, breaker.value_at_reset) == ("armed", 50)


def test_the_overview(client, held):
    Player.objects.filter(pk=make_player(held.operator).pk).update(tier="sharp")
    for _ in range(2):
        with pytest.raises(errors.RiskRejected):
            held(quantity=60)
    data = client.get("/api/internal/risk").json()["data"]
    assert data["status"] == "healthy"
    assert data["circuit_breakers"] == {
        "global_active": False, "market_breakers": 0, "category_breakers": 0, "operator_breakers": 0
    }  # fmt: skip
    assert data["exposure_summary"] == {"total_usd": 50, "limit_usd": 500_000, "utilization_pct": 0.0}
    assert data["sharp_bettors"] == {"flagged_count": 1, "restricted_count": 0, "banned_count": 0}
    assert data["recent_events_count"] == 2
    # one flagged of one active user: 10 × min(1, 1 ÷ 0.01)
    assert (data["risk_score"], data["risk_level"]) == (10, "low")
    assert data["walls"] == {
        "wall_1_per_trade": {"status": "green", "violations_24h": 0},
        "wall_2_per_market": {"status": "green", "violations_24h": 0},
        "wall_3_per_category": {"status": "green", "violations_24h": 0},
        "wall_4_per_operator": {"status": "green", "violations_24h": 2},
        "wall_5_global": {"status": "green", "violations_24h": 0},
    }


def test_events_are_listed_filtered_and_resolved_by_staff(client, admin, held):
    with pytest.raises(errors.RiskRejected):
        held(quantity=60)
    held(quantity=12)  # 62 % of the operator's limit
    rows = client.get("/api/internal/risk/events").json()
    assert rows["pagination"]["total"] == 2
    crossing, refusal = rows["data"]
    assert crossing["message"] == f"Operator {held.operator.name} exposure hit 62% utilization (62/100 USD)"
    assert (crossing["operator_slug"], crossing["wall_name"]) == (held.operator.slug, "per_operator")
    assert (refusal["user_id"], refusal["market_id"]) == (held.player.id, held.market.id)
    path = "/api/internal/risk/events"
    assert client.get(f"{path}?operator={held.operator.slug}&severity=warning").json()["pagination"]["total"] == 2
    assert client.get(f"{path}?type=anomaly").json()["data"] == []
    assert client.get(f"{path}?severity=loud").status_code == 400
    assert post(client, f"{path}/{crossing['id']}/resolve", {"note": "ok"}).status_code == 409
    resolved = post(client, f"{path}/{refusal['id']}/resolve", {"note": "talked to them"})
    assert resolved.status_code == 200
    assert (resolved.json()["data"]["resolved_by"], resolved.json()["data"]["auto_resolved"]) == (admin.id, False)
    assert post(client, f"{path}/{refusal['id']}/resolve", {"note": "x"}).status_code == 409
    assert client.get(f"{path}?resolved=false").json()["pagination"]["total"] == 1
    assert post(client, f"{path}/{ids.new('evt')}/resolve", {"note": "x"}).status_code == 404


def test_lowering_a_limit_judges_what_is_open_at_once(client, admin, held):
    limits.change(changes={"risk.per_market_max_usd": Decimal(51)}, actor=admin, reason="tight", now=now())
    crossings = RiskEvent.objects.filter(bucket__scope="market").order_by("crossing_pct")
    assert list(crossings.values_list("crossing_pct", "severity")) == [
        (60, "warning"), (85, "warning"), (95, "critical")
    ]  # fmt: skip
    assert all(event.market_id == held.market.id for event in crossings)
    with pytest.raises(errors.RiskRejected) as refused:
        held()
    assert (refused.value.details["wall"], refused.value.details["limit_usd"]) == (2, 51)
    limits.change(changes={"risk.per_market_max_usd": Decimal(5000)}, actor=admin, reason="room", now=now())
    assert not crossings.filter(resolved_at=None).exists()
    assert RiskEvent.objects.get(severity="info").message == (
        "Limit risk.per_market_max_usd was raised from 51 USD to 5,000 USD"
    )
    assert client.get("/api/internal/exposure").json()["data"]["alerts"] == []


def test_lowering_an_operators_limit_trips_its_breaker_and_closes_nothing(held):
    held.operator.exposure_limit_usd = Decimal(50)
    held.operator.save(update_fields=["exposure_limit_usd"])
    limits.operator_changed(operator_id=held.operator.id, previous_limit_usd=Decimal(100), now=now())
    breaker = CircuitBreaker.objects.get(scope="operator", scope_id=held.operator.id)
    assert breaker.status == "tripped"
    assert ExposureBucket.objects.get(scope="operator").yes_usd == 50
    levels = RiskEvent.objects.filter(bucket__scope="operator").order_by("crossing_pct")
    assert list(levels.values_list("crossing_pct", flat=True)) == [60, 85, 95, 100]
    assert ActivityEvent.objects.filter(title="Exposure limit reached").count() == 1


def test_a_risk_admin_may_and_finance_may_not(client, held):
    other = Client(headers=as_admin(make_admin(roles.FINANCE)))
    assert post(other, "/api/internal/risk/halt", {"reason": "x"}).status_code == 403
    assert held()["status"] == "filled"
