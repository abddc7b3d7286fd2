"""How well an operator's callback URL answers."""

from dataclasses import dataclass
from datetime import datetime

from operators.models import Operator, PingResult

# So many failures in a row and the URL counts as failing (§9 of the decisions).
FAILING_FROM = 10


@dataclass(frozen=True, slots=True)
class Health:
    """``status`` is unconfigured, healthy, degraded or failing; ``failure_count`` counts failures in a row."""

    status: str
    last_success: datetime | None
    failure_count: int

    @property
    def is_healthy(self) -> bool:
        """``s2s_healthy``."""
        return self.status in ("healthy", "degraded")


def status_word(url: str, failures: int) -> str:
    if not url:
        return "unconfigured"
    if failures >= FAILING_FROM:
        return "failing"
    return "degraded" if failures else "healthy"


def health_of(operator: Operator) -> Health:
    """What PINGs to the saved URL say."""
    pings = PingResult.objects.filter(operator=operator, url=operator.callback_url)
    last = pings.filter(success=True).first() if operator.callback_url else None
    failed = pings.filter(success=False)
    if last is not None:
        failed = failed.filter(created_at__gt=last.created_at)
    failures = failed.count() if operator.callback_url else 0
    return Health(status_word(operator.callback_url, failures), last.created_at if last else None, failures)
