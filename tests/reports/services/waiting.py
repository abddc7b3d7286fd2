"""Exports on their way: asked for and not begun, or held up in the middle of their COPY."""

from datetime import timedelta

from django.db import connection

from predictu import clock
from reports.models import Export
from tests.factories import make_admin

_COPYING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND query LIKE 'COPY%%' AND datname = current_database()
"""


def waiting_export():
    """One that was asked for and that nobody has begun."""
    now = clock.now()
    return Export.objects.create(
        type="trades",
        format="csv",
        compression="none",
        start=now - timedelta(days=1),
        end=now + timedelta(days=1),
        estimated_rows=0,
        estimated_size_bytes=0,
        requested_by=make_admin(),
        rung_at=now,
        created_at=now,
    )


def is_copying():
    with connection.cursor() as cursor:
        cursor.execute(_COPYING)
        return cursor.fetchone()[0] == 1
