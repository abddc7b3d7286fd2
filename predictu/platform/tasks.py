"""Platform jobs."""

from celery import shared_task

from predictu import clock, jobs
from predictu.platform import approvals, heartbeats, notices
from predictu.platform import relay as relay_service


@shared_task
def relay(stream: str) -> None:
    """Number what ``stream`` holds unnumbered."""
    jobs.heard(stream)
    relay_service.run(stream)


@shared_task
def sweep_relay() -> None:
    """Number whatever was committed without a bell being heard."""
    relay_service.sweep()


@shared_task
def send_notice(number: int) -> None:
    """Send one e-mail to all admins."""
    notices.send(number, now=clock.now())


@shared_task
def sweep_notices() -> None:
    """Send every notice whose bell was not heard or whose mail server was away."""
    now = clock.now()
    for number in notices.waiting(now=now):
        notices.send(number, now=now)


@shared_task
def beat() -> None:
    """Show that beat sends jobs and a worker takes them."""
    heartbeats.seen("beat", now=clock.now())


@shared_task
def expire_approvals() -> None:
    """Close what no second admin decided in time."""
    approvals.expire(now=clock.now())
