"""Cancelling a trade while its market is resolved and settled, among real transactions."""

import threading
import time

import pytest
from django.db import connection, connections, transaction

from accounts.models import LedgerEntry, Player
from operators.models import CallbackEvent
from predictu import errors
from risk.models import ExposureBucket
from risk.services import breakers
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.models import Position, RevenueFact, Trade
from trading.services import cancels, settlements, settling, verification

pytestmark = pytest.mark.committed

ROOM = {"new_tier_limit": 10_000, "regular_tier_limit": 10_000, "max_bet_usd": 10_000}
_WAITING = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
"""


def moved():
    """Everything a cancel writes, but for how often its buckets were held."""
    tables = (Trade, Position, Player, LedgerEntry, CallbackEvent, RevenueFact)
    counted = ExposureBucket.objects.order_by("pk").values("scope", "yes_usd", "no_usd", "trade_count", "volume_usd")
    return [list(table.objects.order_by("pk").values()) for table in tables] + [list(counted)]


class Cancelling(threading.Thread):
    """Cancels a trade on a connection of its own; ``outcome`` is what became of it."""

    def __init__(self, trade_id):
        super().__init__()
        self.trade_id, self.actor, self.outcome = trade_id, make_admin(), None

    def run(self):
        try:
            cancels.cancel(trade_id=self.trade_id, reason="palpable", actor=self.actor, now=now())
            self.outcome = "cancelled"
        except Exception as error:
            self.outcome = error
        connections.close_all()


@pytest.fixture
def trade(jobs_wait):
    player = make_player(make_operator(**ROOM), balance="100")
    return Trade.objects.get(pk=place(player, make_market(), 10)["id"])


def test_it_does_not_wait_for_a_trade_that_is_being_settled(trade):
    before = moved()
    with transaction.atomic():
        Trade.objects.select_for_update(no_key=True).get(pk=trade.pk)
        cancelling = Cancelling(trade.pk)
        cancelling.start()
        cancelling.join(timeout=20)
        assert isinstance(cancelling.outcome, errors.Conflict)
    assert moved() == before


def test_a_market_resolved_while_it_works_undoes_it(trade):
    before = moved()
    with transaction.atomic():
        breakers.hold_bucket("market", trade.market_id)
        cancelling = Cancelling(trade.pk)
        cancelling.start()
        deadline = time.monotonic() + 20
        with connection.cursor() as cursor:
            waiting = 0
            while not waiting and time.monotonic() < deadline:
                waiting = cursor.execute(_WAITING).fetchone()[0]
        assert waiting, "the cancel should have come to the market's bucket"
        done = settlements.resolve(market_id=trade.market_id, outcome="yes", reason="x", actor=make_admin(), now=now())
    cancelling.join(timeout=20)
    assert isinstance(cancelling.outcome, errors.Conflict)
    assert moved() == before
    assert settling.settle(done.settlement.id, now=now())
    assert Trade.objects.get(pk=trade.pk).status == "settled"
    assert verification.verify() == []
