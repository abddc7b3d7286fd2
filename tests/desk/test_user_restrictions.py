"""Staff restrict a user from the case file: each restriction binds the very next buy and is in the audit trail."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts import roles
from accounts.models import Player
from predictu import errors, ids
from predictu.admin_base import url_of
from predictu.platform.models import AuditEntry
from tests.factories import make_admin, make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def player():
    return make_player(make_operator(max_bet_usd=5000, new_tier_limit=5000), balance="1000")


def client_of(role):
    client = Client()
    client.force_login(make_admin(role))
    return client


def path_of(player):
    return url_of(Player, player.pk) + "act/restrict/"


def test_each_restriction_stops_the_next_buy_no_sell_and_is_lifted_again(player):
    client, market = client_of(roles.RISK), make_market()
    until = now() + timedelta(hours=1)
    place(player, market, 20)
    for body, shown in (
        ({"allowed_categories": ["sports", "politics"]}, {"allowed_categories": ["sports", "politics"]}),
        ({"blocked_categories": ["crypto"]}, {"blocked_categories": ["crypto"]}),
        ({"blocked_markets": f"{market.id}\n{market.id}"}, {"blocked_markets": [market.id]}),
        ({"cooldown_until": f"{until:%Y-%m-%d %H:%M:%S}"}, {"cooldown_until": until.replace(microsecond=0)}),
    ):
        assert client.post(path_of(player), {"limit_tier": "new", "reason": "Watch", **body}).status_code == 302, body
        player.refresh_from_db()
        assert {name: getattr(player, name) for name in shown} == shown
        with pytest.raises(errors.UserRestricted) as refused:
            place(player, market, 10)
        assert refused.value.details == {"reason": "restriction"}
        assert place(player, market, 2, side="sell")["status"] == "filled"
        assert client.post(path_of(player), {"limit_tier": "new", "reason": "Fine"}).status_code == 302
        assert place(player, market, 2)["status"] == "filled"
    player.refresh_from_db()
    assert (player.allowed_categories, player.blocked_categories, player.blocked_markets) == (None, [], [])
    assert (player.cooldown_until, player.limit_tier_set_by) == (None, "system")
    trail = AuditEntry.objects.filter(action="user.change", object_id=player.id).order_by("created_at", "id")
    assert [(set(line.changes), line.reason) for line in trail][:2] == [
        ({"allowed_categories"}, "Watch"), ({"allowed_categories"}, "Fine")
    ]  # fmt: skip
    assert trail.count() == 8


def test_the_form_begins_with_what_stands_and_changes_only_what_differs(player):
    client, market = client_of(roles.RISK), make_market()
    Player.objects.filter(pk=player.pk).update(blocked_categories=["crypto"], blocked_markets=[market.id])
    text = client.get(path_of(player)).content.decode()
    assert market.id in text and "crypto" in text and "Markets blocked" in text
    body = {
        "blocked_categories": ["crypto"],
        "blocked_markets": market.id,
        "limit_tier": "vip",
        "reason": "Good client",
    }
    assert client.post(path_of(player), body).status_code == 302
    player.refresh_from_db()
    assert (player.limit_tier, player.limit_tier_set_by, player.blocked_markets) == ("vip", "staff", [market.id])
    entry = AuditEntry.objects.get(action="user.change")
    assert entry.changes == {"limit_tier": {"from": "new", "to": "vip"}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"blocked_markets": "mkt_x"},
        {"blocked_markets": ids.new("mkt")},
        {"allowed_categories": ["cooking"]},
        {"cooldown_until": "soon"},
        {"limit_tier": "gold"},
        {"reason": " "},
    ],
)
def test_what_cannot_be_changes_nothing(player, wrong):
    client = client_of(roles.RISK)
    before = Player.objects.filter(pk=player.pk).values().get()
    answer = client.post(path_of(player), {"limit_tier": "new", "reason": "Watch", **wrong})
    assert answer.status_code == 400
    assert Player.objects.filter(pk=player.pk).values().get() == before
    assert not AuditEntry.objects.filter(action="user.change").exists()


def test_readers_may_not(player):
    for role in (roles.READ_ONLY, roles.FINANCE):
        assert client_of(role).post(path_of(player), {"limit_tier": "vip", "reason": "x"}).status_code == 403
    player.refresh_from_db()
    assert player.limit_tier == "new"
