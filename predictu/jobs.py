"""Starting background work: after commit, by dotted path, never a reason to fail.

Every kind of job has a row that says what is due and a periodic sweep that rings for it, so a bell that is not heard
costs a second, not a fact.
"""

import logging
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

log = logging.getLogger("predictu.jobs")

RELAY_TASK = "predictu.platform.tasks.relay"


def enqueue(task: str, *args: Any) -> None:
    """Run ``task`` (dotted path) with ``args`` once the transaction has committed.

    Given up and logged within half a second when the broker is away.
    """
    transaction.on_commit(lambda: _send(task, args), robust=True)


@dataclass(frozen=True)
class _Bell:
    stream: str

    def __call__(self) -> None:
        _send(RELAY_TASK, (self.stream,))


def ring(stream: str) -> None:
    """Ring the relay for a stream once the transaction has committed; many rings of one transaction are one."""
    bell = _Bell(stream)
    if not any(waiting == bell for _, waiting, _ in transaction.get_connection().run_on_commit):
        transaction.on_commit(bell, robust=True)


def _send(task: str, args: tuple[Any, ...]) -> None:
    if settings.CELERY_TASK_ALWAYS_EAGER:
        import_string(task).apply(args=args)
        return
    try:
        current_app.send_task(task, args=args, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001 the sweep finds what the bell could not announce
        log.warning("could not announce %s: %s", task, type(error).__name__)
