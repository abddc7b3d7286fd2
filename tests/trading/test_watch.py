"""Anomalies from real trades: seen once each, in whatever order they become visible."""

from datetime import timedelta
from decimal import Decimal

import pytest

from operators.models import CallbackEvent
from predictu.platform.models import ActivityEvent
from risk.models import RiskEvent
from tests.factories import make_market, make_operator, make_player, now, place
from trading.models import Market
from trading.services import watch

pytestmark = pytest.mark.django_db
ROOM = {"max_bet_usd": 10_000, "new_tier_limit": 10_000}


@pytest.fixture
def desk():
    operator, market = make_operator(**ROOM), make_market()

    def trade(player, amount=5, *, at=None, market=market, **order):
        at = at or now()
        Market.objects.filter(pk=market.pk).update(priced_at=at)
        return place(player, market, amount_usd=Decimal(amount), at=at, **order)

    trade.operator, trade.market = operator, market
    trade.player = lambda: make_player(operator, balance="9000")
    return trade


def number(*, skip=()):
    """What the relay does, here with a hand on what is visible yet."""
    found = CallbackEvent.objects.filter(sequence=None).exclude(subject_id__in=skip).order_by("ordinal")
    last = CallbackEvent.objects.exclude(sequence=None).count()
    for place_, event in enumerate(found, 1):
        CallbackEvent.objects.filter(pk=event.pk).update(sequence=last + place_)


def test_a_stake_far_beyond_the_users_own_median_is_one_event_however_often(desk):
    player, calm = desk.player(), desk.player()
    for _ in range(3):
        desk(player, 10)
        desk(calm, 10)
    desk(calm, 100)  # ten times exactly
    desk(player, 101)
    for _ in range(4):
        desk(player, 900)
    number()
    assert watch.look(now=now()) == 12
    event = RiskEvent.objects.get(type="anomaly")
    assert (event.player_id, event.operator_id, event.severity) == (player.id, desk.operator.id, "warning")
    assert event.message == f"{{{player.id}}} staked $101.00, 10.1 times their own 30-day median of $10.00"
    assert watch.look(now=now()) == 0
    assert ActivityEvent.objects.get(title="Unusual trading").user_id == player.id


def test_stakes_older_than_thirty_days_do_not_count(desk):
    player, begun = desk.player(), now()
    for days in (31, 32):
        desk(player, 5, at=begun - timedelta(days=days))
    desk(player, 20, at=begun - timedelta(days=29))
    desk(player, 150, at=begun)
    number()
    watch.look(now=begun)
    assert not RiskEvent.objects.filter(type="anomaly").exists()


def test_too_many_trades_in_a_minute_across_two_looks(desk):
    player, calm, begun = desk.player(), desk.player(), now()
    for second in range(20):
        desk(player, 5, at=begun + timedelta(seconds=second))
        desk(calm, 5, at=begun + timedelta(seconds=second * 4), outcome="no")
    number()
    watch.look(now=begun)
    assert not RiskEvent.objects.filter(type="anomaly").exists()
    for second in range(20, 30):
        desk(player, 5, at=begun + timedelta(seconds=second))
    number()
    watch.look(now=begun)
    event = RiskEvent.objects.get(type="anomaly")
    assert (event.player_id, event.message) == (player.id, f"{{{player.id}}} made 21 trades within a minute")


def test_one_sided_flow_over_several_users_is_one_event_for_the_market(desk):
    players, begun = [desk.player() for _ in range(10)], now()
    even = make_market()
    for index in range(60):
        at = begun + timedelta(seconds=10 * index)
        desk(players[index % 10], 5, at=at)
        desk(players[index % 10], 5, at=at, market=even, outcome="no" if index % 9 == 0 else "yes")
    number()
    watch.look(now=begun)
    event = RiskEvent.objects.get(type="anomaly")
    assert (event.market_id, event.operator_id, event.player_id) == (desk.market.id, None, None)
    assert event.message == (
        f"100% of the $250.00 traded on {{{desk.market.id}}} within 15 minutes (50 trades) went to YES"
    )


def test_a_trade_that_commits_late_is_still_seen(desk):
    player = desk.player()
    for _ in range(3):
        desk(player, 10)
    late = desk(player, 500)["id"]
    desk(player, 10)
    number(skip=[late])
    watch.look(now=now())
    assert not RiskEvent.objects.filter(type="anomaly").exists()
    number()
    assert watch.look(now=now()) == 1
    assert RiskEvent.objects.get(type="anomaly").value == 500


def test_test_users_and_old_trades_are_no_news(desk):
    testing = make_operator(stage="testing", onboarded_at=None, **ROOM)
    player, market = make_player(testing, balance="900"), make_market()
    for amount in (10, 10, 500):
        place(player, market, amount_usd=Decimal(amount))
    old = desk.player()
    for amount in (10, 10, 500):
        desk(old, amount, at=now() - timedelta(hours=3))
    number()
    assert watch.look(now=now()) == 0
    assert not RiskEvent.objects.filter(type="anomaly").exists()
