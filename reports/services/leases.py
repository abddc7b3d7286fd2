"""Who is making a file: one worker at a time, as long as it says that it lives.

A lease runs out 30 s after its holder was last heard; then the job is taken up again, three times in all, and fails
with that as its reason when it never gets to an end.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet

from predictu import clock, jobs
from reports.models import FileJob, Status

LEASE = timedelta(seconds=30)
BEAT_SECONDS = 5.0
ATTEMPTS = 3
# How long a worker may leave a bell unheard before it is rung again; a queue may well be that long.
RING_AGAIN = timedelta(minutes=1)
DIED = f"the worker died {ATTEMPTS} times while it made the file"


class Lost(Exception):
    """The job was cancelled or another worker has it: what was made so far is of no use."""


class Lease:
    """The right to make one file. ``check`` raises Lost once it is gone."""

    def __init__(self, job: FileJob) -> None:
        self.job = job
        self._lost = threading.Event()
        self._ended = threading.Event()

    @property
    def mine(self) -> QuerySet[Any]:
        """The job's row, while it is this lease's."""
        model = type(self.job)
        return model._default_manager.filter(pk=self.job.pk, lease=self.job.lease, status=Status.PROCESSING)

    def check(self) -> None:
        if self._lost.is_set():
            raise Lost

    def progress(self, done: int, expected: int) -> None:
        """Show how far it is; 99 % at most, since ready is 100."""
        self.check()
        pct = min(99, done * 100 // max(expected, 1))
        if pct > self.job.progress_pct:
            self.job.progress_pct = pct

    def _beat(self) -> None:
        try:
            while not self._ended.wait(BEAT_SECONDS):
                renewed = self.mine.update(lease_until=clock.now() + LEASE, progress_pct=self.job.progress_pct)
                if not renewed:
                    self._lost.set()
                    return
        finally:
            connection.close()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew the lease, and show progress, until the block ends."""
        thread = threading.Thread(target=self._beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()


def claim(model: type[FileJob], pk: str, *, path: str, now: datetime) -> Lease | None:
    """Take the job unless it is done or somebody lives who makes it; ``path`` is where its file will be."""
    token = secrets.token_hex(16)
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    taken = model._default_manager.filter(free, pk=pk, status=Status.PROCESSING, attempts__lt=ATTEMPTS).update(
        lease=token, lease_until=now + LEASE, attempts=F("attempts") + 1, progress_pct=0, path=path
    )
    return Lease(model._default_manager.get(pk=pk)) if taken else None


def finish(lease: Lease, **values: Any) -> bool:
    """Write the outcome; False when the job is no longer this lease's."""
    changed = lease.mine.update(lease="", lease_until=None, **values)
    if changed:
        lease.job.refresh_from_db()
    return bool(changed)


def release(lease: Lease, *, error: str) -> None:
    """Give the job back after a failure: to be tried again, or for good when it was tried often enough."""
    if lease.job.attempts >= ATTEMPTS:
        finish(lease, status=Status.FAILED, error=error)
    else:
        lease.mine.update(lease="", lease_until=None, error=error)


def sweep(model: type[FileJob], task: str, *, now: datetime) -> int:
    """Ring for jobs nobody works on; those whose workers died too often fail. Answers how many were rung for."""
    processing = model._default_manager.filter(status=Status.PROCESSING)
    orphaned = processing.filter(lease_until__lte=now)
    orphaned.filter(attempts__gte=ATTEMPTS).update(status=Status.FAILED, error=DIED, lease="", lease_until=None)
    waiting = orphaned.filter(rung_at__lte=now - LEASE) | processing.filter(
        lease_until=None, rung_at__lte=now - RING_AGAIN
    )
    found = list(waiting.values_list("pk", flat=True)[:200])
    model._default_manager.filter(pk__in=found).update(rung_at=now)
    for pk in found:
        jobs.enqueue(task, pk)
    return len(found)
