"""Analytics over HTTP against plain loops over the same trades."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.test import Client

from accounts.models import Player
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market, Trade
from trading.services import rollups

pytestmark = pytest.mark.django_db


def ask(path):
    response = Client(headers=as_admin(make_admin())).get(f"/api/internal/analytics/{path}")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def cents(amount):
    return float(Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP))


def history(seed):
    """Users of two operators who signed up over five weeks and traded since, some in bursts; half of it rolled up."""
    dice = random.Random(seed)
    operators = [make_operator(new_tier_limit=1000, regular_tier_limit=1000) for _ in range(2)]
    markets = [make_market(category=category) for category in ("crypto", "sports")]
    players = []
    for number in range(8):
        player = make_player(operators[number % 2], balance="900")
        joined = now() - timedelta(days=dice.randrange(3, 50))
        Player.objects.filter(pk=player.pk).update(created_at=joined, tier=dice.choice(["normal", "sharp"]))
        players.append((player, joined))
    for number in range(60):
        player, joined = dice.choice(players)
        span = int((now() - joined).total_seconds())
        at = joined + timedelta(seconds=dice.randrange(60, span))
        market = dice.choice(markets)
        for step in range(dice.choice([1, 1, 3])):
            moment = min(at + timedelta(minutes=12 * step), now())
            Market.objects.filter(pk=market.pk).update(priced_at=moment)
            place(player, market, dice.randrange(2, 60), at=moment, device=dice.choice(["mobile", "desktop"]))
        if number == 30:
            rollups.compact()
    return operators, list(Player.objects.all()), list(Trade.objects.select_related("operator"))


@pytest.mark.parametrize("seed", [1, 2])
def test_lifetime_value_equals_the_sums_of_trades(seed):
    operators, players, trades = history(seed)
    gross = {player.id: Decimal(0) for player in players}
    first = {player.id: Decimal(0) for player in players}
    joined = {player.id: player.created_at for player in players}
    for trade in trades:
        gross[trade.player_id] += trade.spread_usd + trade.fee_usd
        if trade.created_at < joined[trade.player_id] + timedelta(days=30):
            first[trade.player_id] += trade.spread_usd + trade.fee_usd
    found = ask("ltv")
    assert found["global_ltv_usd"] == cents(sum(gross.values()) / len(players))
    assert found["global_ltv_30d_usd"] == cents(sum(first.values()) / len(players))
    assert {row["label"] for row in found["segments"]} == {operator.slug for operator in operators}
    for row in found["segments"]:
        mine = [p.id for p in players if p.operator_id == next(o.id for o in operators if o.slug == row["label"])]
        assert row["user_count"] == len(mine)
        assert row["ltv_usd"] == cents(sum(gross[player] for player in mine) / len(mine))
        own = [trade for trade in trades if trade.player_id in mine]
        assert row["avg_volume_usd"] == cents(sum(trade.cost_usd for trade in own) / len(mine))
    assert found["trend"][-1]["ltv_usd"] == found["global_ltv_usd"]
    tiers = ask("ltv?segment=tier")["segments"]
    assert sum(row["user_count"] for row in tiers) == len(players)
    by_category = {row["label"]: row for row in ask("ltv?segment=category")["segments"]}
    crypto = [trade for trade in trades if trade.category == "crypto"]
    assert by_category["crypto"]["user_count"] == len({trade.player_id for trade in crypto})
    one = ask(f"ltv?operator={operators[0].slug}")
    assert [row["label"] for row in one["segments"]] == [operators[0].slug]


def test_cohorts_equal_the_weeks_of_trades():
    _, players, trades = history(3)
    weeks = defaultdict(list)

    def week(moment):
        return moment.isocalendar()[:2]

    for player in players:
        weeks[week(player.created_at)].append(player)
    found = ask("cohorts")
    assert [row["cohort"] for row in found["cohorts"]] == [f"{y}-W{w:02d}" for y, w in sorted(weeks)]
    for row, key in zip(found["cohorts"], sorted(weeks), strict=True):
        members = weeks[key]
        assert row["signup_count"] == len(members)
        own = [trade for trade in trades if trade.player_id in {player.id for player in members}]
        assert row["avg_volume_per_user_usd"] == cents(sum((t.cost_usd for t in own), Decimal(0)) / len(members))
        assert row["retention"]["week_0"] == 1
        monday = members[0].created_at - timedelta(days=members[0].created_at.weekday())
        for name, share in row["retention"].items():
            offset = int(name.removeprefix("week_"))
            if offset:
                wanted = week(monday + timedelta(weeks=offset))
                active = {trade.player_id for trade in own if week(trade.created_at) == wanted}
                assert share == round(len(active) / len(members), 4)


def test_behaviour_equals_the_runs_of_trades():
    _, _, trades = history(4)
    begin = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=30)
    recent = [trade for trade in trades if trade.created_at >= begin]
    by_player = defaultdict(list)
    for trade in recent:
        by_player[trade.player_id].append(trade.created_at)
    count, seconds = 0, 0.0
    for times in by_player.values():
        times.sort()
        run = [times[0]]
        for moment in [*times[1:], None]:
            if moment is not None and moment - run[-1] <= timedelta(minutes=30):
                run.append(moment)
                continue
            count += 1
            seconds += (run[-1] - run[0]).total_seconds() if len(run) > 1 else 60
            run = [moment]
    found = ask("behavior")
    assert found["avg_session_duration_minutes"] == pytest.approx(round(seconds / 60 / count, 1), abs=0.051)
    assert found["avg_trades_per_session"] == pytest.approx(len(recent) / count, abs=0.051)
    assert sum(row["pct"] for row in found["category_distribution"]) == pytest.approx(100)
    assert sum(found["device_breakdown"].values()) == pytest.approx(1)
    assert sum(row["trade_count"] for row in found["popular_markets"]) == len(recent)


def test_cohorts_can_be_switched_off():
    from predictu.platform import config
    from predictu.platform.models import ConfigRevision

    ConfigRevision.objects.create(
        values={"features.cohort_analytics": False}, reason="off", actor=make_admin(), created_at=now()
    )
    config.reread()
    response = Client(headers=as_admin(make_admin())).get("/api/internal/analytics/cohorts")
    assert (response.status_code, response.json()["error"]["code"]) == (403, "FEATURE_DISABLED")
