"""One outgoing call while it runs: the time it has left, and what each phase of it took."""

import time

PHASES = ("dns", "connect", "tls", "first_byte")


class Call:
    """``timeout_ms`` bounds everything from here on. ``first_byte`` covers writing the request and waiting."""

    def __init__(self, timeout_ms: int) -> None:
        self.timeout_ms = timeout_ms
        self.phases_ms: dict[str, float | None] = dict.fromkeys(PHASES)
        self.ip: str | None = None
        self.tls_version: str | None = None
        self.certificate_days_left: int | None = None
        self._started = self._mark = time.monotonic()
        self._deadline = self._started + timeout_ms / 1000

    def remaining(self) -> float:
        """Seconds left. Raises TimeoutError when there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def mark(self, phase: str) -> None:
        """The named phase ends now and the next begins."""
        now = time.monotonic()
        self.phases_ms[phase] = round((now - self._mark) * 1000, 1)
        self._mark = now

    def latency_ms(self) -> int:
        """Whole milliseconds since the call began, never more than it was given."""
        return min(round((time.monotonic() - self._started) * 1000), self.timeout_ms)
