"""Settling at the desk: find the market, see what each outcome pays, decide with a reason, and find it in the trail."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts import roles
from accounts.models import LedgerEntry, Player
from predictu.admin_base import url_of
from predictu.platform.models import Approval, AuditEntry, Heartbeat
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.admin import price_chart
from trading.models import Market, PricePoint, Settlement
from trading.queries import corrections as corrected
from trading.services import prices, settling

pytestmark = pytest.mark.django_db
CONSOLE = "/admin/settlements/"
ROOM = {"new_tier_limit": 1000, "regular_tier_limit": 1000}


def enter(*groups):
    admin = make_admin(*groups)
    client = Client()
    client.force_login(admin)
    return admin, client


def act(row, name):
    return url_of(type(row), row.pk) + f"act/{name}/"


def text(client, path, query=None):
    return client.get(path, query or {}).content.decode()


@pytest.fixture
def operator():
    return make_operator(name="Casino Blue", **ROOM)


@pytest.fixture
def closed(operator):
    """A closed market that waits for its oracle: 50 shares of YES on one side, 20 of NO on the other."""
    market = make_market(title="Will it rain?")
    winner, loser = make_player(operator, balance="100"), make_player(operator, balance="100")
    place(winner, market, 50)
    place(loser, market, 20, outcome="no")
    Market.objects.filter(pk=market.pk).update(
        waiting_for="oracle_pending", uma_status="proposed", source_closed=True, source_closed_at=now()
    )
    market.refresh_from_db()
    return market


def settle(market):
    row = Settlement.objects.get(market=market)
    settling.settle(row.id, now=now())
    row.refresh_from_db()
    return row


def test_the_console_sorts_markets_by_how_they_stand(closed):
    disputed = make_market(title="Did it rain?", waiting_for="disputed", uma_status="disputed")
    failed = make_market(title="Was it wet?", status="resolved", resolution="no", resolved_at=now())
    admin, client = enter(roles.READ_ONLY)
    Settlement.objects.create(
        market=failed,
        resolution="no",
        resolution_source="staff",
        status="failed",
        error="AssertionError",
        requested_by=admin,
        resolved_at=now(),
    )
    for name, title, others in (
        ("waiting", "Will it rain?", ("Did it rain?", "Was it wet?")),
        ("disputed", "Did it rain?", ("Will it rain?", "Was it wet?")),
        ("failed", "Was it wet?", ("Will it rain?", "Did it rain?")),
    ):
        shown = text(client, CONSOLE, {"list": name})
        assert title in shown and not [other for other in others if other in shown], name
        for each in ("Waiting (1)", "Disputed (1)", "Processing (0)", "Failed (1)", "Done (0)"):
            assert each in shown
    assert "AssertionError" in text(client, CONSOLE, {"list": "failed"})
    assert "Nothing is being settled." in text(client, CONSOLE, {"list": "processing"})
    waiting = text(client, CONSOLE, {"list": "nonsense", "market": disputed.pk})
    assert "oracle pending" in waiting and "50.00" in waiting and 'data-table="settlement-preview"' in waiting
    assert "resolve-yes" not in waiting, "who may not settle is offered nothing"
    assert client.get(CONSOLE, {"market": "mkt_x"}).status_code == 200


def test_a_market_is_previewed_resolved_settled_and_accounted_for(closed):
    admin, client = enter(roles.RISK)
    found = text(client, CONSOLE)
    assert f"?list=waiting&amp;market={closed.pk}#preview" in found
    shown = text(client, CONSOLE, {"market": closed.pk})
    preview = shown.split('data-table="settlement-preview"')[1].split("</table>")[0]
    lines = [line.split("</tr>")[0] for line in preview.split("<tr>")[2:]]
    figures = [
        [cell.split("</td>")[0] for cell in line.split('<td class="is-number">')[1:]] for line in lines
    ]  # positions, winners, losers, paid out, given back, operators
    assert figures == [
        ["2", "1", "1", "50.00", "0.00", "1"],
        ["2", "1", "1", "20.00", "0.00", "1"],
        ["2", "2", "0", "35.00", "0.00", "1"],
        ["2", "0", "0", "0.00", figures[3][4], "1"],
    ]
    assert Decimal(figures[3][4]) > 38, "both bases, and their fees"
    assert not Settlement.objects.exists(), "looking moves nothing"
    refused = client.post(act(closed, "resolve-yes"), {"reason": " "})
    assert refused.status_code == 400 and not Settlement.objects.exists()
    assert client.post(act(closed, "resolve-yes"), {"reason": "The oracle is days late"}).status_code == 302
    assert "Processing (1)" in text(client, CONSOLE)
    row = settle(closed)
    done = text(client, CONSOLE, {"list": "done"})
    assert "Will it rain?" in done and "YES" in done and "2 of 2" in done
    assert f'href="{url_of(Settlement, row.pk)}">holds</a>' in done
    page = text(client, url_of(Settlement, row.pk))
    assert page.count('<td class="is-fixed">yes</td>') == 5 and ">NO</td>" not in page, "every equation holds"
    assert "2 sent = 0 confirmed + 0 failed + 2 waiting" in page and "Casino Blue" in page
    trail = AuditEntry.objects.get(action="market.resolve")
    assert (trail.actor_id, trail.reason, trail.address) == (admin.id, "The oracle is days late", "127.0.0.1")
    assert "The oracle is days late" in text(client, url_of(Market, closed.pk))


def test_a_broken_statement_says_no(closed):
    _, client = enter(roles.RISK)
    client.post(act(closed, "resolve-yes"), {"reason": "Late"})
    row = settle(closed)
    row.completeness["ledger_rows"] = 0
    row.save(update_fields=["completeness"])
    assert text(client, url_of(Settlement, row.pk)).count('<td class="is-fixed">NO</td>') == 1
    assert "DOES NOT HOLD" in text(client, CONSOLE, {"list": "done"})


def test_a_void_gives_back_what_was_paid(closed):
    _, client = enter(roles.RISK)
    assert client.post(act(closed, "resolve-cancelled"), {"reason": "The question was ambiguous"}).status_code == 302
    row = settle(closed)
    assert (row.resolution, row.total_payout_usd, row.winners) == ("cancelled", 0, 0)
    assert set(Player.objects.values_list("balance_usd", flat=True)) == {Decimal(100)}
    page = text(client, url_of(Settlement, row.pk))
    assert [f'data-act="correct-{outcome}"' in page for outcome in ("yes", "no", "split", "cancelled")] == [
        True, True, True, False,
    ]  # fmt: skip
    before = dict(Player.objects.values_list("id", "balance_usd"))
    wanted = corrected.preview(row, "yes")
    assert client.post(act(row, "correct-yes"), {"reason": "It was clear after all"}).status_code == 302
    moved = sum(Player.objects.get(pk=key).balance_usd - held for key, held in before.items())
    assert moved == wanted["credit_usd"] - wanted["reversal_usd"] + wanted["debt_usd"]
    assert (wanted["positions"], wanted["reversal_usd"] > 0) == (2, True)


def test_a_settlement_is_corrected_once_and_does_what_was_counted(closed):
    _, client = enter(roles.RISK)
    client.post(act(closed, "resolve-yes"), {"reason": "Misread"})
    row = settle(closed)
    winner = Player.objects.get(balance_usd__gt=100)
    # The winner has withdrawn all but 10, so that 40 of the 50 stay owed.
    LedgerEntry.objects.create(
        player=winner,
        type="withdraw",
        amount_usd=Decimal(10) - winner.balance_usd,
        reference_type="withdraw",
        reference_id="w",
        idempotency_key="w",
        actor="test",
        created_at=now(),
    )
    assert corrected.preview(row, "no") == {
        "positions": 2,
        "users": 2,
        "credit_usd": Decimal("20.00"),
        "reversal_usd": Decimal("50.00"),
        "debtors": 1,
        "debt_usd": Decimal("40.00"),
    }
    asked = text(client, act(row, "correct-no"))
    for told in ("Will it rain?", "20.00", "50.00", "40.00", "cannot be corrected again"):
        assert told in asked
    row.refresh_from_db()
    assert row.version == 1, "asking moves nothing"
    assert client.post(act(row, "correct-no"), {"reason": "The feed was wrong"}).status_code == 302
    row.refresh_from_db()
    winner.refresh_from_db()
    assert (row.version, row.resolution, row.total_payout_usd) == (2, "no", Decimal("20.00"))
    assert (winner.debt_usd, winner.balance_usd) == (Decimal("40.00"), 0)
    page = text(client, url_of(Settlement, row.pk))
    assert "data-act" not in page and "Misread" in page and ">NO</td>" not in page
    again = client.post(act(row, "correct-split"), {"reason": "Once more"})
    assert (again.status_code, "corrected once" in again.content.decode()) == (400, True)
    assert AuditEntry.objects.get(action="market.correct").reason == "The feed was wrong"


def test_above_the_payout_a_second_admin_decides(closed, settings):
    settings.PREDICTU_TWO_PERSON, settings.PREDICTU_SETTLEMENT_APPROVAL_USD = True, 40
    first, client = enter(roles.RISK)
    assert "has to approve it first" in text(client, act(closed, "resolve-yes"))
    assert "is not needed" in text(client, act(closed, "resolve-no"))
    assert client.post(act(closed, "resolve-yes"), {"reason": "Late"}).status_code == 302
    approval = Approval.objects.get()
    assert not Settlement.objects.exists()
    waiting = text(client, CONSOLE)
    assert "Resolve YES" in waiting and url_of(Approval, approval.pk) in waiting and first.email in waiting
    assert "data-act" not in text(client, url_of(Approval, approval.pk))
    own = client.post(act(approval, "approve"), {"reason": "My own"})
    assert (own.status_code, "Another admin" in own.content.decode()) == (400, True)
    assert not Settlement.objects.exists()
    second, other = enter(roles.RISK)
    assert 'data-act="approve"' in text(other, url_of(Approval, approval.pk))
    assert "yes" in text(other, act(approval, "approve"))
    assert other.post(act(approval, "approve"), {"reason": "Seen the source"}).status_code == 302
    assert Settlement.objects.get().resolution == "yes"
    assert AuditEntry.objects.get(action="approval.approve").actor_id == second.id
    assert other.post(act(approval, "reject"), {"reason": "Too late"}).status_code == 400


def test_the_markets_page_shows_its_week_its_sides_and_why_it_may_not_trade(closed, operator):
    player = Player.objects.order_by("pk").first()
    hour = now().replace(minute=0, second=0, microsecond=0)
    points = {hour - timedelta(days=2): "0.41", hour - timedelta(hours=3): "0.58"}
    prices.ensure_months(points)
    for at, mid in points.items():
        PricePoint.objects.create(market=closed, at=at, yes_mid=mid)
    Market.objects.filter(pk=closed.pk).update(
        tradeable=False, untradeable_reasons=[{"code": "closed", "text": "The source has closed it."}]
    )
    _, client = enter(roles.READ_ONLY)
    page = text(client, url_of(Market, closed.pk))
    assert "<polyline points=" in page and "between 0.40 and 0.60" in page
    assert "The source has closed it." in page and "proposed" in page
    assert "$50.00 of $50,000" in page and "$20.00 of $50,000" in page and "$70.00 of $50,000" in page
    positions = page.split('data-table="largest-open-positions"')[1].split("</table>")[0]
    assert player.id in positions and player.username not in page and "Casino Blue" in positions
    assert 'data-table="settlement-preview"' in page and "data-act" not in page
    Market.objects.filter(pk=closed.pk).update(waiting_for="")
    page = text(client, url_of(Market, closed.pk))
    assert 'data-table="settlement-preview"' not in page and 'href="?preview=1"' in page
    assert 'data-table="settlement-preview"' in text(client, url_of(Market, closed.pk), {"preview": 1})


def test_staff_override_the_selection_and_take_it_back():
    market = make_market(tradeable=False, untradeable_reasons=[{"code": "low_volume", "text": "Its volume is small."}])
    admin, client = enter(roles.RISK)
    page = text(client, url_of(Market, market.pk))
    assert 'data-act="allow"' in page and 'data-act="leave"' not in page
    asked = text(client, act(market, "allow"))
    assert "Its volume is small." in asked and "survives every sync" in asked
    assert client.post(act(market, "allow"), {"reason": ""}).status_code == 400
    market.refresh_from_db()
    assert market.override == ""
    assert client.post(act(market, "allow"), {"reason": "A partner asked for it"}).status_code == 302
    market.refresh_from_db()
    assert (market.override, market.may_trade) == ("tradeable", True)
    assert client.post(act(market, "leave"), {"reason": "No longer"}).status_code == 302
    market.refresh_from_db()
    assert (market.override, market.may_trade) == ("", False)
    reasons = AuditEntry.objects.filter(action="market.override", actor=admin).order_by("created_at", "id")
    assert sorted(reasons.values_list("reason", flat=True)) == ["A partner asked for it", "No longer"]


def test_every_page_says_that_the_ledger_does_not_verify():
    _, client = enter(roles.READ_ONLY)
    pages = ("/admin/", CONSOLE, "/admin/finance/", "/admin/trading/trade/")
    assert not [path for path in pages if 'data-banner="ledger"' in text(client, path)]
    beat = Heartbeat.objects.create(
        name="ledger", seen_at=now(), detail={"findings": [{"check": "balances", "count": 2}]}
    )
    for path in pages:
        assert "balances: 2 wrong" in text(client, path), path
    beat.detail = {"findings": []}
    beat.save()
    assert not [path for path in pages if 'data-banner="ledger"' in text(client, path)]
    assert "ledger" not in Client().get("/admin/login/").content.decode()


@pytest.mark.parametrize("role", [roles.READ_ONLY, roles.FINANCE])
def test_who_may_not_moves_nothing(role, closed):
    _, client = enter(role)
    for name in ("resolve-yes", "resolve-cancelled", "allow", "pause"):
        assert client.post(act(closed, name), {"reason": "x"}).status_code == 403
    closed.refresh_from_db()
    assert (closed.status, closed.override) == ("active", "") and not Settlement.objects.exists()
    assert Client().get(CONSOLE).status_code == 302


def test_a_chart_spans_its_prices():
    history = [
        {"timestamp": f"2026-03-0{day}T00:00:00Z", "yes_price": Decimal(mid), "volume_usd": Decimal(volume)}
        for day, mid, volume in ((1, "0.50", 0), (2, "0.60", 30), (3, "0.55", 15))
    ]
    chart = price_chart.of_history(history)
    assert chart.line == "0.0,124.0 360.0,0.0 720.0,62.0"
    assert (chart.low, chart.high, chart.now, chart.volume) == ("0.50", "0.60", "0.5500", "45.00")
    assert [(bar["x"], bar["height"]) for bar in chart.bars] == [("360.0", "36.0"), ("360.0", "18.0")]
    assert price_chart.of_history(history[:1]) is None
    flat = price_chart.of_history([row | {"yes_price": Decimal("0.5"), "volume_usd": Decimal(0)} for row in history])
    assert (flat.low, flat.high, flat.bars) == ("0.50", "0.55", ())
