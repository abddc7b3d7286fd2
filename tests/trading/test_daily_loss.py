"""The daily loss limit at trade time: counted to the cent, from 00:00 UTC, over sells and settlements."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from accounts.models import Player
from predictu import errors
from tests.factories import make_admin, make_market, make_operator, make_player, place
from trading.models import Market, Position, Trade
from trading.services import settlements, settling

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 20, tzinfo=UTC)
BEFORE_MIDNIGHT = MIDNIGHT - timedelta(microseconds=1)


@pytest.fixture
def lost():
    """A user who bought 100 YES for 62.62 and sold them for 52.47 at noon: 10.15 lost. ``lost.limit(x)`` sets it."""
    operator = make_operator(max_bet_usd=1000, new_tier_limit=1000, daily_loss_limit_enabled=True)
    player, market = make_player(operator, balance="1000", created_at=NOON), make_market(priced_at=NOON)
    place(player, market, 100, at=NOON)
    Market.objects.filter(pk=market.pk).update(yes_mid=Decimal("0.53"))
    assert place(player, market, 100, side="sell", at=NOON)["pnl_usd"] == -10.15

    def limit(usd, **changes):
        type(operator).objects.filter(pk=operator.pk).update(daily_loss_limit_usd=usd, **changes)

    return SimpleNamespace(player=player, limit=limit)


def buy(lost, at, **order):
    """A buy, at a market priced just then."""
    market = make_market(priced_at=at)
    return place(lost.player, market, 10, at=at, **order)


def refused(lost, at):
    before = list(Player.objects.filter(pk=lost.player.pk).values()), Trade.objects.count(), Position.objects.count()
    with pytest.raises(errors.UserRestricted) as refusal:
        buy(lost, at)
    assert refusal.value.details == {"reason": "daily_loss_limit"}
    after = list(Player.objects.filter(pk=lost.player.pk).values()), Trade.objects.count(), Position.objects.count()
    assert after == before


@pytest.mark.parametrize("limit", ["10.15", "10.14", "0.01"])
def test_a_loss_that_reached_the_limit_stops_buys_until_midnight_utc(lost, limit):
    lost.limit(limit)
    refused(lost, NOON)
    refused(lost, BEFORE_MIDNIGHT)
    assert buy(lost, MIDNIGHT)["status"] == "filled"


def test_a_cent_below_the_limit_is_no_reason(lost):
    lost.limit("10.16")
    assert buy(lost, NOON)["status"] == "filled"


def test_a_limit_that_is_off_or_of_another_operator_binds_nobody(lost):
    lost.limit("1", daily_loss_limit_enabled=False)
    assert buy(lost, NOON)["status"] == "filled"
    lost.limit("1", daily_loss_limit_enabled=True)
    other = make_player(make_operator(), balance="100")
    assert place(other, make_market(priced_at=NOON), 10, at=NOON)["status"] == "filled"


def test_what_is_held_can_still_be_sold(lost):
    lost.limit("10.16")
    held = make_market(priced_at=NOON)
    place(lost.player, held, 10, at=NOON)
    lost.limit("10.15")
    refused(lost, NOON)
    assert place(lost.player, held, 10, side="sell", at=NOON)["status"] == "filled"


def test_a_gain_of_the_same_day_makes_room_again(lost):
    lost.limit("10.16")
    good = make_market(priced_at=NOON)
    place(lost.player, good, 10, at=NOON)
    lost.limit("10.15")
    refused(lost, NOON)
    Market.objects.filter(pk=good.pk).update(yes_mid=Decimal("0.70"))
    assert place(lost.player, good, 10, side="sell", at=NOON)["pnl_usd"] == 0.66  # 6.93 for what cost 6.27
    assert buy(lost, NOON)["status"] == "filled"  # 9.49 lost


def test_a_position_lost_at_settlement_counts_on_the_day_it_settles(lost):
    lost.limit("16.42")
    held = make_market(priced_at=NOON)
    place(lost.player, held, 10, at=NOON)  # 6.27
    assert buy(lost, NOON + timedelta(hours=1))["status"] == "filled"
    row = settlements.resolve(market_id=held.id, outcome="no", reason="x", actor=make_admin(), now=NOON).settlement
    assert settling.settle(row.id, now=BEFORE_MIDNIGHT)
    refused(lost, BEFORE_MIDNIGHT)  # 10.15 + 6.27
    lost.limit("16.43")
    assert buy(lost, BEFORE_MIDNIGHT)["status"] == "filled"
    lost.limit("16.42")
    assert buy(lost, MIDNIGHT)["status"] == "filled"


def test_a_position_settled_after_midnight_is_the_new_days_loss(lost):
    lost.limit("100")
    held = make_market(priced_at=NOON)
    place(lost.player, held, 10, at=NOON)
    lost.limit("6.27")
    row = settlements.resolve(market_id=held.id, outcome="no", reason="x", actor=make_admin(), now=NOON).settlement
    assert settling.settle(row.id, now=MIDNIGHT)
    refused(lost, MIDNIGHT + timedelta(hours=23))
    assert buy(lost, MIDNIGHT + timedelta(days=1))["status"] == "filled"
