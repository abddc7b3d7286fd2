"""The platform as the role of deploy/roles.sql: it does its work and cannot take the guards off."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from accounts.models import LedgerEntry
from predictu.platform import heartbeats
from tests import environment
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.services import prices, rollups, settlements, settling, verification

pytestmark = pytest.mark.committed
SQL = (Path(__file__).parents[2] / "deploy" / "roles.sql").read_text()
FORBIDDEN = [
    "ALTER TABLE accounts_ledgerentry DISABLE TRIGGER ALL",
    "DROP TRIGGER ledger_append_only ON accounts_ledgerentry",
    "CREATE OR REPLACE FUNCTION platform_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "ALTER TABLE accounts_player DROP CONSTRAINT player_balance_not_negative",
    "DROP TABLE accounts_ledgerentry",
    "TRUNCATE accounts_ledgerentry",
    "SET session_replication_role = replica",
]
GUARDED = ["UPDATE accounts_ledgerentry SET amount_usd = 1", "DELETE FROM platform_auditentry"]


@pytest.fixture
def app_role():
    """The session acts as the role; a name of this session's own, since roles belong to the whole cluster."""
    name = f"app_{environment.session_name()}"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP ROLE IF EXISTS "{name}"')
        cursor.execute(SQL.replace("predictu_app", f'"{name}"'))
        cursor.execute(f'GRANT "{name}" TO CURRENT_USER')
        cursor.execute(f'SET ROLE "{name}"')
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(f'DROP OWNED BY "{name}"')
        cursor.execute(f'DROP ROLE "{name}"')


def test_it_trades_settles_and_verifies_and_changes_no_table(app_role, tmp_path, settings):
    settings.PREDICTU_ANCHOR_DIR = str(tmp_path)
    player, market, admin = make_player(make_operator(), balance=100), make_market(), make_admin()
    place(player, market, 5)
    rollups.compact()
    prices.prune(now=now())
    heartbeats.seen("beat", now=now())
    resolved = settlements.resolve(market_id=market.id, outcome="yes", reason="r", actor=admin, now=now())
    settling.settle(resolved.settlement.id, now=now() + timedelta(seconds=1))
    verification.anchor(now=now())
    assert verification.verify() == []
    player.refresh_from_db()
    assert player.balance_usd > 100 and LedgerEntry.objects.filter(player=player, type="settlement").count() == 1

    money = list(LedgerEntry.objects.order_by("pk").values())
    for statement in FORBIDDEN:
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    for statement in GUARDED:
        with (
            pytest.raises(IntegrityError, match="cannot be changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert list(LedgerEntry.objects.order_by("pk").values()) == money
