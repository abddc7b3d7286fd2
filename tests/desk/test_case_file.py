"""A user's case file: one timeline, page by page, and what staff do from it."""

import io
from datetime import timedelta
from decimal import Decimal

import pypdf
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import roles
from accounts.admin import case_file
from accounts.models import LedgerEntry, Player
from predictu.admin_base import url_of
from predictu.platform import relay
from predictu.platform.models import Approval, AuditEntry
from risk.models import PlayerScore, RiskEvent
from risk.services import users
from tests.factories import make_admin, make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db


def enter(*groups):
    admin = make_admin(*groups)
    client = Client()
    client.force_login(admin)
    return admin, client


def busy_player():
    """One line or more of every kind."""
    player = make_player(make_operator(), balance="100")
    place(player, make_market(title="Will it rain?"), 10)
    relay.run(player.operator_id)
    PlayerScore.objects.create(
        player=player,
        evaluated_at=now(),
        score=71,
        tier="sharp",
        sample_size=40,
        confidence=Decimal("0.9"),
        components={},
    )
    users.change_by_staff(
        player_id=player.id, changes={"max_bet_usd": Decimal(5)}, actor=make_admin(), reason="Watch him", now=now()
    )
    RiskEvent.objects.create(
        type="wall_violation", severity="warning", message="Over the limit", player=player, created_at=now()
    )
    return player


def test_every_kind_of_line_is_in_it_and_leads_to_its_page():
    player = busy_player()
    file = case_file.timeline(player)
    assert {moment.kind for moment in file.moments} == set(case_file.KINDS) and file.older is None
    assert [moment.at for moment in file.moments] == sorted((each.at for each in file.moments), reverse=True)
    told = {moment.kind: (moment.what, moment.detail) for moment in file.moments}
    assert told["risk"] == ("wall violation", "warning: Over the limit")
    assert told["staff"][0] == "user.change" and "Watch him (max_bet_usd)" in told["staff"][1]
    _, client = enter(roles.READ_ONLY)
    for moment in file.moments:
        if moment.kind != "score":
            assert client.get(moment.url).status_code == 200, moment
    assert "scored 71" in client.get(url_of(Player, player.id), {"kind": "score"}).content.decode()


def test_page_by_page_nothing_is_lost_or_shown_twice():
    player = busy_player()
    whole = case_file.timeline(player).moments
    for size in (3, 4, 6):
        seen, before = [], None
        while True:
            page = case_file.timeline(player, before=before, most=size)
            seen += page.moments
            if page.older is None:
                break
            assert before is None or page.older < before
            before = page.older
        assert sorted(map(repr, seen)) == sorted(map(repr, whole))


def test_a_kind_asks_for_its_own_rows_only():
    player = busy_player()
    with CaptureQueriesContext(connection) as asked:
        moments = case_file.timeline(player, kind="trade").moments
    assert [moment.kind for moment in moments] == ["trade"]
    assert len(asked) == 1


@pytest.mark.parametrize("before", ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00"])
def test_an_odd_instant_shows_the_newest(before):
    player = busy_player()
    _, client = enter(roles.READ_ONLY)
    page = client.get(url_of(Player, player.id), {"before": before, "kind": "nothing"})
    assert page.status_code == 200 and "scored 71" in page.content.decode()


def test_it_is_printed_for_a_dispute_and_that_is_audited():
    player = busy_player()
    admin, client = enter(roles.RISK)
    answer = client.get(url_of(Player, player.id) + "case-file.pdf")
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages)
    for told in (player.username, "Will it rain?", "scored 71", "Over the limit"):
        assert told in text
    row = AuditEntry.objects.get(action="user.case_file")
    lines = len(case_file.timeline(player, before=row.created_at).moments)
    assert (row.actor_id, row.object_id, row.metadata) == (admin.id, player.id, {"lines": lines})


class TestAdjusting:
    def post(self, client, player, **values):
        return client.post(url_of(Player, player.id) + "act/adjust/", values)

    def test_money_is_given_and_taken_with_a_reason(self):
        player = make_player(make_operator(), balance="100")
        admin, client = enter(roles.FINANCE)
        assert self.post(client, player, amount_usd="12.50", reason="Goodwill").status_code == 302
        assert self.post(client, player, amount_usd="-2.50", reason="Too much").status_code == 302
        player.refresh_from_db()
        assert player.balance_usd == Decimal("110.00")
        rows = LedgerEntry.objects.filter(player=player, type="adjustment").order_by("seq")
        assert list(rows.values_list("amount_usd", flat=True)) == [Decimal("12.50"), Decimal("-2.50")]
        audited = AuditEntry.objects.filter(action="user.adjust_balance").order_by("created_at")
        assert [(row.actor_id, row.reason, row.address) for row in audited] == [
            (admin.id, "Goodwill", "127.0.0.1"),
            (admin.id, "Too much", "127.0.0.1"),
        ]

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"amount_usd": "-100.01", "reason": "All"}, "balance"),
            ({"amount_usd": "0", "reason": "None"}, "nothing is none"),
            ({"amount_usd": "5.001", "reason": "Odd"}, "decimal places"),
            ({"amount_usd": "5", "reason": " "}, "required"),
        ],
    )
    def test_what_is_refused_moves_nothing_and_says_why(self, values, told):
        player = make_player(make_operator(), balance="100")
        before = LedgerEntry.objects.count()
        _, client = enter(roles.FINANCE)
        answer = self.post(client, player, **values)
        assert answer.status_code == 400 and told in answer.content.decode()
        player.refresh_from_db()
        assert (player.balance_usd, LedgerEntry.objects.count()) == (Decimal(100), before)

    def test_a_large_one_waits_for_a_second_admin_where_that_is_asked_for(self, settings):
        settings.PREDICTU_TWO_PERSON = True
        player = make_player(make_operator(), balance="100")
        _, client = enter(roles.FINANCE)
        assert "Needs a second admin" in client.get(url_of(Player, player.id) + "act/adjust/").content.decode()
        assert self.post(client, player, amount_usd="500", reason="Big").status_code == 302
        player.refresh_from_db()
        assert player.balance_usd == Decimal(100) and Approval.objects.get().object_id == player.id

    def test_it_is_for_finance_alone(self):
        player = make_player(make_operator(), balance="100")
        for role in (roles.RISK, roles.READ_ONLY):
            _, client = enter(role)
            assert 'data-act="adjust"' not in client.get(url_of(Player, player.id)).content.decode()
            assert self.post(client, player, amount_usd="5", reason="x").status_code == 403
        player.refresh_from_db()
        assert player.balance_usd == Decimal(100)


def test_bets_are_limited_and_freed_and_a_user_suspended():
    player = make_player(make_operator(), balance="100")
    _, client = enter(roles.RISK)
    page = url_of(Player, player.id)

    def act(name, **values):
        assert client.post(f"{page}act/{name}/", {"reason": "Because", **values}).status_code == 302
        player.refresh_from_db()

    act("limit", max_bet_usd="20")
    assert player.max_bet_usd == Decimal(20)
    assert 'value="20.00"' in client.get(f"{page}act/limit/").content.decode()
    act("limit", max_bet_usd="")
    assert player.max_bet_usd is None
    act("suspend")
    assert (player.status, player.status_set_by) == ("suspended", "staff")
    assert 'data-act="suspend"' not in client.get(page).content.decode()
    act("reactivate")
    assert player.status == "active"


def test_a_page_of_a_file_costs_as_much_whatever_is_in_it():
    player = busy_player()
    _, client = enter(roles.READ_ONLY)
    client.get(url_of(Player, player.id))
    with CaptureQueriesContext(connection) as first:
        client.get(url_of(Player, player.id))
    for number in range(3):
        place(player, make_market(title=f"Question {number}?"), 3, at=now() + timedelta(seconds=number))
    with CaptureQueriesContext(connection) as second:
        client.get(url_of(Player, player.id))
    assert len(first) == len(second)
