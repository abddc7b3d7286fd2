"""When to call, and when to call again."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class Pacer:
    """Spaces calls evenly, at most ``per_second``; threads may share one. Other processes count for themselves."""

    def __init__(self, per_second: float, *, sleep: Callable[[float], None], monotonic: Callable[[], float]) -> None:
        if per_second <= 0:
            raise ValueError("per_second must be positive")
        self._interval = 1 / per_second
        self._sleep = sleep
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._next = monotonic()

    def wait(self) -> None:
        """Return when it is this caller's turn."""
        with self._lock:
            now = self._monotonic()
            turn = max(now, self._next)
            self._next = turn + self._interval
        if turn > now:
            self._sleep(turn - now)


def backoff_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    """Seconds before retry number ``attempt`` (from 0): doubling up to the cap, then half of it left to chance."""
    return min(cap_s, base_s * 2**attempt) * random.uniform(0.5, 1.0)


def retry_after_s(header: str | None, *, now: datetime) -> float | None:
    """Seconds a ``Retry-After`` asks for, written as a number or as an HTTP date; None when absent or unreadable."""
    if header is None:
        return None
    written = header.strip()
    if written.replace(".", "", 1).isdecimal() and written.isascii() and len(written) <= 12:
        return float(written)
    try:
        moment = parsedate_to_datetime(written)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (moment - now).total_seconds())
