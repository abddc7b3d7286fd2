"""Twelve months of twelve operators are billed, and come to what the revenue endpoint says, to the cent."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from billing import drilldown, months, seal
from billing.models import CarriedMonth, Invoice
from billing.services import invoices
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player
from trading.models import RevenueFact
from trading.services import rollups

pytestmark = pytest.mark.django_db
YEAR = [date(2025, month, 1) for month in range(1, 13)]
FACTS = 40


def earn_a_year(dice):
    """Facts of every kind: odd cents, shares that change within a month, losing months, settlement fees, voids."""
    market, rows = make_market(), []
    for number in range(12):
        operator = make_operator(slug=f"casino-year-{number:02d}", predictu_share_pct=Decimal("30"))
        players = [make_player(operator) for _ in range(3)]
        share, losing = Decimal(dice.choice(["30", "12.5", "33.33"])), set(dice.sample(range(11), 2))
        for index, month in enumerate(YEAR):
            start, length = months.start(month), (months.end(month) - months.start(month)).total_seconds()
            moments = sorted(start + timedelta(seconds=dice.random() * length) for _ in range(FACTS))
            moments[0], moments[-1] = start, months.end(month) - timedelta(microseconds=1)
            for place, at in enumerate(moments):
                if place == FACTS // 2 and dice.random() < 0.3:
                    share = Decimal(dice.choice(["25", "30", "17.25"]))
                sign = -1 if index in losing and dice.random() < 0.9 else 1
                rows.append(
                    RevenueFact(
                        at=at,
                        kind="trade" if sign > 0 else "void",
                        operator=operator,
                        player=dice.choice(players),
                        market=market,
                        category="crypto",
                        share_pct=share,
                        spread_usd=sign * Decimal(dice.randrange(0, 999)) / 100,
                        fee_usd=sign * Decimal(dice.randrange(0, 333)) / 100,
                        settlement_fee_usd=Decimal(dice.choice([0, 0, 1, 7])) / 100,
                        volume_usd=sign * Decimal(dice.randrange(100, 9999)) / 100,
                        trade_count=sign,
                    )
                )
    RevenueFact.objects.bulk_create(rows)
    return rows


def totals(client, query):
    return client.get(f"/api/internal/revenue?{query}").json()["data"]


def test_a_year_of_twelve_operators():
    earn_a_year(random.Random(7))
    rollups.compact()
    client = Client(headers=as_admin(make_admin("Finance")))
    carried = 0
    for month in YEAR:
        run = invoices.run_month(month=month, now=months.end(month) + timedelta(minutes=5))
        again = invoices.run_month(month=month, now=months.end(month) + timedelta(days=3))
        assert len(run.made) + len(run.carried) == 12 and run.made == run.sent
        assert (again.made, again.sent, again.carried) == ([], [], [])
        carried += len(run.carried)
    assert carried > 5 and not CarriedMonth.objects.filter(invoice=None).exists()

    everything = list(Invoice.objects.prefetch_related("lines"))
    assert len(everything) == 144 - carried
    year = totals(client, "from=2025-01-01&to=2025-12-31&granularity=month")
    assert float(sum(one.amount_usd for one in everything)) == year["totals"]["predictu_share_usd"]
    by_operator = defaultdict(Decimal)
    for one in everything:
        assert one.amount_usd == sum(line.amount_usd for line in one.lines.all())
        assert seal.holds(one)
        by_operator[one.operator.slug] += one.amount_usd
    told = {row["operator_slug"]: row["predictu_share_usd"] for row in year["by_operator"]}
    assert {slug: float(amount) for slug, amount in by_operator.items()} == told

    hourly = totals(client, "from=2025-01-01&to=2025-12-31&granularity=hour")
    assert round(sum(row["predictu_usd"] for row in hourly["series"]), 2) == year["totals"]["predictu_share_usd"]
    _numbers_have_no_gaps(everything)
    _lines_are_their_trades(everything)
    _a_closed_month_does_not_change(client, everything)


def _numbers_have_no_gaps(everything):
    by_year = defaultdict(list)
    for one in everything:
        by_year[one.number[:9]].append(int(one.number[9:]))
    assert set(by_year) == {"INV-2025-", "INV-2026-"}
    for numbers in by_year.values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def _lines_are_their_trades(everything):
    lines = [(one, line) for one in everything for line in one.lines.all()]
    assert {line.kind for _, line in lines} == {"spread", "fees", "carried"}
    for one, line in lines:
        rows = list(drilldown.rows(one, line))
        assert sum(Decimal(row[-1]) for row in rows) == line.amount_usd
        if line.gross_usd is not None:
            assert sum(Decimal(row[-3]) for row in rows) == line.gross_usd


def _a_closed_month_does_not_change(client, everything):
    """A trade of July is voided in January: July and its invoice stay, January has the loss."""
    july = "from=2025-07-01&to=2025-07-31"
    before, sent = totals(client, july), {one.pk: one.content_hash for one in everything}
    fact = RevenueFact.objects.filter(at__month=7, kind="trade", spread_usd__gt=0).first()
    fact.pk, fact.at, fact.rolled = None, datetime(2026, 1, 5, tzinfo=UTC), False
    fact.kind, fact.spread_usd, fact.fee_usd = "void", -fact.spread_usd, -fact.fee_usd
    fact.settlement_fee_usd = 0
    fact.save(force_insert=True)
    invoices.run_month(month=date(2025, 7, 1), now=datetime(2026, 2, 1, 1, tzinfo=UTC))
    assert totals(client, july) == before
    assert dict(Invoice.objects.values_list("pk", "content_hash")) == sent
    run = invoices.run_month(month=date(2026, 1, 1), now=datetime(2026, 2, 1, 1, tzinfo=UTC))
    assert (run.made, len(run.carried)) == ([], 1)
