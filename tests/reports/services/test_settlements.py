"""Settlements of one operator: its own part, in reports and exports alike, and nothing of anybody else's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from reports.exports.tables import DUMPS, Scope
from reports.tables import TABLES
from reports.tables.filters import Wanted
from tests.factories import make_admin, make_market, make_operator
from trading.models import Settlement, SettlementPart

pytestmark = pytest.mark.django_db
NAMES = "positions_total winners losers total_payout_usd total_loss_usd net_pnl_usd house_pnl_usd refund_usd".split()


def part(settlement, operator, winners, payout, loss):
    SettlementPart.objects.create(
        settlement=settlement,
        operator=operator,
        positions=winners + 1,
        winners=winners,
        losers=1,
        users=winners + 1,
        payout_usd=payout,
        loss_usd=loss,
        basis_usd=loss + 10,
        refund_usd=0,
    )


def test_its_own_part():
    now = datetime.now(UTC)
    mine, other = make_operator(), make_operator()
    settlement = Settlement.objects.create(
        market=make_market(),
        resolution="yes",
        resolution_source="staff",
        status="completed",
        positions_total=7,
        winners=5,
        losers=2,
        total_payout_usd=Decimal(150),
        total_loss_usd=Decimal(60),
        net_pnl_usd=Decimal(-90),
        requested_by=make_admin(),
        resolved_at=now,
        settled_at=now,
    )
    part(settlement, mine, 2, Decimal(50), Decimal(20))
    part(settlement, other, 3, Decimal(100), Decimal(40))
    expected = [3, 2, 1, 50, 20, -30, -20, 0]
    period = (now - timedelta(days=1), now + timedelta(days=1))
    table = TABLES["settlements"]
    wanted = Wanted(*period, {"operator": mine})
    assert [list(row) for row in table.rows(wanted, NAMES)] == [expected] and table.count(wanted) == 1
    with connection.cursor() as cursor:
        cursor.execute(DUMPS["settlements"].select(Scope(*period, mine.pk), personal=False, typed=True))
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert [[row[name] for name in NAMES] for row in rows] == [expected]
    assert (rows[0]["id"], rows[0]["operator_slug"]) == (settlement.pk, mine.slug)
    everyone = next(iter(table.rows(Wanted(*period, {}), NAMES)))
    assert list(everyone)[:6] == [7, 5, 2, 150, 60, -90]
    assert table.count(Wanted(*period, {"operator": make_operator()})) == 0
