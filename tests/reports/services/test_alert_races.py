"""The beat's job and one that a scrape asked for, at once: an alert is told once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections

from predictu import clock
from predictu.platform import heartbeats
from predictu.platform.models import ActivityEvent
from reports.models import StandingAlert
from reports.services import alerts

pytestmark = pytest.mark.committed
WATCHERS = 4


def test_watchers_at_once_tell_once():
    now = clock.now()
    for name in ("beat", "alerts"):
        heartbeats.seen(name, now=now)
    heartbeats.seen("prices", now=now - timedelta(minutes=3))
    start = Barrier(WATCHERS)

    def watch(_):
        start.wait()
        try:
            return alerts.watch(now=now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WATCHERS) as pool:
        told = list(pool.map(watch, range(WATCHERS)))
    assert sorted(told) == [([], [])] * (WATCHERS - 1) + [(["sync_stale"], [])]
    assert StandingAlert.objects.count() == 1
    assert ActivityEvent.objects.filter(metadata__alert="sync_stale").count() == 1
