"""Platform jobs."""

from celery import shared_task


@shared_task(queue="fast")
def relay(stream: str) -> None:
    """Number what ``stream`` holds unnumbered."""
    from predictu.platform import relay as relay_service

    relay_service.run(stream)
