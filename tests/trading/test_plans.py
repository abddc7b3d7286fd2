"""How the main pages are read: no walk through all trades, and no more queries than a page needs, whatever there is."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from predictu import ids
from risk.models import ExposureBucket
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, now
from trading.models import Trade
from trading.services import rollups

# A database of its own: what other tests rolled back still weighs in the planner's costs.
pytestmark = pytest.mark.committed

TRADES, LAST = 6_000, 120
_FACTS = """
INSERT INTO trading_revenuefact (at, kind, operator_id, player_id, market_id, trade_id, category, share_pct, spread_usd,
                                 fee_usd, settlement_fee_usd, volume_usd, trade_count, rolled)
SELECT created_at, 'trade', operator_id, player_id, market_id, id, category, share_pct, spread_usd, fee_usd, 0,
       cost_usd, 1, false
FROM trading_trade
"""


@pytest.fixture
def much():
    """Thousands of trades over forty days with their facts and counters, all by whole statements; names for paths."""
    operators = [make_operator() for _ in range(3)]
    players = [make_player(operators[number % 3]) for number in range(30)]
    markets = [make_market() for _ in range(15)]
    begin = now() - timedelta(days=40)
    Trade.objects.bulk_create(
        Trade(
            id=ids.new("trd", at := begin + timedelta(seconds=number * 570)),
            operator_id=players[number % 30].operator_id, player=players[number % 30], market=markets[number % 15],
            category="crypto", outcome="yes", side="buy", mid="0.5", price="0.51", quantity=10, cost_usd="5.10",
            fee_usd="0.05", spread_usd="0.10", spread_bps=200, share_pct=30, idempotency_key=f"k{number}",
            created_at=at,
        )
        for number in range(TRADES)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_FACTS)
    rollups.compact()
    counts = {("global", ""): TRADES}
    counts |= {("operator", operator.id): TRADES // 3 for operator in operators}
    counts |= {("market", market.id): TRADES // 15 for market in markets}
    for (scope, scope_id), count in counts.items():
        ExposureBucket.objects.update_or_create(
            scope=scope, scope_id=scope_id,
            defaults={"trade_rows": count, "trade_count": count, "volume_usd": count * Decimal("5.10")},
        )  # fmt: skip
    type(players[0]).objects.update(trade_rows=TRADES // 30)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {"operator": operators[0].slug, "user": players[0].id, "market": markets[0].id, "day": f"{begin:%Y-%m-%d}"}


# The most statements each may ask, authentication, limits and configuration included.
PAGES = {
    "trades": 6,
    f"trades?page={LAST // 2}": 6,
    f"trades?page={LAST}": 6,
    "trades?order=asc": 6,
    "trades?operator={operator}": 7,
    "trades?operator={operator}&page=30": 7,
    "trades?user_id={user}": 6,
    "trades?market_id={market}": 6,
    "trades?market_id={market}&page=7": 6,
    "trades?from={day}&to={day}": 6,
    "trades?status=filled": 6,
    "operators/{operator}/trades": 7,
    "users/{user}/trades": 7,
    "users/{user}/ledger": 5,
    "users": 6,
    "operators": 11,
    "operators/{operator}": 13,
    "revenue": 7,
    "dashboard": 12,
    "dashboard?period=all": 13,
    "dashboard?operator={operator}": 13,
    "exposure": 8,
    "operators/{operator}/exposure": 9,
    "risk": 10,
    "analytics/ltv": 6,
    "analytics/ltv?segment=tier": 6,
    "analytics/cohorts": 5,
    "analytics/behavior": 6,
    "trades?operator={operator}&status=filled": 7,
    "trades?side=buy&outcome=yes&status=filled&market_id={market}": 6,
}
# Answered from counters and rollups alone.
_SUMS = ("operators", "revenue", "dashboard", "risk", "analytics/ltv?segment=tier", "analytics/cohorts")


@pytest.fixture
def asked(much, settings):
    """What a page asks of the database: its statements, and the plan of each that reads."""
    settings.PREDICTU_ADMIN_RATE_LIMIT = 10_000
    client = Client(headers=as_admin(make_admin()))
    client.get("/api/internal/config")

    def ask(path):
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(f"/api/internal/{path.format(**much)}")
        assert answer.status_code == 200, answer.content
        statements = [query["sql"] for query in seen]
        plans = []
        with connection.cursor() as cursor:
            for statement in statements:
                if re.match(r"\s*(SELECT|WITH)", statement):
                    cursor.execute(f"EXPLAIN {statement}")
                    plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return answer.json(), statements, plans

    return ask


def test_no_page_walks_through_the_trades_or_asks_more_than_it_may(asked):
    for path, most in PAGES.items():
        answer, statements, plans = asked(path)
        assert len(statements) <= most, (path, len(statements), statements)
        assert plans
        for plan in plans:
            assert "Seq Scan on trading_trade " not in plan, (path, plan)
        if path.startswith("trades") and "from" not in path:
            assert answer["data"], path


def test_a_list_of_one_operator_walks_its_index_without_sorting(asked):
    """However many of all trades are its own: ids come in the order of an index, forwards and backwards."""
    for path in ("trades?operator={operator}", "trades?operator={operator}&order=asc", "operators/{operator}/trades"):
        _, statements, plans = asked(path)
        walks = [plan[plan.index("Limit") :] for plan in plans if "Limit" in plan and "trading_trade" in plan]
        assert walks and all("Sort" not in plan for plan in walks), (path, plans, statements)


def test_figures_come_from_counters_and_rollups_alone(asked):
    for path in PAGES:
        if path.startswith(_SUMS) and not path.endswith(("trades", "users", "exposure")):
            _, statements, _ = asked(path)
            assert not [each for each in statements if re.search(r"\btrading_trade\b", each)], path


def test_the_last_page_is_read_from_its_end(asked):
    """By a walk over its own few rows: the database is not told to leave out the thousands before it."""
    answer, statements, _ = asked(f"trades?page={LAST}")
    assert len(answer["data"]) == TRADES - (LAST - 1) * 50
    walks = [each for each in statements if "LIMIT 50" in each]
    assert len(walks) == 1 and "OFFSET" not in walks[0]
    answer, statements, _ = asked(f"trades?page={LAST - 1}")
    assert [each for each in statements if "OFFSET 50" in each]


def test_a_plan_can_fail(asked):
    """Another order has no index: this is what walking through all of them looks like."""
    _, _, plans = asked("trades?sort=amount")
    assert any("Seq Scan on trading_trade" in plan for plan in plans)
