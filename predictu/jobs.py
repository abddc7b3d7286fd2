"""Starting background work: after commit, by dotted path, never a reason to fail.

Every kind of job has a row that says what is due and a periodic sweep that rings for it, so a bell that is not heard
costs a second, not a fact.
"""

import logging
import time
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from predictu import volatile
from predictu.celery import app

log = logging.getLogger("predictu.jobs")

RELAY_TASK = "predictu.platform.tasks.relay"
# How long a bell counts as rung when nobody answers it; the sweep comes round sooner.
_BELL_MS = 2_000
# After a broker did not answer, nobody waits for it again for this long.
_GIVE_UP_SECONDS = 5.0

_silent_until = 0.0


def enqueue(task: str, *args: Any) -> None:
    """Run ``task`` (dotted path) with ``args`` once the transaction has committed.

    Given up and logged within half a second when the broker is away.
    """
    transaction.on_commit(lambda: _send(task, args), robust=True)


@dataclass(frozen=True)
class _Bell:
    stream: str
    task: str

    def __call__(self) -> None:
        """Ring unless it has been rung and not been heard yet."""
        if settings.CELERY_TASK_ALWAYS_EAGER:
            _send(self.task, (self.stream,))
            return
        if time.monotonic() < _silent_until:
            return
        try:
            first = volatile.connection().set(_bell_key(self.stream, self.task), 1, nx=True, px=_BELL_MS)
        except redis.RedisError as error:
            _give_up(self.task, error)
            return
        if first:
            _send(self.task, (self.stream,))


def ring(stream: str, task: str = RELAY_TASK) -> None:
    """Ring for a stream once the transaction has committed; many rings of one transaction are one.

    ``task`` takes the stream as its argument and says ``heard`` first.
    """
    bell = _Bell(stream, task)
    if not any(waiting == bell for _, waiting, _ in transaction.get_connection().run_on_commit):
        transaction.on_commit(bell, robust=True)


def heard(stream: str, task: str = RELAY_TASK) -> None:
    """``task`` has begun on ``stream``: whatever commits from now on rings again."""
    try:
        volatile.connection().delete(_bell_key(stream, task))
    except redis.RedisError as error:
        _give_up(task, error)


def _bell_key(stream: str, task: str) -> str:
    return f"bell:{task}:{stream}"


def _send(task: str, args: tuple[Any, ...]) -> None:
    if settings.CELERY_TASK_ALWAYS_EAGER:
        import_string(task).apply(args=args)
        return
    if time.monotonic() < _silent_until:
        return
    try:
        queue = getattr(import_string(task), "queue", None)  # sent by name, a task's own queue would be lost
        app.send_task(task, args=args, queue=queue, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001 whatever the broker's client raises, the sweep finds what is due
        _give_up(task, error)


def _give_up(task: str, error: Exception) -> None:
    global _silent_until
    _silent_until = time.monotonic() + _GIVE_UP_SECONDS
    log.warning("could not announce %s: %s", task, type(error).__name__)
