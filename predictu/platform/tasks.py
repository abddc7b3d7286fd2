"""Platform jobs."""

from celery import shared_task

from predictu import jobs
from predictu.platform import notices
from predictu.platform import relay as relay_service


@shared_task(queue="fast")
def relay(stream: str) -> None:
    """Number what ``stream`` holds unnumbered."""
    jobs.heard(stream)
    relay_service.run(stream)


@shared_task(queue="fast")
def sweep_relay() -> None:
    """Number whatever was committed without a bell being heard."""
    relay_service.sweep()


@shared_task(queue="slow")
def mail_admins(subject: str, text: str) -> None:
    """Tell every admin something by e-mail."""
    notices.send(subject, text)
