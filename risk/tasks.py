"""Risk's jobs. Every one of them may run twice."""

from celery import shared_task

from predictu import clock
from risk.services import desk


@shared_task
def reset_breakers() -> None:
    """Arm the breakers whose cooldown is over."""
    desk.reset_due(now=clock.now())
