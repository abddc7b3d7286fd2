from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import forecast
from reports.forecast import Accuracy, Driver, Operator
from tests.reports.forecasting import series

NOW = datetime(2026, 3, 19, 12, tzinfo=UTC)  # a Thursday
YESTERDAY = date(2026, 3, 18)


def operator(slug, amounts, **facts):
    """Its last amount is yesterday's."""
    first = YESTERDAY - timedelta(days=len(amounts) - 1)
    revenue = {first + timedelta(days=n): D(str(round(float(usd), 2))) for n, usd in enumerate(amounts)}
    return Operator(slug=slug, name=slug.title(), revenue=revenue, **facts)


def by_weekday(days):
    """10 on Mondays to 70 on Sundays."""
    first = YESTERDAY - timedelta(days=days - 1)
    return [10 * ((first + timedelta(days=n)).weekday() + 1) for n in range(days)]


def assert_adds_up(one):
    assert sum(usd for _, usd in one.by_operator) == one.projected_usd
    assert sum(usd for _, usd in one.series) == one.projected_usd
    assert sum(driver.impact_usd for driver in one.drivers) == one.projected_usd
    assert one.low_usd <= one.projected_usd <= one.high_usd
    assert all(usd.as_tuple().exponent >= -2 for _, usd in (*one.by_operator, *one.series))


def test_a_pure_week_in_the_documented_shape():
    document = forecast.project([operator("alpha", by_weekday(150))], now=NOW)[30].document()
    days = document.pop("series")
    assert len(days) == 30
    assert days[:3] == [
        {"date": "2026-03-20", "projected_usd": D("50.00")},
        {"date": "2026-03-21", "projected_usd": D("60.00")},
        {"date": "2026-03-22", "projected_usd": D("70.00")},
    ]
    assert days[-1] == {"date": "2026-04-18", "projected_usd": D("60.00")}
    assert document == {
        "horizon": "30d",
        "projected_revenue_usd": D("1230.00"),
        "confidence_interval": {"low_usd": D("1230.00"), "high_usd": D("1230.00"), "confidence_pct": 80},
        "growth_rate_pct": D("5.1"),  # 1230 / 1170
        "drivers": [{"factor": "Seasonal baseline", "impact_usd": D("1230.00")}],
        "by_operator": [{"operator_slug": "alpha", "projected_usd": D("1230.00")}],
        "accuracy": {
            "mase": D("1.00"),
            "coverage_pct": D("100.0"),
            "origins": 12,
            "model": "seasonal_naive",
            "note": "Seasonal naive made no error, so the forecast is the seasonal-naive one.",
        },
        "generated_at": "2026-03-19T12:00:00Z",
    }


def test_today_and_later_days_are_not_looked_at():
    whole = operator("alpha", by_weekday(100))
    peeking = Operator(
        slug="alpha", name="Alpha", revenue={**whole.revenue, NOW.date(): D(9999), date(2026, 4, 1): D(9999)}
    )
    assert forecast.project([peeking], now=NOW) == forecast.project([whole], now=NOW)


def test_under_four_weeks_it_says_so():
    one = forecast.project([operator("alpha", [100] * 10)], now=NOW)[30]
    assert one.accuracy == Accuracy(
        model="recent_mean",
        mase=None,
        coverage_pct=None,
        origins=0,
        note="Only 10 days of history, 28 are needed for a trend: the mean day so far is carried on, "
        "and the range is the spread of single days, not a tested interval.",
    )
    assert (one.projected_usd, one.low_usd, one.high_usd) == (D("3000.00"), D("3000.00"), D("3000.00"))
    assert one.growth_rate_pct == D("200.0")
    assert one.drivers == (Driver("New operator (Alpha) onboarding", D("3000.00")), Driver("Seasonal baseline", D(0)))


def test_the_range_of_a_short_history_is_the_spread_of_its_days():
    one = forecast.project([operator("alpha", [10, 20, 30, 40, 50, 60, 70, 80, 90, 100])], now=NOW)[30]
    assert (one.projected_usd, one.low_usd, one.high_usd) == (D("1650.00"), D("570.00"), D("2730.00"))


def test_before_the_first_revenue_there_is_nothing_to_project():
    for operators in ([], [Operator(slug="alpha", name="Alpha", revenue={}, live_on=date(2026, 3, 1))]):
        one = forecast.project(operators, now=NOW)[90]
        assert (one.projected_usd, one.low_usd, one.high_usd, one.growth_rate_pct) == (0, 0, 0, None)
        assert one.accuracy.note == "No revenue yet: there is nothing to project from."
        assert len(one.series) == 90
        assert {slug for slug, _ in one.by_operator} == {one.slug for one in operators}


def test_a_history_too_short_to_score_carries_the_last_four_weeks_on():
    one = forecast.project([operator("alpha", [7] * 12 + [10] * 28)], now=NOW)[60]
    assert one.projected_usd == D("600.00")
    assert one.drivers == (Driver("Seasonal baseline", D("600.00")),)
    assert (one.accuracy.model, one.accuracy.mase) == ("recent_mean", None)
    assert one.accuracy.note.startswith("Only 40 days of history, too few to score a forecast")


def test_a_new_operator_is_a_driver_of_its_own():
    old = operator("alpha", series.flat_noise(3))
    new = operator("beta", [200] * 14, live_on=YESTERDAY - timedelta(days=13))
    for one in forecast.project([old, new], now=NOW).values():
        share = dict(one.by_operator)["beta"]
        assert one.drivers[0] == Driver("New operator (Beta) onboarding", share)
        assert share == pytest.approx(D(200 * one.horizon_days), rel=D("0.03"))
        assert_adds_up(one)


def test_an_operator_that_is_live_and_earned_nothing_is_listed_with_nothing():
    quiet = Operator(slug="quiet", name="Quiet", revenue={}, live_on=date(2026, 3, 19))
    one = forecast.project([operator("alpha", by_weekday(100)), quiet], now=NOW)[30]
    assert one.by_operator == (("alpha", D("1230.00")), ("quiet", D("0.00")))
    assert [driver.factor for driver in one.drivers] == ["Seasonal baseline"]


def test_a_suspended_operator_is_nothing_from_now_on_and_a_negative_driver():
    going = operator("alpha", by_weekday(100))
    gone = operator("beta", [10] * 100, suspended_on=date(2026, 3, 19))
    one = forecast.project([going, gone], now=NOW)[30]
    assert one.projected_usd == D("1230.00")
    assert one.by_operator == (("alpha", D("1230.00")), ("beta", D("0.00")))
    assert one.drivers == (
        Driver("Suspended operator (Beta)", D("-300.00")),
        Driver("Seasonal baseline", D("1530.00")),
    )
    assert one.growth_rate_pct == D("-16.3")  # 1230 / 1470


def test_a_suspension_long_ago_is_no_driver():
    gone = operator("beta", [10] * 50 + [0] * 50, suspended_on=YESTERDAY - timedelta(days=49))
    one = forecast.project([operator("alpha", by_weekday(100)), gone], now=NOW)[30]
    assert [driver.factor for driver in one.drivers] == ["Seasonal baseline"]


def test_a_model_that_does_not_beat_seasonal_naive_is_not_stored():
    steps = [100 if day // 40 % 2 else 300 for day in range(200)]
    one = forecast.project([operator("alpha", steps)], now=NOW)[30]
    assert one.accuracy.model == "seasonal_naive"
    assert one.accuracy.mase == D("1.00")
    assert one.accuracy.note.startswith("The statistical model scored 1.")
    assert {usd for _, usd in one.series} == {D(300)}
    assert_adds_up(one)


def test_a_better_model_is_stored_with_its_score():
    operators = [operator(kind.__name__, kind(7)) for kind in series.KINDS]
    for days, one in forecast.project(operators, now=NOW).items():
        assert one.accuracy.model == "theta+ets"
        assert one.accuracy.mase < 1
        assert one.accuracy.note is None
        assert 0 <= one.accuracy.coverage_pct <= 100
        assert one.low_usd < one.projected_usd < one.high_usd
        assert [driver.factor for driver in one.drivers] == ["Trend of established operators", "Seasonal baseline"]
        assert [day for day, _ in one.series] == [date(2026, 3, 20) + timedelta(days=n) for n in range(days)]
        assert_adds_up(one)


def test_the_order_of_operators_does_not_matter():
    operators = [operator("alpha", series.trend(1)[:90]), operator("beta", series.intermittent(2)[:90])]
    assert forecast.project(operators, now=NOW) == forecast.project(operators[::-1], now=NOW)


def test_growth_has_no_rate_when_the_past_span_earned_nothing():
    one = forecast.project([operator("alpha", [50] * 100 + [0] * 40)], now=NOW)[30]
    assert one.growth_rate_pct is None


def test_more_taken_back_than_earned_adds_up_too():
    losing = operator("alpha", np.tile([100.0, 20, 30, -400, 25, 30, 10], 12))
    for one in forecast.project([losing, operator("beta", [3.33] * 80)], now=NOW).values():
        assert one.projected_usd < 0
        assert_adds_up(one)


histories = st.lists(st.decimals(0, 5000, places=2), min_size=0, max_size=75)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(histories, st.booleans()), max_size=3))
def test_parts_add_up_whatever_happened(books):
    operators = [
        operator(f"op-{n}", amounts, suspended_on=YESTERDAY if suspended else None)
        for n, (amounts, suspended) in enumerate(books)
    ]
    for one in forecast.project(operators, now=NOW).values():
        assert_adds_up(one)
        assert all(usd >= 0 for _, usd in (*one.by_operator, *one.series))
