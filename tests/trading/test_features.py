"""The set-wise gathering of features against their definition in plain Python, and what becomes of a score."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Player
from operators.models import CallbackEvent
from predictu import clock
from risk import features as meaning
from risk.models import PlayerScore, RiskEvent
from risk.scoring import Features
from risk.services import scores
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market, PricePoint, Trade
from trading.queries import features
from trading.services import cancels, evaluations, prices, settlements, settling

pytestmark = pytest.mark.django_db


def history(seed):
    """Markets with wandering mids, some over, and players who buy and sell on them."""
    dice = random.Random(seed)
    end = clock.hour_start(now())
    markets = []
    for number in range(4):
        market = make_market(
            end_date=end + timedelta(hours=dice.choice([-4, 30])),
            game_start_at=end - timedelta(hours=3) if number == 1 else None,
            source_closed_at=end - timedelta(hours=1) if number == 2 else None,
        )
        mid, at, points = Decimal("0.5"), end - timedelta(hours=30), []
        while at <= end:
            points.append(PricePoint(market=market, at=at, yes_mid=mid))
            step = Decimal(dice.randrange(-50, 51)) / 1000
            mid = min(Decimal("0.97"), max(Decimal("0.03"), mid + step))
            at += timedelta(minutes=dice.choice([1, 3, 20]))
        prices.ensure_months([points[0].at, points[-1].at])
        PricePoint.objects.bulk_create(points)
        markets.append((market, points))
    operators = [make_operator(new_tier_limit=1000, min_bet_usd="0.01", spread_override_bps=100) for _ in range(2)]
    players = [make_player(operators[n % 2], balance="5000") for n in range(4)]
    for _ in range(70):
        market, points = dice.choice(markets)
        point = dice.choice(points[:-1])
        if not Decimal("0.02") <= point.yes_mid <= Decimal("0.98"):
            continue
        at = point.at + timedelta(seconds=dice.randrange(30))
        outcome, followers = dice.choice(["yes", "no"]), players if dice.random() < 0.3 else [dice.choice(players)]
        for number, player in enumerate(followers):
            moment = at + timedelta(seconds=number * 20)
            Market.objects.filter(pk=market.pk).update(yes_mid=point.yes_mid, priced_at=moment)
            place(player, market, dice.randrange(5, 30), outcome=outcome, at=moment)
    return markets, players


def plain(markets, players, moment):
    """The same features by the definitions, in loops."""
    histories = {
        market.id: meaning.MarketHistory(
            [point.at for point in points], [point.yes_mid for point in points],
            market.game_start_at, market.end_date, market.source_closed_at,
        )
        for market, points in markets
    }  # fmt: skip
    buys = {
        player.id: [
            meaning.Buy(t.market_id, t.outcome, t.price, t.mid, t.cost_usd, t.created_at)
            for t in Trade.objects.filter(player=player, side="buy").order_by("created_at", "id")
        ]
        for player in players
    }
    found = {}
    for player in players:
        pairs = [(buy, histories[buy.market]) for buy in buys[player.id]]
        together = meaning.correlation(player.id, buys)
        found[player.id] = (
            meaning.edge(pairs, now=moment),
            meaning.timing(pairs, now=moment),
            meaning.steadiness([buy.cost_usd for buy in buys[player.id]]),
            together[0] if together else None,
        )
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_gathered_features_are_the_defined_ones(seed):
    markets, players = history(seed)
    moment = now()
    gathered = features.gather([player.id for player in players], features.matches(moment), moment)
    assert {
        player_id: (found.edge_detection, found.timing, found.volume_pattern, found.correlation)
        for player_id, found in gathered.items()
    } == plain(markets, players, moment)


def test_results_are_those_known_at_the_moment_and_only_what_was_held_is_won_or_lost():
    start = now() - timedelta(days=2)
    player = make_player(make_operator(new_tier_limit=1000, min_bet_usd="0.01"), balance="500", now=start)
    sold, held, void, undone = (make_market() for _ in range(4))

    def trade(market, minutes, side="buy", mid="0.62"):
        at = start + timedelta(minutes=minutes)
        Market.objects.filter(pk=market.pk).update(yes_mid=Decimal(mid), priced_at=at)
        return place(player, market, 10, side=side, at=at)

    for minutes, market in enumerate((sold, held, void, undone), start=1):
        last = trade(market, minutes)
    trade(sold, 10, side="sell", mid="0.80")
    cancels.cancel(trade_id=last["id"], reason="x", actor=make_admin(), now=start + timedelta(minutes=20))
    for market, outcome in ((sold, "yes"), (held, "no"), (void, "cancelled")):
        at = start + timedelta(minutes=30)
        row = settlements.resolve(market_id=market.id, outcome=outcome, reason="x", actor=make_admin(), now=at)
        settling.settle(row.settlement.id, now=at)

    def at(minutes):
        moment = start + timedelta(minutes=minutes)
        [found] = features.gather([player.id], features.matches(moment), moment).values()
        return found.resolved, found.win_rate, found.volume_pattern

    assert at(5) == (0, None, Decimal(1))
    assert at(15) == (1, None, Decimal(1))
    assert at(60) == (3, Decimal(0), Decimal(1))


def sharp(**values):
    return Features(
        **{
            "resolved": 40,
            "win_rate": Decimal("0.8"),
            "edge_detection": Decimal("0.05"),
            "timing": Decimal("0.4"),
            "volume_pattern": Decimal("0.9"),
            "correlation": None,
        }
        | values
    )


def test_a_score_moves_the_tier_and_tells_everyone_once():
    player = make_player(make_operator())
    scores.judge({player.id: sharp()}, now=now())
    player.refresh_from_db()
    assert (player.score, player.tier, player.tier_set_by) == (74, "sharp", "system")
    event = RiskEvent.objects.get(type="sharp_detection")
    assert (event.severity, event.player_id, event.value) == ("warning", player.id, 74)
    assert not CallbackEvent.objects.filter(event="USER_RESTRICTED").exists()
    scores.judge({player.id: sharp(correlation=Decimal("0.3"))}, now=now())
    player.refresh_from_db()
    assert (player.score, player.tier) == (89, "restricted")
    assert b'"score":89,"classification":"restricted"' in bytes(CallbackEvent.objects.get(event="USER_RESTRICTED").body)
    scores.judge({player.id: sharp(correlation=Decimal("0.3"))}, now=now())
    assert RiskEvent.objects.filter(type="sharp_detection").count() == 2
    scores.judge({player.id: sharp(win_rate=Decimal("0.3"), timing=Decimal(0))}, now=now())
    player.refresh_from_db()
    assert player.tier == "normal"
    assert RiskEvent.objects.filter(type="sharp_detection", severity="info").count() == 1
    assert PlayerScore.objects.filter(player=player).count() == 4


@pytest.mark.parametrize(
    ("expires", "tier"), [(None, "banned"), (timedelta(days=1), "banned"), (-timedelta(seconds=1), "sharp")]
)
def test_what_staff_have_set_stands_until_it_expires(expires, tier):
    until = None if expires is None else now() + expires
    player = make_player(make_operator(), tier="banned", tier_set_by="staff", tier_expires_at=until)
    scores.judge({player.id: sharp()}, now=now())
    player.refresh_from_db()
    assert (player.score, player.tier) == (74, tier)


def test_only_players_with_news_are_judged_again():
    operator, market = make_operator(), make_market()
    traded, idle = make_player(operator, balance="50"), make_player(operator)
    place(traded, market, 5)
    assert evaluations.evaluate(None, now=now()) == 1
    Player.objects.filter(pk=traded.pk).update(score_evaluated_at=now() + timedelta(hours=26))
    assert features.players_with_news(now()) == []
    idle.refresh_from_db()
    assert idle.score is None


def test_the_score_endpoint_shows_the_newest_evaluation_and_its_weeks():
    player = make_player(make_operator())
    for days, rate in ((20, "0.5"), (13, "0.6"), (12, "0.7"), (0, "0.8")):
        scores.judge({player.id: sharp(win_rate=Decimal(rate))}, now=now() - timedelta(days=days))
    client = Client(headers=as_admin(make_admin()))
    found = client.get(f"/api/internal/users/{player.id}/score").json()["data"]
    assert (found["score"], found["tier"], found["sample_size"], found["confidence"]) == (74, "sharp", 40, 1)
    assert found["components"]["win_rate"] == {
        "score": 25, "max": 25, "value": 0.8, "detail": found["components"]["win_rate"]["detail"],
    }  # fmt: skip
    assert found["tier_thresholds"]["restricted"] == {"min": 80, "max": 100}
    assert found["history"][0]["score"] == 74
    weeks = {(now() - timedelta(days=days)).isocalendar()[:2] for days in (20, 13, 12, 0)}
    assert len(found["history"]) == len(weeks)
    listed = client.get("/api/internal/risk/sharp-bettors").json()
    assert (listed["total"], listed["data"][0]["user_id"], listed["data"][0]["clv_edge"]) == (1, player.id, 0.05)
    assert client.get("/api/internal/risk/sharp-bettors?tier=restricted").json()["data"] == []
    detail = client.get(f"/api/internal/users/{player.id}").json()["data"]["scoring"]
    assert detail["components"]["win_rate_score"] == 25


def test_nobody_judged_shows_zeros():
    player = make_player(make_operator())
    found = Client(headers=as_admin(make_admin())).get(f"/api/internal/users/{player.id}/score").json()["data"]
    assert (found["score"], found["history"], found["last_evaluated_at"]) == (0, [], None)
