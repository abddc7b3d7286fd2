from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import LedgerEntry, Player
from accounts.services import players
from operators.models import CallbackEvent
from predictu import errors
from risk.models import ExposureBucket
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market, Position, RevenueFact, Trade
from trading.services import cancels, settlements

pytestmark = pytest.mark.django_db

ROOM = {"new_tier_limit": 10_000, "regular_tier_limit": 10_000, "max_bet_usd": 10_000}


def cancel(row):
    return cancels.cancel(trade_id=row["id"], reason="palpable error", actor=make_admin(), now=now())


def state(player):
    fields = "balance_usd debt_usd trade_count volume_usd realized_pnl_usd resolved_count open_positions exposure_usd"
    buckets = ExposureBucket.objects.filter(trade_rows__gt=0).order_by("pk")
    return (
        Player.objects.values(*fields.split()).get(pk=player.pk),
        list(Position.objects.values("quantity", "cost_basis_usd", "bought_quantity", "realized_pnl_usd")),
        list(buckets.values("yes_usd", "no_usd", "position_count", "trade_count", "volume_usd")),
    )


@pytest.fixture
def player():
    return make_player(make_operator(**ROOM), balance="200")


def test_a_cancelled_buy_leaves_everything_as_it_was(player):
    market = make_market()
    place(player, market, 10)
    before = state(player)
    row = place(player, market, 40)
    trade = cancel(row)
    assert state(player) == before
    assert (trade.status, trade.pnl_usd) == ("cancelled", None)
    back = LedgerEntry.objects.filter(player=player, type="adjustment").order_by("seq")
    assert [entry.amount_usd for entry in back] == [Decimal(str(row["cost_usd"])), Decimal(str(row["fee_usd"]))]
    facts = RevenueFact.objects.filter(trade_id=row["id"])
    assert sum(fact.spread_usd + fact.fee_usd + fact.volume_usd for fact in facts) == 0
    events = CallbackEvent.objects.filter(user_id=player.id).order_by("ordinal").values_list("event", flat=True)
    assert list(events)[-2:] == ["TRADE_CANCELLED", "BALANCE_CHANGED"]


def test_a_cancelled_sell_gives_the_shares_back(player):
    market = make_market()
    place(player, market, 40)
    before = state(player)
    cancel(place(player, market, 40, side="sell"))
    assert state(player) == before
    assert Position.objects.get().status == "open"


def test_what_forbids_a_cancel_moves_nothing(player):
    market = make_market()
    bought = place(player, market, 40)
    sold = place(player, market, 10, side="sell")
    before = state(player)
    with pytest.raises(errors.Conflict, match="sold this outcome since"):
        cancel(bought)
    assert state(player) == before
    cancel(sold)
    with pytest.raises(errors.Conflict, match="is cancelled"):
        cancel(sold)
    settlements.resolve(market_id=market.id, outcome="yes", reason="x", actor=make_admin(), now=now())
    with pytest.raises(errors.Conflict, match="resolved"):
        cancel(bought)
    with pytest.raises(errors.NotFound):
        cancels.cancel(trade_id="trd_01h455vb4pex5vsknk084sn02q", reason="x", actor=make_admin(), now=now())


def test_proceeds_that_are_gone_cannot_be_taken_back(player):
    market = make_market()
    place(player, market, 40)
    Market.objects.filter(pk=market.pk).update(yes_mid=Decimal("0.9"), priced_at=now() + timedelta(seconds=1))
    sold = place(player, market, 40, side="sell", at=now() + timedelta(seconds=1))
    left = Player.objects.get(pk=player.pk).balance_usd
    players.move_money(
        operator_id=player.operator_id, player_id=player.id, kind="withdraw", amount_usd=left, key="w", reference=None,
        transaction_id=None, actor="operator:x", now=now(),
    )  # fmt: skip
    before = state(player)
    with pytest.raises(errors.Conflict, match="does not cover"):
        cancel(sold)
    assert state(player) == before and Trade.objects.get(pk=sold["id"]).status == "filled"
