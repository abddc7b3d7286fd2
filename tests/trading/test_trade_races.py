"""Trades among real transactions: decided on a look that holds nothing, so whatever moves after it must show."""

import threading
from decimal import Decimal

import orjson
import pytest
from django.db import connections

from accounts.models import LedgerEntry, Player, system_admin
from accounts.services import players
from operators.models import CallbackEvent, IdempotencyRecord, Operator
from operators.services import idempotency
from risk.models import ExposureBucket
from risk.services import limits
from tests.factories import make_market, make_operator, make_player, now, place
from trading.api import rows
from trading.models import Market, Position, Trade
from trading.orders import Order
from trading.services import decisions, trade_facts, trade_writes, trades, verification

pytestmark = pytest.mark.committed

ROOM = {"new_tier_limit": 10_000, "regular_tier_limit": 10_000, "max_bet_usd": 10_000}


def moved():
    """Everything a trade writes."""
    tables = (Trade, Position, Player, LedgerEntry, CallbackEvent, ExposureBucket, IdempotencyRecord)
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


def test_whatever_moves_between_the_look_and_the_write_leaves_no_trace_of_the_trade(jobs_wait):
    operator, market = make_operator(**ROOM), make_market()
    player = make_player(operator, balance="1000")
    order = Order(player.id, market.id, "yes", "buy", quantity=Decimal(5))
    keys = iter(range(100))

    def looked():
        call = idempotency.Call(operator.id, "trade", f"late-{next(keys)}", "f" * 64)
        where = {"operator_id": operator.id, "player_id": player.id, "market_id": market.id, "outcome": "yes"}
        facts = trade_facts.look(**where)
        decision = decisions.decide(call, order, facts, now=now())
        return lambda: trade_writes.write(call, facts, decision, b"{}", now())

    place(player, market, 2)
    changes = {
        "money": lambda: players.move_money(
            operator_id=operator.id, player_id=player.id, kind="withdraw", amount_usd=Decimal(1), key="w",
            reference=None, transaction_id=None, actor=f"operator:{operator.id}", now=now(),
        ),
        "the position": lambda: Position.objects.update(avg_price=Decimal("0.5")),
        "the operator": lambda: Operator.objects.update(name="Another name"),
        "the price": lambda: Market.objects.update(yes_mid=Decimal("0.63")),
        "a limit": lambda: limits.change(
            changes={"risk.per_market_max_usd": Decimal(900)}, actor=system_admin(), reason="x", now=now()
        ),
        "the same trade": lambda: place(player, market, 5),
    }  # fmt: skip
    for name, change in changes.items():
        write = looked()
        change()
        before = moved()
        with pytest.raises(trade_facts.Stale):
            write()
        assert moved() == before, name
    assert looked()() is None
    assert Position.objects.get().quantity == 12
    assert verification.verify() == []


def test_one_call_made_six_times_at_once_is_one_trade(jobs_wait):
    operator, market = make_operator(**ROOM), make_market()
    player = make_player(operator, balance="20")
    call = idempotency.Call(operator.id, "trade", "once", "f" * 64)
    order = Order(player.id, market.id, "yes", "buy", quantity=Decimal(20))
    answers, together = [], threading.Barrier(6)

    def act():
        together.wait()
        try:
            answers.append(trades.place(call=call, order=order, render=rows.executed, now=now()))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The money is enough for one: a repeat that found it gone must have waited for the answer, not have been refused.
    assert len({answer.body for answer in answers}) == 1 and len(answers) == 6
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 5
    assert [trade.id for trade in Trade.objects.all()] == [orjson.loads(answers[0].body)["id"]]


def test_an_operators_counters_made_after_the_first_look_are_found():
    operator, market = make_operator(**ROOM), make_market()
    player = make_player(operator, balance="100")
    ExposureBucket.objects.filter(scope_id=market.id).delete()
    place(player, market, 2)
    place(player, market, 3)
    assert ExposureBucket.objects.get(scope="market", scope_id=market.id).yes_usd == 5
