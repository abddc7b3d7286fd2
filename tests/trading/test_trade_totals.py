"""Totals of trade lists from counters against counting the rows one by one."""

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connection

from accounts import signups
from accounts.models import Player
from accounts.services import signups as counting
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market, Trade
from trading.queries import trades
from trading.queries.trades import TradeFilter
from trading.services import cancels, rollups, settlements, settling, verification, verification_sums

pytestmark = pytest.mark.django_db

ROOM = {"new_tier_limit": 1000, "regular_tier_limit": 1000}
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def lived():
    """Trades of nine days with cancels, a settlement, a void and a test user; half of it rolled up."""
    dice = random.Random(9)
    operators = [make_operator(**ROOM) for _ in range(2)]
    markets = [make_market() for _ in range(4)]
    players = [make_player(operators[number % 2], balance="9000") for number in range(4)]
    tester = make_player(make_operator(stage="testing", onboarded_at=None), balance="100")
    for number in range(40):
        at = now() - timedelta(seconds=dice.randrange(9 * 86_400))
        Market.objects.update(priced_at=at)
        player, market, outcome = dice.choice(players), dice.choice(markets), dice.choice(["yes", "no"])
        held = player.positions.filter(market=market, outcome=outcome, quantity__gte=5).exists()
        place(player, market, 5, outcome=outcome, side="sell" if held and dice.random() < 0.4 else "buy", at=at)
        if number == 20:
            rollups.compact()
    Market.objects.update(priced_at=now())
    place(tester, markets[3], 5)
    for trade in Trade.objects.filter(market=markets[3], is_test=False).order_by("id")[:3]:
        cancels.cancel(trade_id=trade.id, reason="palpable", actor=make_admin(), now=now())
    for market, outcome in ((markets[0], "yes"), (markets[1], "cancelled")):
        done = settlements.resolve(market_id=market.id, outcome=outcome, reason="x", actor=make_admin(), now=now())
        settling.settle(done.settlement.id, now=now())
    return operators, players, markets


def filters(operators, players, markets):
    yield TradeFilter()
    yield from (TradeFilter(operator_id=operator.id) for operator in operators)
    yield from (TradeFilter(player_id=player.id) for player in players)
    yield from (TradeFilter(market_id=market.id) for market in markets)
    yield from (TradeFilter(status=status) for status in Trade.Status.values)
    for first, last in ((-5, -2), (-9, 1), (-3, -3), (-2, -4)):
        start, end = TODAY + first * timedelta(days=1), TODAY + last * timedelta(days=1)
        yield TradeFilter(start=start, end=end)
        yield TradeFilter(start=start, end=end, operator_id=operators[0].id)
        yield TradeFilter(start=start + timedelta(hours=5, microseconds=1), end=end + timedelta(hours=7, minutes=3))
    yield TradeFilter(start=TODAY - timedelta(days=4))
    yield TradeFilter(end=TODAY - timedelta(days=4))
    for status, side, outcome in product((None, *Trade.Status.values), (None, "buy", "sell"), (None, "yes", "no")):
        yield TradeFilter(status=status, side=side, outcome=outcome)
        yield TradeFilter(status=status, side=side, operator_id=operators[0].id, market_id=markets[1].id)
        yield TradeFilter(status=status, outcome=outcome, operator_id=operators[1].id, start=TODAY - timedelta(days=4))
        late = {"start": TODAY - timedelta(days=7, hours=3), "end": TODAY - timedelta(days=1, hours=-7, minutes=3)}
        yield TradeFilter(status=status, side=side, outcome=outcome, market_id=markets[0].id, **late)
    yield TradeFilter(start=datetime(1900, 1, 1, tzinfo=UTC), end=datetime(9998, 1, 1, tzinfo=UTC))


def matches(wanted, trade):
    return (
        trade.is_test == wanted.is_test
        and wanted.operator_id in (None, trade.operator_id)
        and wanted.player_id in (None, trade.player_id)
        and wanted.market_id in (None, trade.market_id)
        and wanted.status in (None, trade.status)
        and wanted.side in (None, trade.side)
        and wanted.outcome in (None, trade.outcome)
        and (wanted.start is None or trade.created_at >= wanted.start)
        and (wanted.end is None or trade.created_at < wanted.end)
    )


def test_every_kept_total_is_the_number_of_rows(lived):
    rows = list(Trade.objects.all())
    assert {row.status for row in rows} == {"filled", "settled", "cancelled"}
    for wanted in filters(*lived):
        count = sum(matches(wanted, row) for row in rows)
        assert trades.total(wanted) == count == trades.matching(wanted).count(), wanted


def test_kept_totals_count_no_trades(lived, django_assert_max_num_queries):
    """Each is one statement, and none that looks at all trades: only at those of a part of a day or not rolled up."""
    rollups.compact()
    for wanted in filters(*lived):
        with django_assert_max_num_queries(1) as asked:
            trades.total(wanted)
        statements = [query["sql"].replace("trading_tradeday", "") for query in asked.captured_queries]
        looks = [line for sql in statements for line in sql.split("UNION ALL") if re.search(r"\btrading_trade\b", line)]
        assert all("trade.id = fact.trade_id" in line or "AND id >= '" in line for line in looks), looks


def test_a_trade_shows_in_every_total_at_once(lived):
    operators, players, markets = lived
    own = [TradeFilter(), TradeFilter(operator_id=players[0].operator_id), TradeFilter(player_id=players[0].id)]
    own += [TradeFilter(market_id=markets[2].id), TradeFilter(status="filled"), TradeFilter(start=TODAY)]
    before = [trades.total(wanted) for wanted in own]
    made = place(players[0], markets[2], 5)
    assert [trades.total(wanted) for wanted in own] == [count + 1 for count in before]
    cancels.cancel(trade_id=made["id"], reason="palpable", actor=make_admin(), now=now())
    assert trades.total(TradeFilter(status="filled")) == before[4]


def test_users_are_counted_once_whether_in_the_sums_or_not():
    operators = [make_operator() for _ in range(2)]
    joined = [TODAY - timedelta(days=days, hours=-hours) for days, hours in ((0, 0), (3, 1), (3, 23), (8, 5), (20, 0))]
    for number, at in enumerate(joined):
        player = make_player(operators[number % 2])
        Player.objects.filter(pk=player.pk).update(created_at=at, is_test=number == 2)
        if number == 1:
            assert counting.compact() == 2
            assert counting.compact() == 0
    real = [(operators[number % 2].id, at) for number, at in enumerate(joined) if number != 2]
    for _ in range(2):
        assert signups.registered() == {operators[0].id: 2, operators[1].id: 2}
        assert signups.registered([operators[1].id]) == {operators[1].id: 2}
        for start, end in ((TODAY - timedelta(days=4, hours=20), TODAY + timedelta(hours=1)), (TODAY, TODAY)):
            assert signups.joined(start=start, end=end) == sum(start <= at < end for _, at in real)
        assert verification.verify() == []
        assert counting.rebuild() == 5


KEPT = {
    "trading_dailyrevenue": "volume_usd", "trading_monthlyrevenue": "volume_usd", "accounts_signupchannel": "users",
    "trading_playerrevenue": "first_30d_usd", "trading_lifetimesum": "traders", "trading_cohortday": "trade_count",
    "trading_cohortactivity": "users", "trading_activeday": "gaps_us", "trading_tradepattern": "trades",
    "trading_tradetally": "cancelled_sell_no",
}  # fmt: skip


def test_what_was_counted_wrongly_does_not_verify(lived):
    rollups.compact()
    counting.compact()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trading_tradeday SET trade_rows = trade_rows + 1")
        cursor.execute("UPDATE accounts_signupday SET users = users + 1")
        for table, column in KEPT.items():
            cursor.execute(f"UPDATE {table} SET {column} = {column} + 1")
    wrong = {"trades by day and facts", "signups by day and users", *verification_sums.CHECKS}
    assert {found.check for found in verification.verify()} == wrong
    rollups.rebuild()
    counting.rebuild()
    assert verification.verify() == []
