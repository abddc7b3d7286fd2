import re
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from predictu.platform.models import ActivityEvent, Heartbeat
from risk.models import ExposureBucket, RiskEvent
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.models import Position, Trade
from trading.services import cancels, settlements, settling, verification

pytestmark = pytest.mark.django_db

ROOM = {"new_tier_limit": 1000, "regular_tier_limit": 1000}


@pytest.fixture
def lived(settings, tmp_path):
    """Trades, a cancel, a settlement, a void; the player who did it all."""
    settings.PREDICTU_ANCHOR_DIR = str(tmp_path)
    player = make_player(make_operator(**ROOM), balance="500")
    kept, won, void = make_market(), make_market(), make_market()
    for market in (kept, won, void):
        place(player, market, 20)
        place(player, market, 5, side="sell")
    cancels.cancel(trade_id=place(player, kept, 10, outcome="no")["id"], reason="x", actor=make_admin(), now=now())
    for market, outcome in ((won, "yes"), (void, "cancelled")):
        done = settlements.resolve(market_id=market.id, outcome=outcome, reason="x", actor=make_admin(), now=now())
        settling.settle(done.settlement.id, now=now())
    return player


def raw(statement):
    """A change behind the database's guards, as the tables' owner could make it."""
    table = re.search(r"(?:UPDATE|FROM) (\w+)", statement)[1]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def checks():
    return {finding.check for finding in verification.verify()}


def test_what_really_happened_verifies(lived):
    assert verification.verify() == []
    verification.anchor(now=now())
    assert verification.verify() == []


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ("UPDATE accounts_ledgerentry SET amount_usd = amount_usd + 1, balance_after_usd = balance_after_usd + 1 "
         "WHERE seq = 2", "ledger chain"),
        ("UPDATE accounts_ledgerentry SET reference_id = 'trd_other' WHERE seq = 2", "ledger chain"),
        ("UPDATE accounts_ledgerentry SET actor = 'system' WHERE seq = 1", "ledger chain"),
        ("DELETE FROM accounts_ledgerentry WHERE seq = 3", "ledger chain"),
        ("UPDATE accounts_player SET balance_usd = balance_usd + 1", "balances"),
        ("UPDATE accounts_player SET trade_count = trade_count + 1", "users' counters"),
        ("UPDATE accounts_player SET winning_count = winning_count + 1", "users' counters"),
        ("UPDATE trading_trade SET fee_usd = fee_usd + 1 WHERE side = 'buy'", "trades and ledger"),
        ("UPDATE trading_trade SET quantity = quantity + 1 WHERE side = 'buy'", "positions and trades"),
        ("UPDATE trading_position SET quantity = quantity - 1 WHERE status = 'open' AND quantity > 1",
         "positions and trades"),
        ("UPDATE risk_exposurebucket SET yes_usd = yes_usd + 1 WHERE scope = 'global'", "exposure counters"),
        ("UPDATE risk_exposurebucket SET volume_usd = volume_usd + 1 WHERE scope = 'operator'", "exposure counters"),
        ("UPDATE trading_position SET payout_usd = payout_usd + 1 WHERE payout_price = 1", "settlements and ledger"),
        ("UPDATE trading_settlement SET positions_settled = 9", "settlements and ledger"),
        ("UPDATE trading_revenuefact SET spread_usd = spread_usd + 1 WHERE kind = 'trade'", "revenue facts and trades"),
        ("DELETE FROM trading_revenuefact WHERE kind = 'cancel'", "revenue facts and trades"),
        ("UPDATE trading_revenuefact SET rolled = true", "revenue rollups and facts"),
    ],
)  # fmt: skip
def test_a_single_change_is_found_and_named(lived, change, wrong):
    raw(change)
    assert wrong in checks()


def test_a_rewritten_chain_betrays_itself_by_the_anchor(lived, settings, tmp_path):
    verification.anchor(now=now())
    raw("DELETE FROM accounts_ledgerentry WHERE seq = (SELECT max(seq) FROM accounts_ledgerentry)")
    assert "ledger anchors" in checks()


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x")])
def test_an_anchor_that_is_gone_or_changed_is_told(lived, tmp_path, spoil):
    verification.anchor(now=now())
    [path] = tmp_path.glob("*.json.gz")
    spoil(path)
    assert checks() == {"ledger anchors"}


def test_another_key_does_not_make_our_anchor(lived, settings):
    verification.anchor(now=now())
    settings.PREDICTU_LEDGER_ANCHOR_KEYS = ["somebody else's"]
    assert checks() == {"ledger anchors"}


def test_rotating_the_anchor_key(lived, settings):
    verification.anchor(now=now())
    settings.PREDICTU_LEDGER_ANCHOR_KEYS = ["new", *settings.PREDICTU_LEDGER_ANCHOR_KEYS]
    assert checks() == set()
    verification.anchor(now=now())
    settings.PREDICTU_LEDGER_ANCHOR_KEYS = ["new"]
    assert checks() == {"ledger anchors"}, "the old anchor wants the old key for as long as anchors are checked"


def test_the_nightly_run_anchors_what_holds_and_raises_alarm_when_not(lived, tmp_path):
    assert verification.nightly(now=now()) == [] and len(list(tmp_path.iterdir())) == 1
    assert verification.standing() == []
    ExposureBucket.objects.filter(scope="global").update(yes_usd=Decimal(999))
    assert [finding.check for finding in verification.nightly(now=now())] == ["exposure counters"]
    event = RiskEvent.objects.get(severity="critical")
    assert event.type == "anomaly" and "exposure counters: 1 (global)" in event.message
    assert ActivityEvent.objects.filter(severity="critical", title="Ledger verification failed").exists()
    assert verification.standing() == [{"check": "exposure counters", "count": 1}]
    assert len(list(tmp_path.iterdir())) == 1 and Heartbeat.objects.filter(name="ledger").exists()


def test_the_command_fails_when_anything_differs(lived, capsys):
    call_command("verify_ledger")
    assert capsys.readouterr().out == "Everything holds\n"
    ExposureBucket.objects.filter(scope="global").update(no_usd=Decimal(1))
    with pytest.raises(CommandError):
        call_command("verify_ledger")
    assert "exposure counters: 1 wrong\n  global" in capsys.readouterr().out
    assert Position.objects.exists() and Trade.objects.exists()
