"""The review queue: find who is flagged, see the evidence, decide with a reason, find it in the audit trail."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts import roles
from accounts.models import Player
from operators.models import CallbackEvent
from predictu.admin_base import page_of
from predictu.platform.models import AuditEntry
from risk.models import RiskEvent
from risk.scoring import Features, Match
from risk.services import scores
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market, PricePoint
from trading.queries import evidence, features
from trading.services import evaluations, prices

pytestmark = pytest.mark.django_db
QUEUE = "/admin/risk/review/"


def enter(*groups):
    admin = make_admin(*groups)
    client = Client()
    client.force_login(admin)
    return admin, client


def review_of(player, act=None):
    parts = [player.id] if act is None else [player.id, act]
    return reverse("admin:risk_review" if act is None else "admin:risk_review_act", args=parts)


def flagged(score_days=(20, 5, 0), **values):
    """A user whose score has made them sharp."""
    player = make_player(make_operator(name="Casino Blue"))
    other = make_player(make_operator(name="Casino Red"))
    judged = Features(
        **{
            "resolved": 40, "win_rate": Decimal("0.8"), "edge_detection": Decimal("0.05"), "timing": Decimal("0.4"),
            "volume_pattern": Decimal("0.9"), "correlation": None, "match": Match(other.id, 7),
        } | values
    )  # fmt: skip
    for days in score_days:
        scores.judge({player.id: judged}, now=now() - timedelta(days=days))
    player.refresh_from_db()
    return player


def text_of(client, url):
    return client.get(url).content.decode()


def test_a_flagged_user_is_found_judged_and_gone_from_the_queue():
    player = flagged()
    admin, client = enter(roles.RISK)
    queue = text_of(client, QUEUE)
    assert player.id in queue and "Casino Blue" in queue and "Raise spread" in queue
    assert queue.index("Waiting for a verdict") < queue.index(review_of(player))
    page = text_of(client, review_of(player))
    for shown in ("<polyline", "bets before moves", "Lower max bet: 40%", "74 at the last of 3 evaluations"):
        assert shown in page
    asked = text_of(client, review_of(player, "restrict"))
    assert "Open flags that this answers" in asked and "Casino Blue" in asked
    player.refresh_from_db()
    assert (player.tier, player.tier_set_by) == ("sharp", "system"), "asking moves nothing"
    assert client.post(review_of(player, "restrict"), {"reason": " "}).status_code == 400
    given = {"reason": "Ahead of the feed", "days": "14"}
    assert client.post(review_of(player, "restrict"), given).status_code == 302
    player.refresh_from_db()
    assert (player.tier, player.tier_set_by) == ("restricted", "staff")
    assert timedelta(days=13) < player.tier_expires_at - now() <= timedelta(days=14)
    assert not RiskEvent.objects.filter(type="sharp_detection", resolved_at=None).exists()
    event = RiskEvent.objects.filter(type="sharp_detection").earliest("created_at")
    assert (event.resolved_by_id, event.resolution_note) == (admin.id, "Ahead of the feed")
    entry = AuditEntry.objects.get(action="user.change", object_id=player.id)
    assert (entry.actor_id, entry.reason, entry.address) == (admin.id, "Ahead of the feed", "127.0.0.1")
    assert entry.changes["tier"] == {"from": "sharp", "to": "restricted"}
    assert CallbackEvent.objects.filter(event="USER_RESTRICTED", user_id=player.id).count() == 1
    queue = text_of(client, QUEUE)
    assert "Nobody waits." in queue and "Decided by staff" in queue and player.id in queue


def test_a_cleared_user_is_left_alone_until_the_days_are_over():
    player = flagged()
    _, client = enter()
    page = text_of(client, review_of(player, "clear"))
    assert 'name="days" value="30"' in page
    client.post(review_of(player, "clear"), {"reason": "A trader we know", "days": "30"})
    player.refresh_from_db()
    assert (player.tier, player.tier_set_by) == ("normal", "staff")
    again = Features(
        resolved=40, win_rate=Decimal("0.8"), edge_detection=Decimal("0.05"), timing=Decimal("0.4"),
        volume_pattern=Decimal("0.9"), correlation=None,
    )  # fmt: skip
    scores.judge({player.id: again}, now=now() + timedelta(days=29))
    player.refresh_from_db()
    assert (player.tier, player.score) == ("normal", 74)
    assert features.players_with_news(now() + timedelta(days=29)) == []
    Player.objects.filter(pk=player.pk).update(trade_count=1)
    assert features.players_with_news(now() + timedelta(days=31)) == [player.id]
    scores.judge({player.id: again}, now=now() + timedelta(days=31))
    player.refresh_from_db()
    assert (player.tier, player.tier_set_by, player.tier_expires_at) == ("sharp", "system", None)
    assert "Since, UTC" in text_of(client, QUEUE) and "Nobody waits." not in text_of(client, QUEUE)


def test_a_verdict_shows_its_end_and_is_lifted():
    player = flagged()
    _, client = enter()
    client.post(review_of(player, "confirm"), {"reason": "Seen", "days": "7"})
    page = text_of(client, review_of(player))
    assert "Decided until" in page and 'data-act="lift"' in page
    assert client.post(review_of(player, "lift"), {"reason": "Too long ago"}).status_code == 302
    player.refresh_from_db()
    assert (player.tier, player.tier_set_by, player.tier_expires_at) == ("normal", "system", None)
    assert 'data-act="lift"' not in text_of(client, review_of(player))


def test_only_who_may_manage_users_decides():
    player = flagged()
    _, client = enter(roles.READ_ONLY)
    assert "data-act" not in text_of(client, review_of(player))
    for name in ("confirm", "restrict", "clear", "lift", "ban"):
        assert client.post(review_of(player, name), {"reason": "x"}).status_code == 403
    player.refresh_from_db()
    assert (player.tier, player.tier_set_by) == ("sharp", "system")
    assert client.get("/admin/risk/review/usr_none/").status_code == 404


def together():
    """Two accounts of two operators that buy the same within seconds, just before the mid moves."""
    operators = [make_operator(new_tier_limit=1000, min_bet_usd="0.01") for _ in range(2)]
    pair = [make_player(operator, balance="5000") for operator in operators]
    start = now() - timedelta(hours=30)
    prices.ensure_months([start, now()])
    for number in range(10):
        market = make_market(title=f"Will it be {number}?", end_date=start + timedelta(hours=20))
        moments = ((0, "0.50"), (4, "0.60"), (120, "0.70"))
        PricePoint.objects.bulk_create(
            [PricePoint(market=market, at=start + timedelta(minutes=m), yes_mid=Decimal(mid)) for m, mid in moments]
        )
        for place_, player in enumerate(pair):
            at = start + timedelta(minutes=1, seconds=30 * place_)
            Market.objects.filter(pk=market.pk).update(yes_mid=Decimal("0.50"), priced_at=at)
            place(player, market, 10 + number, at=at)
    return pair


def test_the_evidence_is_what_the_score_is_made_of():
    mine, other = together()
    moment = now()
    evaluations.evaluate([mine.id], now=moment)
    found = features.gather([mine.id], features.matches(moment), moment)[mine.id]
    [company] = evidence.company(mine.id, now=moment, most=5)
    assert (company.player_id, company.matched, company.share) == (other.id, 10, found.correlation)
    buys = evidence.driving(mine.id, now=moment, most=20)
    assert len(buys) == 10 and all(buy.followed and buy.closing_mid == Decimal("0.7") for buy in buys)
    edge = sum(buy.gained_usd for buy in buys) / sum(buy.cost_usd for buy in buys)
    assert round(edge, 4) == found.edge_detection
    assert [buy.gained_usd for buy in buys] == sorted((buy.gained_usd for buy in buys), reverse=True)
    _, client = enter()
    page = text_of(client, review_of(mine))
    for shown in (review_of(other), "100.0%", page_of(buys[0].id), "Will it be 9?"):
        assert shown in page
