"""What staff do to a user, over HTTP: it binds at once, is audited, and moves exactly what it says."""

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from django.test import Client

from accounts import roles
from accounts.models import LedgerEntry, Player
from operators.models import CallbackEvent
from predictu import clock, errors, ids
from predictu.platform.models import ActivityEvent, Approval, AuditEntry
from risk.models import RiskEvent
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def player():
    return make_player(make_operator(max_bet_usd=5000, new_tier_limit=5000), balance="1000")


def client_of(*groups):
    admin = make_admin(*groups)
    client = Client(headers=as_admin(admin))
    client.admin = admin
    return client


def patch(client, player, body):
    return client.patch(f"/api/internal/users/{player.id}", body, content_type="application/json")


def adjust(client, player, amount, reason="goodwill"):
    body = {"amount_usd": amount, "reason": reason}
    return client.post(f"/api/internal/users/{player.id}/adjustments", body, content_type="application/json")


@pytest.mark.parametrize(
    ("body", "error", "reason"),
    [
        ({"tier": "banned"}, errors.UserRestricted, "tier"),
        ({"status": "suspended"}, errors.UserRestricted, "inactive"),
        ({"restrictions": {"blocked_categories": ["crypto"]}}, errors.UserRestricted, "restriction"),
        ({"restrictions": {"allowed_categories": ["sports"]}}, errors.UserRestricted, "restriction"),
        (
            {"restrictions": {"cooldown_until": clock.seconds(now() + timedelta(hours=1))}},
            errors.UserRestricted,
            "restriction",
        ),
    ],
)
def test_a_restriction_binds_the_next_buy_and_lifting_it_frees_it(player, body, error, reason):
    client, market = client_of(roles.RISK), make_market()
    before = patch(client, player, {"reason": "nothing yet"}).json()["data"]
    assert patch(client, player, {**body, "reason": "watch"}).status_code == 200
    with pytest.raises(error) as refused:
        place(player, market, 10)
    assert refused.value.details == {"reason": reason}
    back = {"tier": "normal", "status": "active", "reason": "fine"}
    back["restrictions"] = {"blocked_categories": [], "allowed_categories": None, "cooldown_until": None}
    after = patch(client, player, back).json()["data"]
    assert place(player, market, 10)["status"] == "filled"
    assert after["restrictions"] == before["restrictions"]


def test_a_market_can_be_blocked_and_a_stake_capped(player):
    client, market, other = client_of(roles.RISK), make_market(), make_market()
    body = {"restrictions": {"blocked_markets": [market.id], "max_bet_usd": 20}, "reason": "watch"}
    shown = patch(client, player, body).json()["data"]
    assert (shown["restrictions"]["max_bet_usd"], shown["restrictions"]["blocked_markets"]) == (20, [market.id])
    with pytest.raises(errors.UserRestricted):
        place(player, market, 10)
    with pytest.raises(errors.RiskRejected) as refused:
        place(player, other, 40)
    assert (refused.value.details["wall"], refused.value.details["limit_usd"]) == (1, 20)
    assert place(player, other, amount_usd=Decimal(20))["cost_usd"] == 20


def test_a_tier_caps_bets_tells_the_desk_and_the_operator_and_is_audited(player):
    client = client_of(roles.RISK)
    assert patch(client, player, {"tier": "restricted", "reason": "follows the feed"}).status_code == 200
    player.refresh_from_db()
    assert (player.tier, player.tier_set_by) == ("restricted", "staff")
    event = RiskEvent.objects.get()
    assert (event.type, event.severity, event.player_id) == ("sharp_detection", "warning", player.id)
    told = orjson.loads(bytes(CallbackEvent.objects.get(event="USER_RESTRICTED").body))
    assert told["payload"] == {
        "user_id": player.id, "external_id": player.external_id, "score": 0, "classification": "restricted"
    }  # fmt: skip
    with pytest.raises(errors.RiskRejected) as refused:
        place(player, make_market(), 40)
    assert refused.value.details["limit_usd"] == 10
    entry = AuditEntry.objects.get(action="user.change")
    assert (entry.actor_id, entry.object_id, entry.reason) == (client.admin.id, player.id, "follows the feed")
    assert entry.changes == {"tier": {"from": "normal", "to": "restricted"}}
    restriction = {"restrictions": {"max_bet_usd": 50}, "reason": "mine"}
    patch(client, player, restriction)
    patch(client, player, {"tier": "normal", "reason": "released"})
    player.refresh_from_db()
    assert (player.tier_set_by, player.max_bet_usd) == ("system", 50)
    assert RiskEvent.objects.get(severity="info").type == "sharp_detection"
    assert ActivityEvent.objects.filter(title="User released").count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tier": "shark"}, "tier"),
        ({"limit_tier": "gold"}, "limit_tier"),
        ({"restrictions": {"allowed_categories": ["cooking"]}}, "restrictions.allowed_categories.0"),
        ({"restrictions": {"blocked_markets": [ids.new("mkt")]}}, "restrictions.blocked_markets"),
        ({"restrictions": {"colour": 1}}, "restrictions.colour"),
        ({"balance_usd": 5}, "balance_usd"),
        ({"tier": "sharp", "tier_expires_at": "2020-01-01"}, "tier_expires_at"),
    ],
)
def test_what_cannot_be_is_named_and_changes_nothing(player, body, field):
    before = Player.objects.filter(pk=player.pk).values().get()
    answer = patch(client_of(), player, {**body, "reason": "x"})
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, [field])
    assert Player.objects.filter(pk=player.pk).values().get() == before
    assert patch(client_of(), player, {"tier": "sharp"}).json()["error"]["details"].keys() == {"reason"}


def test_an_adjustment_is_a_ledger_row_with_its_audit_row(player):
    client = client_of(roles.FINANCE)
    answer = adjust(client, player, 12.34)
    assert answer.status_code == 201, answer.content
    row = answer.json()["data"]
    entry = AuditEntry.objects.get(action="user.adjust_balance")
    assert (row["type"], row["amount_usd"], row["balance_usd"]) == ("adjustment", 12.34, 1012.34)
    assert (row["reference_type"], row["reference_id"]) == ("adjustment", entry.id)
    assert (entry.actor_id, entry.reason) == (client.admin.id, "goodwill")
    told = orjson.loads(bytes(CallbackEvent.objects.get(event="BALANCE_CHANGED", subject_id=entry.id).body))
    assert (told["payload"]["reason"], told["payload"]["new_balance_usd"]) == ("adjustment", 1012.34)
    assert adjust(client, player, -1012.34).json()["data"]["balance_usd"] == 0
    refused = adjust(client, player, -0.01)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "REFUSED")
    player.refresh_from_db()
    assert (player.balance_usd, LedgerEntry.objects.filter(player=player).count()) == (0, 3)


@pytest.mark.parametrize("amount", [0, "5", 1.001, None, True])
def test_an_amount_that_is_none_is_refused(player, amount):
    assert adjust(client_of(), player, amount).status_code == 422
    assert LedgerEntry.objects.filter(player=player).count() == 1


def test_what_is_given_repays_a_debt_first():
    player = make_player(make_operator(), debt_usd=30)
    assert adjust(client_of(), player, 20).json()["data"]["balance_usd"] == 0
    player.refresh_from_db()
    assert (player.debt_usd, player.balance_usd) == (10, 0)
    assert list(LedgerEntry.objects.filter(player=player).order_by("seq").values_list("amount_usd", flat=True)) == [
        20,
        -20,
    ]


def test_a_large_one_waits_for_a_second_admin(player, settings):
    settings.PREDICTU_TWO_PERSON = True
    first, second, reader = client_of(roles.FINANCE), client_of(roles.FINANCE), client_of(roles.RISK)
    assert adjust(first, player, 499.99).status_code == 201
    waiting = adjust(first, player, -500)
    data = waiting.json()["data"]
    assert (waiting.status_code, data["status"]) == (202, "waiting")
    player.refresh_from_db()
    assert player.balance_usd == Decimal("1499.99")

    def decide(client, decision="approve"):
        body = {"decision": decision, "reason": "checked"}
        return client.post(f"/api/internal/approvals/{data['approval_id']}", body, content_type="application/json")

    assert decide(first).status_code == 403
    assert decide(reader).status_code == 403
    assert Approval.objects.get().status == "waiting"
    assert decide(second).json()["data"]["status"] == "approved"
    player.refresh_from_db()
    assert player.balance_usd == Decimal("999.99")
    assert decide(second).status_code == 409
    entry = AuditEntry.objects.filter(action="user.adjust_balance").latest("created_at")
    assert (entry.actor_id, entry.metadata["approved_by"]) == (first.admin.id, second.admin.id)
    assert Approval.objects.get().result["balance_usd"] == 999.99


def test_a_rejected_or_expired_one_moves_nothing(player, settings):
    settings.PREDICTU_TWO_PERSON = True
    first, second = client_of(roles.FINANCE), client_of(roles.FINANCE)
    for decision, age in (("reject", 0), ("approve", 24)):
        approval_id = adjust(first, player, 600).json()["data"]["approval_id"]
        expires = now() + timedelta(hours=24 - age)
        Approval.objects.filter(pk=approval_id).update(expires_at=expires)
        body = {"decision": decision, "reason": "no"}
        answer = second.post(f"/api/internal/approvals/{approval_id}", body, content_type="application/json")
        assert answer.status_code == (200 if decision == "reject" else 409)
    player.refresh_from_db()
    assert player.balance_usd == 1000
    assert sorted(Approval.objects.values_list("status", flat=True)) == ["expired", "rejected"]
    rows = first.get("/api/internal/approvals?status=rejected").json()["data"]
    assert [row["decision_reason"] for row in rows] == ["no"]


def test_unknown_users_are_404_and_roles_are_kept_apart(player):
    assert (
        client_of().patch(f"/api/internal/users/{ids.new('usr')}", {"reason": "x"}, "application/json").status_code
        == 404
    )
    assert adjust(client_of(roles.RISK), player, 5).status_code == 403
    assert patch(client_of(roles.FINANCE), player, {"tier": "sharp", "reason": "x"}).status_code == 403
