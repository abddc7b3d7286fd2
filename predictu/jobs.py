"""Starting background work: after commit, by dotted path, never a reason to fail.

Every kind of job has a row that says what is due and a periodic sweep that rings for it, so a bell that is not heard
costs a second, not a fact.
"""

import logging
import os
import threading
import time
from collections import deque
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

# How long a bell waits for others of the same stream: a fraction of what a callback takes to be sent.
_TOGETHER_SECONDS = 0.025

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
        """Have it rung in a moment, on a thread of its own."""
        if settings.CELERY_TASK_ALWAYS_EAGER:
            _send(self.task, (self.stream,))
        else:
            _ringer.take(self)


def _ring_all(bells: list[_Bell]) -> None:
    """Ring those that have not been rung yet, or have been heard since: one round trip to ask about all of them."""
    if time.monotonic() < _silent_until:
        return
    asked = volatile.connection().pipeline(transaction=False)
    for bell in bells:
        asked.set(_bell_key(bell.stream, bell.task), 1, nx=True, px=_BELL_MS)
    try:
        answers = asked.execute()
    except redis.RedisError as error:
        _give_up(bells[0].task, error)
        return
    for bell, first in zip(bells, answers, strict=True):
        if first:
            _send(bell.task, (bell.stream,))


class _Ringer:
    """Rings on a thread of its own: no answer waits for Redis, and the many rings of a busy moment are one."""

    def __init__(self) -> None:
        self._waiting: deque[_Bell] = deque()
        self._called = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def take(self, bell: _Bell) -> None:
        self._waiting.append(bell)
        if self._called.is_set():
            return
        self._called.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="bells", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while self._called.wait():
            time.sleep(_TOGETHER_SECONDS)
            self._called.clear()
            bells = {self._waiting.popleft() for _ in range(len(self._waiting))}
            try:
                _ring_all(list(bells))
            except Exception:  # bells that cannot be rung must not silence those that come
                log.exception("could not ring")


_ringer = _Ringer()


def _begin_anew() -> None:
    """A forked process has no thread yet, and none of the bells are its own."""
    global _ringer
    _ringer = _Ringer()


os.register_at_fork(after_in_child=_begin_anew)


def ring(stream: str, task: str = RELAY_TASK) -> None:
    """Ring for a stream once the transaction has committed; many rings of one transaction are one.

    ``task`` takes the stream as its argument and says ``heard`` first.
    """
    bell, connection = _Bell(stream, task), transaction.get_connection()
    if not any(waiting == bell for _, waiting, _ in connection.run_on_commit):
        connection.on_commit(bell, robust=True)


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
        app.send_task(task, args=args, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001 whatever the broker's client raises, the sweep finds what is due
        _give_up(task, error)


def _give_up(task: str, error: Exception) -> None:
    global _silent_until
    _silent_until = time.monotonic() + _GIVE_UP_SECONDS
    log.warning("could not announce %s: %s", task, type(error).__name__)
