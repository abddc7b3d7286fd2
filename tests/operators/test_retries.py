"""When callbacks are tried again: every delay of both phases, with the ends of their jitter."""

from datetime import UTC, datetime, timedelta

import pytest

from operators import retries
from operators.retries import Policy, Step

NOW = datetime(2026, 3, 19, 12, tzinfo=UTC)
POLICY = Policy(retry_max=5, backoff=timedelta(seconds=1))


def after(**changes):
    terms = {"slow": False, "tries": 0, "status": 500, "policy": POLICY, "wait": None, "chance": 0.5, "now": NOW}
    return retries.after(**{**terms, **changes})


@pytest.mark.parametrize("status", [200, 201, 204, 299])
@pytest.mark.parametrize("slow", [False, True])
def test_any_2xx_confirms(status, slow):
    assert after(status=status, slow=slow, tries=3) == Step("confirmed", None, 3)


@pytest.mark.parametrize("status", [None, 100, 199, 300, 302, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status):
    assert after(status=status) == Step("ready", NOW + timedelta(seconds=1), 1)


def test_410_stops_it():
    assert after(status=410, tries=2) == Step("dead", None, 2)


def test_the_quick_phase_doubles_the_configured_backoff_and_then_the_slow_one_begins():
    delays = [(after(tries=tries).due_at - NOW).total_seconds() for tries in range(5)]
    assert delays == [1, 2, 4, 8, 16]
    assert after(tries=5) == Step("slow", NOW + timedelta(minutes=5), 1)
    assert after(policy=Policy(0, timedelta(seconds=1))) == Step("slow", NOW + timedelta(minutes=5), 1)


def test_a_quick_delay_never_exceeds_an_hour():
    slowest = Policy(retry_max=20, backoff=timedelta(seconds=60))
    assert after(policy=slowest, tries=19).due_at == NOW + timedelta(hours=1)


def test_the_slow_phase_lasts_75_hours_and_ends_dead():
    steps = [after(slow=True, tries=tries) for tries in range(1, 8)]
    delays = [timedelta(minutes=5), *(step.due_at - NOW for step in steps)]
    assert [delay.total_seconds() / 60 for delay in delays] == [5, 30, 120, 300, 600, 840, 1200, 1440]
    assert sum(delays, timedelta()) == timedelta(hours=75, minutes=35)
    assert [step.tries for step in steps] == [2, 3, 4, 5, 6, 7, 8]
    assert after(slow=True, tries=8) == Step("dead", None, 8)


def test_delays_spread_by_a_fifth_either_way():
    assert after(chance=0.0).due_at == NOW + timedelta(seconds=0.8)
    assert after(chance=1.0).due_at == NOW + timedelta(seconds=1.2)


def test_retry_after_prolongs_a_delay_and_never_shortens_it():
    assert after(wait=timedelta(seconds=30)).due_at == NOW + timedelta(seconds=30)
    assert after(wait=timedelta(seconds=30), tries=5).due_at == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 5 ", 5),
        ("86400", 3600),
        ("9" * 40, 3600),
        ("Thu, 19 Mar 2026 12:02:00 GMT", 120),
        ("Thu, 19 Mar 2026 11:00:00 GMT", 0),
        ("Fri, 20 Mar 2026 12:00:00 GMT", 3600),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_an_hour(value, seconds):
    assert retries.retry_after({"retry-after": value}, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "٣", "Thu, 99 Mar 2026"])
def test_what_is_neither_asks_for_nothing(value):
    assert retries.retry_after({"retry-after": value}, NOW) is None
    assert retries.retry_after({}, NOW) is None


def test_ten_failures_in_a_row_are_failing_and_the_grades_follow_the_clock():
    assert [retries.is_failing(number) for number in (0, 9, 10)] == [False, False, True]
    hours = [0, 0.99, 1, 23.9, 24, 500]
    assert [retries.grade(timedelta(hours=each)) for each in hours] == [1, 1, 2, 2, 3, 3]
