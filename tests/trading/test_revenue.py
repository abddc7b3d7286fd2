"""Revenue from facts and rollups, against sums taken the slow way."""

import random
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection

from tests.factories import make_market, make_operator, make_player
from trading.models import RevenueFact
from trading.queries import revenue
from trading.services import rollups

pytestmark = pytest.mark.django_db

START = datetime(2026, 2, 20, tzinfo=UTC)


def fact(player, market, at, **values):
    return RevenueFact(
        **{
            "at": at,
            "kind": "trade",
            "operator_id": player.operator_id,
            "player": player,
            "market": market,
            "category": market.category,
            "share_pct": Decimal(30),
            "spread_usd": Decimal("0.31"),
            "fee_usd": Decimal("0.47"),
            "volume_usd": Decimal("31.31"),
            "trade_count": 1,
        }
        | values
    )


def history(seed, operators=2, facts=400):
    """Random facts over two months with cancels, settlement fees and a change of share."""
    dice = random.Random(seed)
    market = make_market()
    players = [make_player(make_operator()) for _ in range(operators) for _ in range(2)]
    rows = []
    for _ in range(facts):
        at = START + timedelta(seconds=dice.randrange(60 * 86_400))
        sign = -1 if dice.random() < 0.1 else 1
        rows.append(
            fact(
                dice.choice(players),
                market,
                at,
                kind="trade" if sign > 0 else "cancel",
                share_pct=Decimal(30 if at < START + timedelta(days=20) else dice.choice([30, 35])),
                spread_usd=sign * Decimal(dice.randrange(0, 300)) / 100,
                fee_usd=sign * Decimal(dice.randrange(0, 200)) / 100,
                settlement_fee_usd=Decimal(dice.randrange(0, 30)) / 100 if sign > 0 else Decimal(0),
                volume_usd=sign * Decimal(dice.randrange(100, 9000)) / 100,
                trade_count=sign,
            )
        )
    RevenueFact.objects.bulk_create(rows)
    return rows


def slow_share(rows, start, end):
    """R(end) − R(start) per grain, in plain loops."""
    grains = {}
    for row in rows:
        month = (row.operator_id, row.at.year, row.at.month, row.share_pct)
        for source, amount in (("s", row.spread_usd), ("f", row.fee_usd + row.settlement_fee_usd)):
            before, until = grains.get((*month, source), (Decimal(0), Decimal(0)))
            month_start = row.at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            if month_start <= row.at < start:
                before += amount
            if row.at < end:
                until += amount
            grains[(*month, source)] = before, until

    def r(amount, pct):
        return (amount * pct / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)

    return sum((r(until, key[3]) - r(before, key[3]) for key, (before, until) in grains.items()), Decimal(0))


@pytest.mark.parametrize("rolled", ["none", "half", "all"])
@pytest.mark.parametrize("seed", [1, 2])
def test_rollups_and_facts_give_the_same_at_every_granularity(rolled, seed):
    rows = history(seed)
    if rolled == "half":
        with connection.cursor() as cursor:
            cursor.execute(rollups._COMPACT, {"batch": len(rows) // 2})
    elif rolled == "all":
        assert rollups.compact() == len(rows)
        assert rollups.compact() == 0
    start, end = START + timedelta(days=3, hours=5, minutes=17), START + timedelta(days=44, hours=11, minutes=3)
    inside = [row for row in rows if start <= row.at < end]
    gross = sum((row.spread_usd + row.fee_usd + row.settlement_fee_usd for row in inside), Decimal(0))
    for unit in revenue.UNITS:
        found = revenue.revenue(start=start, end=end, unit=unit)
        assert found.total.gross_usd == gross
        assert found.total.trade_count == sum(row.trade_count for row in inside)
        assert found.total.volume_usd == sum((row.volume_usd for row in inside), Decimal(0))
        assert found.total.predictu_usd == slow_share(rows, start, end)
        assert sum((s.predictu_usd for s in found.series.values()), Decimal(0)) == found.total.predictu_usd
        assert sum((s.predictu_usd for s in found.by_operator.values()), Decimal(0)) == found.total.predictu_usd
        assert list(found.series) == revenue.buckets(start, end, unit)
    traders = {row.player_id for row in inside if row.kind == "trade"}
    assert sum(revenue.traders(start=start, end=end).values()) == len(traders)


def test_rebuilding_gives_the_same_to_the_cent():
    rows = history(3)
    rollups.compact()
    span = {"start": START, "end": START + timedelta(days=61), "unit": "day"}
    before = revenue.revenue(**span)
    assert rollups.rebuild() == len(rows)
    assert revenue.revenue(**span) == before


def test_an_invoice_line_is_gross_times_share_exactly_rounded():
    player, market = make_player(make_operator()), make_market()
    RevenueFact.objects.bulk_create(
        [
            fact(player, market, datetime(2026, 2, day, 12, tzinfo=UTC), spread_usd=Decimal("507.15"), fee_usd=0)
            for day in range(1, 29)
        ]
    )
    found = revenue.revenue(start=datetime(2026, 2, 1, tzinfo=UTC), end=datetime(2026, 3, 1, tzinfo=UTC), unit="month")
    assert found.total.spread_usd == Decimal("14200.20")
    assert found.total.predictu_spread_usd == Decimal("4260.06")
    days = revenue.revenue(start=datetime(2026, 2, 1, tzinfo=UTC), end=datetime(2026, 3, 1, tzinfo=UTC), unit="day")
    assert sum(sums.predictu_usd for sums in days.series.values()) == Decimal("4260.06")
