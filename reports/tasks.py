"""Reports' jobs."""

from celery import shared_task

from predictu import clock
from reports.services import forecasts


@shared_task(queue="slow")
def forecast_revenue() -> None:
    """Make today's forecasts, and score those whose days have passed."""
    now = clock.now()
    forecasts.score(now=now)
    forecasts.refresh(now=now)
