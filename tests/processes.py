"""The platform for programs that are no tests: services, a fresh database, Django, and workers beside it."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import environment


@dataclass
class Platform:
    """Worker processes started here write their logs into ``folder``."""

    folder: Path
    started: int = 0
    workers: list = field(default_factory=list)

    def worker(self, *, queue: str = "fast", pool: str = "threads", concurrency: int = 2, **env: str):
        """A Celery worker that takes jobs."""
        from tests import servers

        self.started += 1
        log = self.folder / f"worker-{self.started}.log"
        worker = servers.start_worker(log=log, queue=queue, pool=pool, concurrency=concurrency, env=env)
        self.workers.append(worker)
        return worker


@contextmanager
def platform() -> Iterator[Platform]:
    """Everything up, on a database of its own that is dropped at the end."""
    environment.prepare()
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections

    from predictu.celery import app
    from tests import databases

    os.environ["CELERY_TASK_ALWAYS_EAGER"] = "0"
    settings.CELERY_TASK_ALWAYS_EAGER = app.conf.task_always_eager = False
    name = f"{databases.own_name()}_program"
    databases.renew(name)
    databases.use(name)
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = Platform(Path(folder))
            try:
                yield place
            finally:
                for worker in place.workers:
                    worker.stop()
    finally:
        connections.close_all()
        _drop(name)


def _drop(name: str) -> None:
    """Autovacuum may be at work in a large database, and ends by itself but not when told."""
    from psycopg.errors import InsufficientPrivilege

    from tests import databases

    for _ in range(120):
        try:
            databases.drop(name)
        except InsufficientPrivilege:
            time.sleep(1)
        else:
            return
