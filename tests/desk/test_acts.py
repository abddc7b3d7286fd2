"""What staff do in Django admin: find, see the consequences, act with a reason, and find it in the audit trail."""

from decimal import Decimal

import pytest
from django.test import Client

from accounts import roles
from accounts.models import Player
from operators.models import OnboardingFact, Operator
from predictu.admin_base import url_of
from predictu.platform.models import AuditEntry
from risk.models import CircuitBreaker
from risk.services import breakers
from tests.factories import make_admin, make_market, make_operator, make_pair, make_player, now, place, signed
from trading.models import Market, Settlement

pytestmark = pytest.mark.django_db


def enter(*groups):
    admin = make_admin(*groups)
    client = Client()
    client.force_login(admin)
    return admin, client


def act(row, name):
    return url_of(type(row), row.pk) + f"act/{name}/"


def test_an_operator_is_suspended_with_a_reason_and_resumed():
    operator = make_operator()
    make_player(operator)
    admin, client = enter()
    page = client.get(url_of(Operator, operator.pk)).content.decode()
    assert 'data-act="suspend"' in page and 'data-act="resume"' not in page
    asked = client.get(act(operator, "suspend")).content.decode()
    assert "What it does" in asked and "Users" in asked
    operator.refresh_from_db()
    assert operator.suspended_at is None, "asking moves nothing"
    assert client.post(act(operator, "suspend"), {"reason": "  "}).status_code == 400
    operator.refresh_from_db()
    assert operator.suspended_at is None
    assert client.post(act(operator, "suspend"), {"reason": "Unpaid since May"}).status_code == 302
    operator.refresh_from_db()
    assert (operator.status, operator.suspension_reason) == ("suspended", "Unpaid since May")
    row = AuditEntry.objects.get(action="operator.update", object_id=operator.id)
    assert (row.actor_id, row.reason, row.address) == (admin.id, "Unpaid since May", "127.0.0.1")
    assert "Unpaid since May" in client.get(url_of(Operator, operator.pk)).content.decode()
    assert client.post(act(operator, "resume"), {"reason": "Paid"}).status_code == 302
    operator.refresh_from_db()
    assert operator.suspended_at is None


def test_an_operator_is_brought_to_life_only_when_its_steps_are_complete():
    operator = make_operator(stage="testing", onboarded_at=None)
    _, client = enter()
    assert client.post(act(operator, "activate"), {"reason": "Ready"}).status_code == 400
    operator.refresh_from_db()
    assert (operator.stage, operator.onboarded_at) == ("testing", None)
    make_pair(operator)
    operator.callback_url, operator.embed_origins = "https://cb.example/x", ["https://casino.example"]
    operator.save(update_fields=["callback_url", "embed_origins"])
    for name in OnboardingFact.Name.values[:7]:
        OnboardingFact.objects.get_or_create(operator=operator, name=name, defaults={"completed_at": now()})
    assert client.post(act(operator, "activate"), {"reason": "Ready"}).status_code == 302
    operator.refresh_from_db()
    assert operator.stage == "live" and operator.onboarded_at is not None
    assert AuditEntry.objects.filter(object_id=operator.id, reason="Ready").exists()


def test_an_operators_page_leads_to_its_users_and_keys_and_shows_the_evidence():
    operator = make_operator()
    player, pair = make_player(operator), make_pair(operator)
    OnboardingFact.objects.create(
        operator=operator, name="set_callback", completed_at=now(), evidence={"callback_url": "https://cb.example/x"}
    )
    _, client = enter(roles.READ_ONLY)
    page = client.get(url_of(Operator, operator.pk)).content.decode()
    for shown in (url_of(Player, player.pk), url_of(type(pair.key), pair.key.pk), "https://cb.example/x"):
        assert shown in page
    assert player.username not in page and pair.secret not in page


def test_a_key_is_revoked_with_a_reason_and_refused_from_then_on():
    operator = make_operator()
    first, second = make_pair(operator), make_pair(operator)
    admin, client = enter()
    asked = client.get(act(second.key, "revoke")).content.decode()
    assert "Keys left that are accepted" in asked and second.secret not in asked
    assert client.post(act(second.key, "revoke"), {"reason": "Leaked in a log"}).status_code == 302
    second.key.refresh_from_db()
    first.key.refresh_from_db()
    assert (second.key.status(now()), first.key.accepts(now())) == ("revoked", True)
    row = AuditEntry.objects.get(action="KEY_REVOKED")
    assert (row.actor_id, row.reason) == (admin.id, "Leaked in a log")
    path = "/api/casino/whoami"
    assert Client().get(path, headers=signed(second, "GET", path)).status_code == 401
    assert Client().get(path, headers=signed(first, "GET", path)).status_code == 200
    assert 'data-act="revoke"' not in client.get(url_of(type(second.key), second.key.pk)).content.decode()


def test_a_breaker_is_tripped_and_reset():
    operator = make_operator()
    breakers.seed_for_operator(operator.id, now=now())
    breaker = CircuitBreaker.objects.get(scope_id=operator.id)
    _, client = enter(roles.RISK)
    assert client.post(act(breaker, "trip"), {"reason": "Odd trades"}).status_code == 302
    breaker.refresh_from_db()
    assert breaker.status == "tripped"
    assert client.get("/admin/").content.decode().count("Breaker tripped") == 1
    again = client.post(act(breaker, "trip"), {"reason": "Again"})
    assert (again.status_code, "tripped already" in again.content.decode()) == (400, True)
    assert client.post(act(breaker, "reset"), {"reason": "Looked at"}).status_code == 302
    breaker.refresh_from_db()
    assert breaker.status == "armed"
    reasons = AuditEntry.objects.filter(object_id=breaker.id).order_by("created_at").values_list("action", "reason")
    assert list(reasons) == [("breaker.trip", "Odd trades"), ("breaker.reset", "Looked at")]


def test_a_market_is_previewed_and_resolved():
    player = make_player(make_operator(), balance="100")
    market = make_market()
    place(player, market, 10)
    _, client = enter()
    asked = client.get(act(market, "resolve-yes")).content.decode()
    assert "Winners" in asked and "10.00" in asked
    assert not Settlement.objects.exists()
    assert client.post(act(market, "resolve-yes"), {"reason": "The oracle is late"}).status_code == 302
    market.refresh_from_db()
    assert (market.status, market.resolution) == ("resolved", "yes")
    assert AuditEntry.objects.get(action="market.resolve").reason == "The oracle is late"


def test_a_case_file_tells_what_happened_and_prints():
    player = make_player(make_operator(), balance="100")
    place(player, make_market(title="Will it rain?"), 10)
    _, client = enter()
    assert client.post(act(player, "tier-restricted"), {"reason": "Bets on stale prices"}).status_code == 302
    player.refresh_from_db()
    assert player.tier == "restricted"
    page = client.get(url_of(Player, player.pk)).content.decode()
    for told in ("deposit 100.00", "buy 10.0000 YES", "Will it rain?", "user.change", "Bets on stale prices"):
        assert told in page
    answer = client.get(url_of(Player, player.pk) + "case-file.pdf")
    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert AuditEntry.objects.filter(action="user.case_file", object_id=player.id).count() == 1


@pytest.mark.parametrize("role", [roles.READ_ONLY, roles.FINANCE])
def test_who_may_not_is_offered_nothing_and_moves_nothing(role):
    operator, market = make_operator(), make_market()
    player = make_player(operator)
    _, client = enter(role)
    for row, name in ((operator, "suspend"), (market, "resolve-yes"), (player, "tier-banned")):
        assert f'data-act="{name}"' not in client.get(url_of(type(row), row.pk)).content.decode()
        assert client.post(act(row, name), {"reason": "x"}).status_code == 403
    operator.refresh_from_db()
    market.refresh_from_db()
    player.refresh_from_db()
    assert (operator.suspended_at, market.status, player.tier) == (None, Market.Status.ACTIVE, "normal")
    assert client.get(url_of(Player, player.pk) + "case-file.pdf").status_code == 403


def test_the_home_page_shows_the_figures():
    player = make_player(make_operator(), balance="100")
    place(player, make_market(yes_mid=Decimal("0.5")), 10)
    _, client = enter(roles.READ_ONLY)
    page = client.get("/admin/").content.decode()
    for told in ("Revenue, 30 days", "Exposure against limits", "Needs a hand", "Last activity", "System", "<rect "):
        assert told in page
