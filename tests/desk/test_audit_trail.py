"""The audit trail's page: what changed side by side, found by time, thing and admin, and taken along as a file."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts import roles
from accounts.models import Player
from predictu.admin_base import url_of
from predictu.platform import audit
from predictu.platform.admin.audit import changes, worded
from predictu.platform.models import AuditEntry
from tests.factories import make_admin, make_operator, make_player, now

pytestmark = pytest.mark.django_db
LIST = "/admin/platform/auditentry/"


@pytest.fixture
def client():
    client = Client()
    client.force_login(make_admin(roles.READ_ONLY))
    return client


def record(**given):
    values = {"actor": make_admin(), "action": "user.change", "object_type": "user", "now": now(), **given}
    return audit.record(**values)


def test_what_changed_stands_side_by_side_with_who_where_and_why(client):
    player = make_player(make_operator())
    row = record(
        object_id=player.id,
        changes={
            "tier": {"from": "normal", "to": "banned"},
            "blocked_categories": {"from": [], "to": ["crypto", "sports"]},
            "email": {"from": "a@b.example", "to": "c@d.example"},
        },
        reason="Bets on stale prices",
        metadata={"approved_by": "nobody"},
    )
    assert list(changes(row)) == [
        ("blocked_categories", "nothing", "crypto, sports"),
        ("email", "changed, not kept", "changed, not kept"),
        ("tier", "normal", "banned"),
    ]
    page = client.get(url_of(AuditEntry, row.pk)).content.decode()
    for told in (
        '<del class="desk-was">normal</del>',
        '<ins class="desk-is">banned</ins>',
        "Bets on stale prices",
        row.actor.email,
        url_of(Player, player.id),
        "Approved by",
    ):
        assert told in page
    assert "a@b.example" not in page and "data-act" not in page


def test_it_is_found_by_time_kind_of_thing_and_admin(client):
    old = record(object_id="old", now=now() - timedelta(days=40))
    new = record(object_id="new", object_type="market")

    def found(**query):
        text = client.get(LIST, query).content.decode()
        return [
            row.object_id for row in (old, new) if f"/auditentry/{url_of(AuditEntry, row.pk).split('/')[-3]}/" in text
        ]

    assert found() == ["old", "new"]
    day = f"{now() - timedelta(days=1):%Y-%m-%d}"
    assert found(created_at_from_0=day, created_at_from_1="00:00:00") == ["new"]
    assert found(created_at_from_0=day) == ["new"]
    assert found(created_at_to_0=day, created_at_to_1="12:30:00") == ["old"]
    assert found(created_at_from_0="yesterday") == ["old", "new"]
    assert found(object_type="user") == ["old"]
    assert found(actor=old.actor_id) == ["old"]
    assert found(q=new.actor_id) == ["new"]
    assert found(q="user.") == ["old", "new"]


def test_the_file_holds_what_the_list_shows(client):
    record(object_id="thing", changes={"a": {"from": 1, "to": 2}}, reason="Why not")
    file = client.get("/admin/export/platform/auditentry/", {"q": "user.change"})
    head, line = b"".join(file.streaming_content).decode().splitlines()
    assert head == "created_at,action,actor,reason,changed,object_id,address"
    assert line.endswith(",Why not,a: 1 → 2,thing,")


def test_a_long_change_is_cut_in_the_list_only(client):
    row = record(changes={f"field_{n}": {"from": n, "to": n + 1} for n in range(5)})
    assert "field_2: 2 → 3; and 2 more" in client.get(LIST).content.decode()
    assert "field_4" in client.get(url_of(AuditEntry, row.pk)).content.decode()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "nothing"), ("", "nothing"), (True, "yes"), (False, "no"), (0, "0"), ([1, None], "1, nothing")]
    + [({"b": 1, "a": 2}, '{"a":2,"b":1}'), ("x", "x")],
)
def test_values_are_worded(value, shown):
    assert worded(value) == shown
