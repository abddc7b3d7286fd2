"""The rules for unusual patterns: each with a positive, a near miss and a burst."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from predictu import ids
from risk import anomalies
from risk.anomalies import Seen

NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)
USER, MARKET = ids.new("usr"), ids.new("mkt")


def stake(cost, median):
    return anomalies.stake(
        at=NOON, cost_usd=Decimal(cost), median_usd=None if median is None else Decimal(median), user_id=USER
    )


def test_a_stake_over_ten_times_the_median_is_told_in_a_sentence():
    finding = stake("250.00", "20")
    assert finding.message == f"{{{USER}}} staked $250.00, 12.5 times their own 30-day median of $20.00"
    assert (finding.value, finding.threshold) == (250, 200)


@pytest.mark.parametrize(("cost", "median"), [("200", "20"), ("99.99", "1"), ("5000", None)])
def test_ten_times_exactly_less_than_a_hundred_or_a_first_stake_is_none(cost, median):
    assert stake(cost, median) is None


def test_a_hundred_dollars_count():
    assert stake("100", "9.99") is not None


def test_more_than_twenty_trades_within_a_minute():
    moments = [NOON + timedelta(seconds=2.9 * number) for number in range(21)]  # 58 s
    (finding,) = anomalies.rapid(moments, user_id=USER)
    assert finding.message == f"{{{USER}}} made 21 trades within a minute"
    assert finding.at == moments[-1]


def test_twenty_in_a_minute_and_twenty_one_in_a_minute_exactly_are_none():
    assert anomalies.rapid([NOON + timedelta(seconds=number) for number in range(20)], user_id=USER) == []
    assert anomalies.rapid([NOON + timedelta(seconds=3 * number) for number in range(21)], user_id=USER) == []


def flow(yes, no, cost=1, each=timedelta(seconds=10)):
    sides = ["no"] * no + ["yes"] * yes
    return [Seen(NOON + each * number, side, Decimal(cost)) for number, side in enumerate(sides)]


def test_nine_tenths_of_a_busy_quarter_of_an_hour_on_one_side():
    found = anomalies.one_sided(flow(yes=46, no=4), market_id=MARKET)
    assert [finding.message for finding in found] == [
        f"92% of the $50.00 traded on {{{MARKET}}} within 15 minutes (50 trades) went to YES"
    ]


@pytest.mark.parametrize(
    "trades", [flow(yes=45, no=5), flow(yes=49, no=0), flow(yes=50, no=0, each=timedelta(minutes=15) / 49)]
)
def test_nine_tenths_exactly_forty_nine_trades_or_a_longer_time_are_none(trades):
    assert anomalies.one_sided(trades, market_id=MARKET) == []


def test_money_counts_and_not_the_number_of_trades():
    trades = flow(yes=60, no=0)
    trades[10] = Seen(trades[10].at, "no", Decimal(100))
    assert anomalies.one_sided(trades, market_id=MARKET) == []


def test_a_sell_goes_to_the_other_side():
    assert [anomalies.towards(*each) for each in [("buy", "yes"), ("sell", "yes"), ("buy", "no"), ("sell", "no")]] == [
        "yes", "no", "no", "yes"
    ]  # fmt: skip


def test_a_burst_is_one_and_a_quiet_hour_ends_it():
    hour = timedelta(hours=1)
    moments = [NOON, NOON + hour / 2, NOON + hour * 1.5, NOON + hour * 2.6]
    findings = [anomalies.Finding(at, "", Decimal(1), Decimal(1)) for at in moments]
    first, last_at = anomalies.bursts(findings, last_at=None)
    assert ([finding.at for finding in first], last_at) == ([moments[0], moments[3]], moments[3])
    assert anomalies.bursts(findings[:1], last_at=NOON - hour)[0] == []
