"""How well operators' callback URLs answer, from the rows that are written with their attempts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.db.models.functions import TruncHour

from operators import retries
from operators.models import Attempt, Endpoint, Operator


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


def health_of(operator_ids: Iterable[str]) -> dict[str, Health]:
    """The health of each operator, in two queries however many there are."""
    wanted = list(operator_ids)
    urls = dict(Operator.objects.filter(pk__in=wanted).values_list("id", "callback_url"))
    known = {row.operator_id: row for row in Endpoint.objects.filter(pk__in=wanted)}
    return {id: _health(url, known.get(id)) for id, url in urls.items()}


def _health(url: str, endpoint: Endpoint | None) -> Health:
    """Failures at an earlier URL say nothing of the one there is now."""
    failures = endpoint.failures if endpoint is not None and endpoint.url == url else 0
    return Health(_status(url, failures), endpoint.last_success_at if endpoint else None, failures)


def _status(url: str, failures: int) -> str:
    if not url:
        return "unconfigured"
    if retries.is_failing(failures):
        return "failing"
    return "degraded" if failures else "healthy"


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour's attempts."""

    start: datetime
    confirmed: int
    failed: int


def history(operator_id: str, *, since: datetime) -> list[Hour]:
    """Attempts by hour, oldest first; hours without one are absent."""
    attempts = Attempt.objects.filter(operator_id=operator_id, at__gte=since).order_by()
    hours = attempts.annotate(start=TruncHour("at")).values("start")
    counted = hours.annotate(ok=Count("pk", filter=Q(confirmed=True)), all=Count("pk")).order_by("start")
    return [Hour(row["start"], row["ok"], row["all"] - row["ok"]) for row in counted]
