"""An operator's exposure by market costs what is open, not what ever was."""

import itertools
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from predictu import ids
from tests.factories import make_market, make_operator, make_player, now
from trading.models import Position
from trading.queries import exposure

pytestmark = pytest.mark.django_db


def held(operator, players, markets, **changes):
    values = {"operator": operator, "quantity": 10, "bought_quantity": 10, "opened_at": now(), **changes}
    rows = itertools.product(players, markets, ("yes", "no"))
    Position.objects.bulk_create(
        Position(id=ids.new("pos"), player=player, market=market, outcome=outcome, **values)
        for player, market, outcome in rows
    )


def test_by_market_reads_the_index_of_open_positions_alone():
    operator, other = make_operator(), make_operator()
    players, markets = [make_player(operator) for _ in range(20)], [make_market() for _ in range(42)]
    held(operator, players, markets[2:], status="settled", settled_at=now(), payout_price=1, payout_usd=10)
    held(operator, players[:3], markets[:1])
    held(operator, players[:1], markets[1:2], quantity=Decimal("0.5"))
    held(operator, players[5:6], markets[:1], is_test=True)
    held(other, [make_player(other)], markets[:1])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE trading_position")
        with CaptureQueriesContext(connection) as asked:
            found = exposure.by_market(operator.id)
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert [(row["market_id"], row["exposure_usd"], row["position_count"]) for row in found] == [
        (markets[0].id, 60, 6), (markets[1].id, 1, 2)
    ]  # fmt: skip
    assert "using position_open on trading_position" in plan or "on position_open" in plan, plan
    assert "Seq Scan on trading_position" not in plan, plan
