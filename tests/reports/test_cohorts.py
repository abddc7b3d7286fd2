from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import cohorts
from reports.cohorts import Cohort, Granularity, Member

WEEK, MONTH = Granularity.WEEK, Granularity.MONTH
NOW = datetime(2026, 3, 19, 12, tzinfo=UTC)  # the Thursday of 2026-W12


def day(month, number, hour=0):
    return datetime(2026, month, number, hour, tzinfo=UTC)


def cohort(start, users, active=None, trades=0, revenue="0", volume="0"):
    return Cohort(
        start=start, users=users, active=active or {}, trades=trades, revenue_usd=D(revenue), volume_usd=D(volume)
    )


def member(user_id, signed_up_at, trades=0, revenue="0", volume="0"):
    return Member(
        user_id=user_id, signed_up_at=signed_up_at, trades=trades, revenue_usd=D(revenue), volume_usd=D(volume)
    )


def test_weekly_cohorts_from_rows():
    members = [
        member("a", day(2, 23), 5, "3.00", "100"),  # Monday of W09
        member("b", day(3, 1, 23), 2, "1.01", "49.99"),  # Sunday of W09
        member("c", day(2, 26), 0),
        member("d", day(3, 2), 1, "0.10", "10"),  # Monday of W10
        member("e", day(3, 18), 4, "2", "8"),  # this week
    ]
    activity = [
        ("a", day(2, 24)),
        ("a", day(3, 2)),
        ("a", day(3, 8, 23)),
        ("b", day(3, 4)),
        ("a", day(3, 10)),
        ("d", day(3, 9)),
        ("d", day(3, 17)),
        ("e", day(3, 18)),
        ("stranger", day(3, 18)),
    ]
    found = cohorts.gather(members, activity, granularity=WEEK)
    assert found == [
        cohort(day(2, 23), 3, {0: 1, 1: 2, 2: 1}, 7, "4.01", "149.99"),
        cohort(day(3, 2), 1, {1: 1, 2: 1}, 1, "0.10", "10"),
        cohort(day(3, 16), 1, {0: 1}, 4, "2", "8"),
    ]
    assert cohorts.report(found, granularity=WEEK, now=NOW) == {
        "cohorts": [
            {
                "cohort": "2026-W09",
                "signup_count": 3,
                "retention": {"week_0": D("1.0000"), "week_1": D("0.6667"), "week_2": D("0.3333")},
                "avg_trades_per_user": D("2.3"),
                "avg_revenue_per_user_usd": D("1.34"),
                "avg_volume_per_user_usd": D("50.00"),
            },
            {
                "cohort": "2026-W10",
                "signup_count": 1,
                "retention": {"week_0": D(1), "week_1": D(1)},
                "avg_trades_per_user": D("1.0"),
                "avg_revenue_per_user_usd": D("0.10"),
                "avg_volume_per_user_usd": D("10.00"),
            },
            {
                "cohort": "2026-W12",
                "signup_count": 1,
                "retention": {"week_0": D(1)},
                "avg_trades_per_user": D("4.0"),
                "avg_revenue_per_user_usd": D("2.00"),
                "avg_volume_per_user_usd": D("8.00"),
            },
        ],
        "summary": {
            "avg_week_1_retention": D("0.8333"),
            "avg_week_4_retention": None,
            "best_cohort": "2026-W10",
            "worst_cohort": "2026-W09",
        },
    }


def test_the_documents_summary():
    found = [
        cohort(day(3, 2), 100, {1: 64, 2: 48, 3: 38, 4: 32}),
        cohort(day(3, 9), 100, {1: 68, 2: 52}),
    ]
    summary = cohorts.report(found, granularity=WEEK, now=datetime(2026, 4, 6, tzinfo=UTC))["summary"]
    assert summary == {
        "avg_week_1_retention": D("0.66"),
        "avg_week_4_retention": D("0.32"),
        "best_cohort": "2026-W11",
        "worst_cohort": "2026-W10",
    }


def test_a_week_is_over_with_its_last_second():
    found = [cohort(day(3, 2), 1)]
    assert set(cohorts.report(found, granularity=WEEK, now=day(3, 16))["cohorts"][0]["retention"]) == {
        "week_0",
        "week_1",
    }
    just_before = day(3, 16) - timedelta(seconds=1)
    assert set(cohorts.report(found, granularity=WEEK, now=just_before)["cohorts"][0]["retention"]) == {"week_0"}


def test_month_cohorts_speak_of_months():
    members = [member("a", datetime(2025, 12, 31, 23, tzinfo=UTC), 1), member("b", datetime(2025, 12, 1, tzinfo=UTC))]
    found = cohorts.gather(members, [("a", day(1, 31)), ("b", day(1, 1)), ("b", day(3, 1))], granularity=MONTH)
    answer = cohorts.report(found, granularity=MONTH, now=NOW)
    assert answer["cohorts"][0]["cohort"] == "2025-12"
    assert answer["cohorts"][0]["retention"] == {"month_0": D(1), "month_1": D(1), "month_2": D(0)}
    assert answer["summary"] == {
        "avg_month_1_retention": D(1),
        "avg_month_4_retention": None,
        "best_cohort": "2025-12",
        "worst_cohort": "2025-12",
    }


def test_of_equal_cohorts_the_larger_is_best_and_worst():
    found = [cohort(day(2, 2), 10, {1: 5}), cohort(day(2, 9), 20, {1: 10}), cohort(day(2, 16), 4, {1: 2})]
    summary = cohorts.report(found, granularity=WEEK, now=NOW)["summary"]
    assert (summary["best_cohort"], summary["worst_cohort"]) == ("2026-W07", "2026-W07")


def test_without_users_there_is_nothing_to_average():
    assert cohorts.report([cohort(day(2, 2), 0)], granularity=WEEK, now=NOW) == {
        "cohorts": [],
        "summary": {
            "avg_week_1_retention": None,
            "avg_week_4_retention": None,
            "best_cohort": None,
            "worst_cohort": None,
        },
    }


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        (datetime(2027, 1, 3, tzinfo=UTC), "2026-W53"),
        (datetime(2027, 1, 4, tzinfo=UTC), "2027-W01"),
        (datetime(2024, 12, 30, tzinfo=UTC), "2025-W01"),
    ],
)
def test_week_labels_carry_the_iso_year(moment, label):
    assert WEEK.label(WEEK.start(moment)) == label


moments = st.integers(0, 137 * 24).map(lambda hours: NOW - timedelta(hours=hours))


@given(st.lists(st.tuples(moments, st.lists(moments, max_size=6)), max_size=15), st.sampled_from(list(Granularity)))
def test_every_user_is_in_one_cohort_and_no_share_exceeds_one(histories, granularity):
    members = [member(str(n), min([first, *trades]), len(trades)) for n, (first, trades) in enumerate(histories)]
    activity = [(str(n), moment) for n, (_, trades) in enumerate(histories) for moment in trades]
    rows = cohorts.report(cohorts.gather(members, activity, granularity=granularity), granularity=granularity, now=NOW)[
        "cohorts"
    ]
    assert sum(row["signup_count"] for row in rows) == len(members)
    assert all(0 <= share <= 1 for row in rows for share in row["retention"].values())
