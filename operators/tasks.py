"""Jobs of operators: callbacks are sent by the worker that hears of them; the rows say what is due."""

from typing import Any

from celery import shared_task, signals
from django.conf import settings

from operators.models import Endpoint
from operators.services import deliveries, recording, relay, retention, sending
from predictu import clock, jobs


@shared_task
def deliver(operator_id: str) -> None:
    """See to an operator's due callbacks."""
    jobs.heard(operator_id, relay.DELIVER_TASK)
    if settings.CELERY_TASK_ALWAYS_EAGER:
        sending.drain(operator_id)
    else:
        sending.wake(operator_id)


@shared_task
def sweep_deliveries() -> None:
    """Ring for every operator with something due, whether or not a bell was heard."""
    for operator_id in deliveries.due(clock.now()):
        jobs.ring(operator_id, relay.DELIVER_TASK)


@shared_task
def prune_callbacks() -> None:
    """Remove attempts and events past their retention, and free whoever waited for one of them."""
    now = clock.now()
    retention.prune(now)
    for operator_id in Endpoint.objects.order_by("pk").values_list("pk", flat=True):
        recording.mend(operator_id, now=now)


@signals.worker_shutdown.connect
@signals.worker_process_shutdown.connect
def _stop_sending(**_: Any) -> None:
    sending.stop()
