"""The risk desk: find, decide, act, and see it in the audit trail."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import roles
from predictu import errors
from predictu.admin_base import url_of
from predictu.platform.models import AuditEntry
from risk.models import CircuitBreaker, RiskEvent
from risk.services import breakers, users
from tests.factories import make_admin, make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db
ROOM = {"max_bet_usd": 10_000, "new_tier_limit": 10_000}
DESK = "/admin/risk/desk/"


def enter(*groups):
    admin = make_admin(*groups)
    client = Client()
    client.force_login(admin)
    client.admin = admin
    return client


@pytest.fixture
def held():
    """An operator with a limit of 100 whose one user holds 50 YES and was refused 60 more."""
    operator = make_operator(name="Casino Blue", exposure_limit_usd=100, category_limits={"crypto": 9999}, **ROOM)
    breakers.seed_for_operator(operator.id, now=now())
    player, market = make_player(operator, balance="900"), make_market(title="Will it rain?")
    place(player, market, 50)
    with pytest.raises(errors.RiskRejected):
        place(player, market, 60)

    def trade(quantity=2, **order):
        return place(player, market, quantity, **order)

    trade.operator, trade.player, trade.market = operator, player, market
    return trade


def page_of(client, query=""):
    answer = client.get(DESK + query)
    assert answer.status_code == 200
    return answer.content.decode()


def lines(object_id):
    found = AuditEntry.objects.filter(object_id=object_id).order_by("created_at", "id")
    return list(found.values_list("action", "reason", "actor_id"))


def test_it_says_where_risk_stands(held):
    text = page_of(enter(roles.READ_ONLY))
    for told in ("Casino Blue", "$50.00 of $100", "50.0%", "Will it rain?", "healthy", "4. An operator",
                 "Wall 4 (per_operator) rejected", "exposure"):  # fmt: skip
        assert told in text, told
    for url in (
        url_of(type(held.operator), held.operator.id),
        reverse("admin:risk_review_queue"),
        "/admin/configuration/",
    ):
        assert f'href="{url}"' in text, url
    assert held.player.username not in text
    assert text.count('<rect x="0" y="0" height="4"') == 9  # all markets, six categories, the operator, the market


def test_readers_see_it_and_are_offered_nothing(held):
    breaker = CircuitBreaker.objects.get(scope="operator", scope_id=held.operator.id)
    event = RiskEvent.objects.get()
    for role in (roles.READ_ONLY, roles.FINANCE):
        client = enter(role)
        text = page_of(client)
        for offer in ("Halt all trading", "Set a breaker", "Acknowledge", f"{breaker.id}/trip"):
            assert offer not in text, offer
        acts = ("halt/", "resume/", "breakers/add/", f"breakers/{breaker.id}/trip/")
        for path in (*acts, f"events/acknowledge/?event={event.id}"):
            assert client.get(DESK + path).status_code == 403, path
            assert client.post(DESK + path, {"reason": "x"}).status_code == 403, path
    assert not AuditEntry.objects.exists()
    assert held()["status"] == "filled"
    assert Client().get(DESK).status_code == 302


def test_a_breaker_is_found_tripped_and_reset(held):
    client = enter(roles.RISK)
    breaker = CircuitBreaker.objects.get(scope="operator", scope_id=held.operator.id)
    trip, reset = (reverse("admin:risk_breaker_act", args=[breaker.id, name]) for name in ("trip", "reset"))
    assert trip in page_of(client)
    asked = client.get(trip).content.decode()
    for told in ("Casino Blue", "Open positions in its scope", "Trades there in the last 24 h", "50.00"):
        assert told in asked, told
    breaker.refresh_from_db()
    assert breaker.status == "armed", "asking moves nothing"
    assert client.post(trip, {"reason": " "}).status_code == 400
    answer = client.post(trip, {"reason": "Odd trades"})
    assert (answer.status_code, answer["Location"]) == (302, DESK)
    text = page_of(client)
    assert "degraded" in text and reset in text and "breaker.trip" in text and "Odd trades" in text
    for side in ("buy", "sell"):
        with pytest.raises(errors.RiskRejected):
            held(side=side)
    assert client.post(reset, {"reason": "Looked at"}).status_code == 302
    assert held()["status"] == "filled"
    who = client.admin.id
    assert lines(breaker.id) == [("breaker.trip", "Odd trades", who), ("breaker.reset", "Looked at", who)]
    trail = client.get("/admin/platform/auditentry/", {"q": breaker.id}).content.decode()
    assert "Odd trades" in trail and "Looked at" in trail


def test_a_breaker_is_set_and_changed(held):
    client, path = enter(roles.RISK), f"{DESK}breakers/add/"
    body = {"scope": "market", "scope_id": held.market.id, "trigger_type": "exposure_pct", "trigger_threshold": "80",
            "cooldown_minutes": "5", "auto_reset": "on", "buys_only": "on", "reason": "Watch it"}  # fmt: skip
    for wrong, told in (
        ({"scope_id": "mkt_x"}, "is not a market we know"),
        ({"trigger_threshold": "101"}, "at most 100"),
        ({"trigger_threshold": "0"}, "must be above 0"),
        ({"reason": ""}, "required"),
    ):
        answer = client.post(path, body | wrong)
        assert (answer.status_code, told in answer.content.decode()) == (400, True), wrong
    assert not CircuitBreaker.objects.filter(scope="market").exists()
    assert client.post(path, body).status_code == 302
    made = CircuitBreaker.objects.get(scope="market")
    assert (made.scope_id, made.trigger_threshold, made.auto_reset, made.buys_only) == (held.market.id, 80, True, True)
    change = reverse("admin:risk_breaker_act", args=[made.id, "change"])
    assert 'value="80' in client.get(change).content.decode()
    values = {"trigger_threshold": "70", "cooldown_minutes": "5", "auto_reset": "on", "is_enabled": "on"}
    values["reason"] = "Sooner"
    assert client.post(change, values).status_code == 302
    made.refresh_from_db()
    assert (made.trigger_threshold, made.buys_only, made.is_enabled) == (70, False, True)
    entry = AuditEntry.objects.get(action="breaker.change")
    assert entry.changes == {"trigger_threshold": {"from": 80, "to": 70}, "buys_only": {"from": True, "to": False}}


def test_a_change_leaves_a_breaker_following_the_configuration(held):
    client = enter(roles.RISK)
    breaker = CircuitBreaker.objects.get(scope="operator", scope_id=held.operator.id)
    path = reverse("admin:risk_breaker_act", args=[breaker.id, "change"])
    values = {"trigger_threshold": "90", "cooldown_minutes": "30", "auto_reset": "on", "follows_config": "on",
              "is_enabled": "on", "reason": "Shorter"}  # fmt: skip
    assert client.post(path, values).status_code == 302
    breaker.refresh_from_db()
    assert (breaker.cooldown_minutes, breaker.follows_config) == (30, True)


def test_trading_is_halted_everywhere_and_resumed(held):
    client = enter(roles.RISK)
    asked = client.get(f"{DESK}halt/").content.decode()
    for told in ("Operators live", "Markets that can be traded now", "Users who traded in the last 24 h"):
        assert told in asked, told
    assert held()["status"] == "filled", "asking stops nothing"
    assert client.post(f"{DESK}halt/", {"reason": ""}).status_code == 400
    assert held()["status"] == "filled"
    assert client.post(f"{DESK}halt/", {"reason": "The feed is wrong"}).status_code == 302
    text = page_of(client)
    assert "Trading is halted everywhere" in text and "The feed is wrong" in text and "Halt all trading" not in text
    for side in ("buy", "sell"):
        with pytest.raises(errors.RiskRejected):
            held(side=side)
    assert client.post(f"{DESK}resume/", {"reason": "Fixed"}).status_code == 302
    assert held()["status"] == "filled"
    assert "Trading is halted" not in page_of(client)
    whole = CircuitBreaker.objects.get(scope="global")
    assert [line[:2] for line in lines(whole.id)] == [("breaker.trip", "The feed is wrong"), ("breaker.reset", "Fixed")]


class TestEvents:
    def test_they_are_found_and_acknowledged_one_and_several(self, held):
        client = enter(roles.RISK)
        for _ in range(2):
            with pytest.raises(errors.RiskRejected):
                held(quantity=60)
        held(quantity=12)  # 62 %: a crossing, which only falling back resolves
        first, second, third = RiskEvent.objects.filter(crossing_pct=None).order_by("id")
        crossing = RiskEvent.objects.get(crossing_pct=60)
        path = reverse("admin:risk_acknowledge")
        text = page_of(client)
        assert f"{path}?event={first.id}" in text and f"?event={crossing.id}" not in text
        assert "Until exposure falls back" in text
        assert first.message in client.get(f"{path}?event={first.id}").content.decode()
        assert client.post(f"{path}?event={first.id}", {"reason": "Talked to them"}).status_code == 302
        both = f"{path}?event={second.id}&event={third.id}"
        assert "2 events" in client.get(both).content.decode()
        assert client.post(both, {"reason": "Same user"}).status_code == 302
        assert RiskEvent.objects.filter(resolved_by=client.admin, resolved_at__isnull=False).count() == 3
        assert [lines(each.id)[0][:2] for each in (first, second, third)] == [
            ("risk_event.resolve", "Talked to them"), ("risk_event.resolve", "Same user"),
            ("risk_event.resolve", "Same user"),
        ]  # fmt: skip

    def test_together_or_not_at_all(self, held):
        client = enter(roles.RISK)
        held(quantity=12)
        query = "&".join(f"event={each}" for each in RiskEvent.objects.values_list("pk", flat=True))
        answer = client.post(f"{reverse('admin:risk_acknowledge')}?{query}", {"reason": "All"})
        assert (answer.status_code, "crossing resolves itself" in answer.content.decode()) == (400, True)
        assert not RiskEvent.objects.filter(resolved_at__isnull=False).exists()

    def test_ticking_nothing_says_so(self, held):
        answer = enter(roles.RISK).get(reverse("admin:risk_acknowledge"), follow=True)
        assert "Tick the events" in answer.content.decode()

    def test_filters_and_pages(self, held):
        client = enter(roles.RISK)
        refused = RiskEvent.objects.get()
        RiskEvent.objects.bulk_create(
            RiskEvent(type=refused.type, severity=refused.severity, wall=4, message="Again", operator=held.operator,
                      created_at=now())
            for _ in range(26)
        )  # fmt: skip
        first = page_of(client)
        assert first.count('name="event"') == 25 and "Older" in first and "Newer" not in first
        second = page_of(client, "?page=2")
        assert second.count('name="event"') == 2 and "Newer" in second
        assert page_of(client, f"?operator={held.operator.slug}").count('name="event"') == 25
        for none in ("?severity=critical", "?type=anomaly", "?state=resolved", "?operator=nobody"):
            assert "None of these." in page_of(client, none), none
        for odd in ("?page=x", "?page=-1", "?page=99999999", "?severity=loud", "?state=%00"):
            assert client.get(DESK + odd).status_code == 200, odd


def test_who_may_see_personal_data_reads_users_names(held):
    risk, reader = enter(roles.RISK), enter(roles.READ_ONLY)
    users.change_by_staff(
        player_id=held.player.id, changes={"tier": "sharp"}, actor=risk.admin, reason="x", now=now()
    )  # fmt: skip
    assert f"{held.player.username} was moved" in page_of(risk)
    assert f"{held.player.id} was moved" in page_of(reader)


def test_it_costs_the_same_with_many_operators(held):
    client = enter(roles.RISK)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            page_of(client)
        return len(seen)

    page_of(client)
    before = queries()
    for _ in range(15):
        operator = make_operator(**ROOM)
        breakers.seed_for_operator(operator.id, now=now())
        place(make_player(operator, balance="50"), make_market(yes_mid=Decimal("0.5")), 10)
    assert queries() <= before + 1, "the configuration is read again once a second"
    assert before <= 40
    text = page_of(client)
    assert "more, further from tripping" in text
