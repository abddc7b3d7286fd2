from datetime import UTC, datetime

import pytest

from trading.polymarket.pacing import Pacer, backoff_s, retry_after_s

NOW = datetime(2026, 3, 19, 12, tzinfo=UTC)


class Watch:
    """Time that passes only in ``sleep`` and by hand."""

    def __init__(self):
        self.at = 100.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(round(seconds, 6))
        self.at += seconds

    def read(self):
        return self.at


def test_calls_are_spaced_and_unused_time_is_not_saved_up():
    watch = Watch()
    pacer = Pacer(4, sleep=watch.sleep, monotonic=watch.read)
    pacer.wait()
    pacer.wait()
    pacer.wait()
    assert watch.slept == [0.25, 0.25]
    watch.at += 10
    pacer.wait()
    pacer.wait()
    assert watch.slept == [0.25, 0.25, 0.25]


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="positive"):
        Pacer(0, sleep=lambda _: None, monotonic=lambda: 0.0)


def test_backoff_doubles_to_the_cap_with_up_to_half_taken_off():
    for attempt, longest in enumerate([0.5, 1, 2, 4, 8, 15, 15]):
        waits = [backoff_s(attempt, base_s=0.5, cap_s=15) for _ in range(50)]
        assert all(longest / 2 <= wait <= longest for wait in waits)
        assert len(set(waits)) > 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("Thu, 19 Mar 2026 12:00:30 GMT", 30.0),
        ("Thu, 19 Mar 2026 11:00:00 GMT", 0.0),
        ("Thursday, 19-Mar-26 12:00:10 GMT", 10.0),
        ("Thu, 19 Mar 2026 12:00:30 -0000", 30.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("9" * 400, None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after_s(header, now=NOW) == seconds
