"""What is kept of how users trade, against plain loops over the trades: sessions over midnight, cancels, cut ends."""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from predictu import ids
from tests.factories import make_admin, make_market, make_operator, make_player, place
from trading.models import Market, Trade
from trading.queries import habits, revenue
from trading.services import cancels, rollups, verification

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
GAP = timedelta(minutes=30)
ROOM = {"new_tier_limit": 1000, "regular_tier_limit": 1000}


@pytest.fixture
def lived():
    """Runs of trades around midnights, exactly half an hour apart too; some cancelled after they were rolled up."""
    dice = random.Random(4)
    operators = [make_operator(**ROOM) for _ in range(2)]
    markets = [make_market() for _ in range(3)]
    players = [make_player(operators[number % 2], balance="5000") for number in range(4)]
    admin = make_admin()
    for number in range(45):
        at = MIDNIGHT + timedelta(
            days=dice.randrange(4), minutes=dice.choice([-61, -31, -30, -7, 0, 1, 29, 30, 33, 90])
        )
        Market.objects.update(priced_at=at)
        place(dice.choice(players), dice.choice(markets), dice.choice([5, 45, 250]), at=at, device="mobile")
        if number % 11 == 10:
            rollups.compact()
        if number in (15, 27, 38, 43):
            standing = Trade.objects.filter(status="filled").order_by("id")
            chosen = dice.choice(list(standing))
            cancels.cancel(trade_id=chosen.id, reason="palpable", actor=admin, now=at + timedelta(hours=1))
    return operators


def slow(trades, start, end, operator_id):
    """The same in plain loops."""
    found, of_user = defaultdict(Counter), defaultdict(list)
    for trade in trades:
        if trade.status == "cancelled" or not start <= trade.created_at < end:
            continue
        if operator_id in (None, trade.operator_id):
            of_user[trade.player_id].append(trade.created_at)
            found["hour"][str(trade.created_at.hour)] += 1
            found["category"][trade.category] += 1
            found["device"][trade.device] += 1
            found["market"][str(ids.decode("mkt", trade.market_id))] += 1
            sizes = [(5, "under_5_usd"), (20, "5_20_usd"), (100, "20_100_usd"), (10**9, "100_plus_usd")]
            found["size"][next(name for most, name in sizes if trade.cost_usd < most)] += 1
    for times in of_user.values():
        runs = [[times[0]]]
        for moment in times[1:]:
            if moment - runs[-1][-1] > GAP:
                runs.append([])
            runs[-1].append(moment)
        long = sum((run[-1] - run[0] if len(run) > 1 else timedelta(minutes=1) for run in runs), timedelta())
        found["sessions"] += Counter(count=len(runs), trades=len(times), microseconds=long // timedelta(microseconds=1))
        weeks = {moment.isocalendar()[:2] for moment in times}
        found["frequency"][f"{len(times)}/{len(weeks)}"] += 1
    return {kind: dict(counts) for kind, counts in found.items()}


def spans():
    for days in ((0, 4), (-1, 5), (1, 2), (2, 2)):
        start, end = (MIDNIGHT + timedelta(days=day) for day in days)
        yield start, end
        for minutes in (-31, -29, 1, 17, 30):
            yield start + timedelta(minutes=minutes), end + timedelta(minutes=minutes + 13)
            yield start + timedelta(minutes=minutes), end


def test_what_is_kept_is_what_the_trades_say(lived):
    trades = list(Trade.objects.order_by("created_at", "id"))
    assert {trade.status for trade in trades} == {"filled", "cancelled"}
    for waits in (True, False):
        for start, end in spans():
            for operator_id in (None, lived[0].id):
                found = habits.habits(start=start, end=end, operator_id=operator_id)
                assert found == slow(trades, start, end, operator_id), (start, end, operator_id, waits)
        assert verification.verify() == []
        assert rollups.compact() == waits * 2, "some of it was not rolled up, then all of it was"


def test_who_traded_since_is_counted_whether_rolled_up_or_not(lived):
    trades = list(Trade.objects.all())
    asked = [MIDNIGHT + timedelta(days=day, minutes=30) for day in range(-1, 5)]
    for _ in range(2):
        for now in (MIDNIGHT + timedelta(days=9), MIDNIGHT + timedelta(days=2, minutes=1)):
            expected = [len({t.player_id for t in trades if since <= t.created_at < now}) for since in asked]
            assert revenue.active(asked, now=now) == expected
            own = [sum(revenue.traders(start=since, end=now, operator_ids=[lived[1].id]).values()) for since in asked]
            assert revenue.active(asked, now=now, operator_ids=[lived[1].id]) == own
        rollups.compact()
