"""Whether the machine runs: heartbeats, queues and the database, each asked for cheaply and by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from django.db import connection
from django.template.defaultfilters import filesizeformat

from predictu import volatile
from predictu.api.health import BEAT_SILENCE
from predictu.platform.models import Heartbeat

QUEUES = ("fast", "slow")
# Jobs waiting from which a queue is not being worked off: sweeps come every second and are dropped when late.
_LONG_QUEUE = 1_000
# A transaction this old holds back vacuum, rollups and the relay.
_OLD_SECONDS = 300
_FULL = 0.8

_DATABASE = """
SELECT pg_database_size(current_database()), current_setting('max_connections')::int, count(*),
       coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)
         FILTER (WHERE pid <> pg_backend_pid() AND datname = current_database())), 0)::int
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """One line: what, how much, and whether it is as it should be."""

    name: str
    value: str
    good: bool = True


def readings(now: datetime) -> list[Reading]:
    """Heartbeats first, then queues, then the database; two statements and one round trip to Redis."""
    return [*_heartbeats(now), *_queues(), *_database()]


def _heartbeats(now: datetime) -> list[Reading]:
    found = list(Heartbeat.objects.order_by("name"))
    if not any(row.name == "beat" for row in found):
        return [Reading("Beat", "never seen: are beat and the workers running?", False)]
    return [_heartbeat(row, now) for row in found]


def _heartbeat(row: Heartbeat, now: datetime) -> Reading:
    age = now - row.seen_at
    if row.name == "beat":
        return Reading("Beat", f"{_span(int(age.total_seconds()))} ago", age < BEAT_SILENCE)
    findings = row.detail.get("findings", []) if row.name == "ledger" else []
    told = f"{_span(int(age.total_seconds()))} ago" + (f", {len(findings)} differences" if findings else "")
    return Reading({"ledger": "Ledger verified"}.get(row.name, row.name.capitalize()), told, not findings)


def _queues() -> list[Reading]:
    try:
        pipeline = volatile.connection().pipeline(transaction=False)
        for name in QUEUES:
            pipeline.llen(name)
        lengths: list[Any] = pipeline.execute()
    except redis.RedisError:
        return [Reading("Queues", "Redis does not answer", False)]
    return [
        Reading(f"Queue {name}", f"{length:,} waiting", length < _LONG_QUEUE)
        for name, length in zip(QUEUES, lengths, strict=True)
    ]


def _database() -> list[Reading]:
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        size, most, used, oldest = cursor.fetchone()
    return [
        Reading("Database", filesizeformat(size)),
        Reading("Connections", f"{used:,} of {most:,}", used < most * _FULL),
        Reading("Oldest transaction", _span(oldest), oldest < _OLD_SECONDS),
    ]


def _span(seconds: int) -> str:
    """``45 s``, ``12 min``, ``3 h``, ``2 d``."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
