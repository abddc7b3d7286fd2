"""Settlement among real transactions: killed at every write, and raced by trades."""

import multiprocessing
from decimal import Decimal

import pytest
from django.db import connection, connections

from accounts.models import LedgerEntry, Player
from operators.models import CallbackEvent
from predictu import errors
from predictu.platform.models import ConfigRevision
from risk.models import ExposureBucket
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market, Position, RevenueFact, Settlement, SettlementPart, Trade
from trading.services import settlements, settling, verification

pytestmark = pytest.mark.committed

ROOM = {"new_tier_limit": 10_000, "regular_tier_limit": 10_000, "max_bet_usd": 10_000}
WRITTEN = (
    "trading_trade", "trading_position", "accounts_ledgerentry", "accounts_player", "operators_callbackevent",
    "trading_settlement", "trading_settlementpart", "trading_revenuefact", "risk_exposurebucket",
    "platform_activityevent",
)  # fmt: skip
_KILLER = """
CREATE SEQUENCE kill_count;
CREATE TABLE kill_at (number bigint);
INSERT INTO kill_at VALUES (0);
CREATE FUNCTION kill_backend() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('kill_count') = (SELECT number FROM kill_at) THEN
    PERFORM pg_terminate_backend(pg_backend_pid());
  END IF;
  RETURN NEW;
END $$;
"""


def dump():
    """Everything a settlement writes, without what a mere attempt may note."""
    tables = (Trade, Position, Player, LedgerEntry, CallbackEvent, RevenueFact, ExposureBucket, SettlementPart, Market)
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_killed_at_any_write_it_leaves_no_trace_and_is_taken_up_again(jobs_wait):
    market, operator = make_market(), make_operator(**ROOM)
    users = [make_player(operator, balance="100") for _ in range(2)]
    place(users[0], market, 10)
    place(users[1], market, 10, outcome="no")
    ConfigRevision.objects.create(
        values={"fees.settlement_fee_bps": 150}, reason="fee", actor=make_admin(), created_at=now()
    )
    done = settlements.resolve(market_id=market.id, outcome="yes", reason="x", actor=make_admin(), now=now())
    run(_KILLER)
    for table in WRITTEN:
        run(f"CREATE TRIGGER killer BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION kill_backend()")
    before = dump()
    for number in range(1, 200):
        run(f"UPDATE kill_at SET number = {number}")
        run("SELECT setval('kill_count', 1, false)")
        try:
            assert settling.settle(done.settlement.id, now=now())
        except Exception:
            connections.close_all()
            assert dump() == before, f"killed at write {number}"
        else:
            break
    assert number > 10
    row = Settlement.objects.get()
    assert (row.status, row.positions_settled, row.total_payout_usd) == ("completed", 2, 10)
    entries = LedgerEntry.objects.filter(reference_id=row.id).order_by("seq")
    assert list(entries.values_list("type", "amount_usd")) == [("settlement", 10), ("fee", Decimal("-0.15"))]
    assert RevenueFact.objects.get(kind="settlement_fee").settlement_fee_usd == Decimal("0.15")
    assert CallbackEvent.objects.filter(event="POSITION_RESOLVED").count() == 2
    assert settling.settle(row.id, now=now()) is False
    assert verification.verify() == []


def _trade_on(player, market, results, started):
    """A process of its own: trades until it is refused."""
    connections.close_all()
    accepted, end = [], "never refused"
    for _ in range(2_000):
        try:
            accepted.append(place(player, market, 2, key=f"{player.id}-{len(accepted)}")["id"])
            started.set()
        except errors.MarketNotTradeable as refusal:
            end = refusal.details["reasons"]
            break
        except Exception as error:
            end = repr(error)
            break
    connections.close_all()
    results.put((accepted, end))


def test_processes_racing_a_resolution_lose_no_trade_before_it_and_make_none_after(jobs_wait):
    market, operator = make_market(), make_operator(**ROOM)
    users = [make_player(operator, balance="5000") for _ in range(4)]
    context = multiprocessing.get_context("fork")
    results, started = context.Queue(), context.Event()
    connections.close_all()
    traders = [context.Process(target=_trade_on, args=(user, market, results, started)) for user in users]
    for trader in traders:
        trader.start()
    assert started.wait(30)
    done = settlements.resolve(market_id=market.id, outcome="yes", reason="x", actor=make_admin(), now=now())
    held = {trade.id for trade in Trade.objects.all()}
    assert settling.settle(done.settlement.id, now=now())
    ends = [results.get(timeout=60) for _ in traders]
    for trader in traders:
        trader.join()
    assert [end for _, end in ends] == [["market_resolved"]] * 4
    accepted = {trade_id for trades, _ in ends for trade_id in trades}
    assert accepted == held == {trade.id for trade in Trade.objects.filter(status="settled")} != set()
    assert not Position.objects.filter(status="open").exists()
    assert verification.verify() == []
