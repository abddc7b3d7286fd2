from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import behavior
from reports.behavior import PopularMarket, Sessions

NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)


def at(*minutes):
    return [NOON + timedelta(minutes=minute) for minute in minutes]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([], Sessions()),
        ([0], Sessions(1, 1, timedelta(minutes=1))),
        ([0, 30, 60], Sessions(1, 3, timedelta(minutes=60))),
        ([0, 30.01], Sessions(2, 2, timedelta(minutes=2))),
        ([0, 10, 50, 51, 200], Sessions(3, 5, timedelta(minutes=12))),
        ([0, 0], Sessions(1, 2, timedelta(0))),
    ],
)
def test_a_session_is_a_run_with_gaps_of_at_most_thirty_minutes(minutes, expected):
    assert behavior.sessions(at(*minutes)) == expected


def test_sessions_of_users_add_up():
    assert behavior.sessions(at(0, 10)) + behavior.sessions(at(5)) == Sessions(2, 3, timedelta(minutes=11))


@given(st.lists(st.integers(0, 10_000), max_size=40))
def test_every_trade_is_in_exactly_one_session(minutes):
    total = behavior.sessions(at(*sorted(minutes)))
    assert total.trades == len(minutes)
    assert total.count == sum(
        1 for index, minute in enumerate(sorted(minutes)) if not index or minute - sorted(minutes)[index - 1] > 30
    )


@pytest.mark.parametrize(
    ("trades", "weeks", "bucket"),
    [
        (1, 1, "1_per_week"),
        (4, 3, "1_per_week"),
        (3, 2, "2_5_per_week"),
        (27, 5, "2_5_per_week"),
        (11, 2, "6_10_per_week"),
        (52, 5, "6_10_per_week"),
        (21, 2, "11_plus_per_week"),
        (90, 1, "11_plus_per_week"),
    ],
)
def test_frequency_is_trades_per_week_with_a_trade_rounded_half_up(trades, weeks, bucket):
    assert behavior.frequency(trades, weeks) == bucket


@pytest.mark.parametrize(
    ("cost", "bucket"),
    [
        ("0.01", "under_5_usd"),
        ("4.99", "under_5_usd"),
        ("5.00", "5_20_usd"),
        ("19.99", "5_20_usd"),
        ("20.00", "20_100_usd"),
        ("99.99", "20_100_usd"),
        ("100.00", "100_plus_usd"),
    ],
)
def test_bet_sizes_meet_at_their_lower_bound(cost, bucket):
    assert behavior.bet_size(D(cost)) == bucket


def test_peak_hours_are_the_four_busiest_in_order_of_the_day():
    assert behavior.peak_hours({23: 9, 0: 5, 7: 5, 12: 8, 13: 5, 20: 7}) == [0, 12, 20, 23]
    assert behavior.peak_hours({5: 2, 4: 0}) == [5]


def test_categories_are_percentages_that_add_up_largest_first():
    counts = {"politics": 1, "sports": 2, "crypto": 1, "science": 0, "business": 1, "entertainment": 1}
    assert behavior.category_distribution(counts) == [
        {"category": "sports", "pct": D("33.3")},
        {"category": "business", "pct": D("16.7")},
        {"category": "crypto", "pct": D("16.7")},
        {"category": "entertainment", "pct": D("16.7")},
        {"category": "politics", "pct": D("16.6")},
    ]


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**7)))
def test_categories_add_up_to_a_hundred(counts):
    assert sum(row["pct"] for row in behavior.category_distribution(counts)) == (100 if any(counts.values()) else 0)


def test_the_document_from_counts():
    document = behavior.document(
        trades_by_hour={18: 40, 19: 50, 20: 60, 21: 70, 3: 10},
        trades_by_category={"sports": 3, "crypto": 1},
        trades_by_device={"mobile": 68, "desktop": 28, "tablet": 4},
        trades_by_bet_size={"under_5_usd": 35, "5_20_usd": 38, "20_100_usd": 20, "100_plus_usd": 7},
        users_by_frequency={"1_per_week": 1, "2_5_per_week": 1, "11_plus_per_week": 1},
        sessions=Sessions(4, 14, timedelta(minutes=57)),
        markets=[PopularMarket(f"mkt_{n:02}", f"Market {n}", 5 if n < 11 else 9) for n in range(12)],
    )
    assert document == {
        "peak_hours_utc": [18, 19, 20, 21],
        "category_distribution": [{"category": "sports", "pct": D("75.0")}, {"category": "crypto", "pct": D("25.0")}],
        "avg_session_duration_minutes": D("14.3"),
        "avg_trades_per_session": D("3.5"),
        "trade_frequency_distribution": {
            "1_per_week": D("0.34"),
            "2_5_per_week": D("0.33"),
            "6_10_per_week": D("0.00"),
            "11_plus_per_week": D("0.33"),
        },
        "device_breakdown": {"mobile": D("0.68"), "desktop": D("0.28"), "tablet": D("0.04")},
        "bet_size_distribution": {
            "under_5_usd": D("0.35"),
            "5_20_usd": D("0.38"),
            "20_100_usd": D("0.20"),
            "100_plus_usd": D("0.07"),
        },
        "popular_markets": [
            {"market_id": "mkt_11", "title": "Market 11", "trade_count": 9},
            *({"market_id": f"mkt_{n:02}", "title": f"Market {n}", "trade_count": 5} for n in range(9)),
        ],
    }


def test_without_data_everything_is_zero_or_empty():
    document = behavior.document(
        trades_by_hour={},
        trades_by_category={},
        trades_by_device={},
        trades_by_bet_size={},
        users_by_frequency={},
        sessions=Sessions(),
        markets=[],
    )
    assert document["peak_hours_utc"] == document["category_distribution"] == document["popular_markets"] == []
    assert document["avg_session_duration_minutes"] == document["avg_trades_per_session"] == 0
    for name, keys in (
        ("trade_frequency_distribution", behavior.FREQUENCIES),
        ("device_breakdown", behavior.DEVICES),
        ("bet_size_distribution", behavior.BET_SIZES),
    ):
        assert document[name] == dict.fromkeys(keys, D(0))
