"""Whether the machine runs: what beats, what waits, the database, and which routes are slow."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import redis
from django.db import connection
from django.template.defaultfilters import filesizeformat
from prometheus_client.metrics_core import Metric

from predictu import metrics
from reports import alerts
from reports.alerts import Vitals, in_words
from reports.queries import vitals as figures

# Jobs waiting from which a queue is not being worked off: sweeps come every second and are dropped when late.
_LONG_QUEUE = 1_000
# A transaction this old holds back vacuum, rollups and the relay.
_OLD = timedelta(minutes=5)
_FULL = 0.8
_SLOWEST = 6
# Of fewer answers a tail says nothing.
_FEWEST = 20
_TAIL = 0.95

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


@dataclass(slots=True)
class Route:
    """How long the answers of a route took, as the histograms of all processes add up."""

    count: int = 0
    seconds: float = 0.0
    within: dict[float, int] = field(default_factory=dict)

    @property
    def mean_ms(self) -> int:
        return round(self.seconds * 1000 / self.count)

    @property
    def tail_ms(self) -> int | None:
        """The histogram's bound that 95 % of the answers kept; None when they kept none."""
        kept = [bound for bound, count in self.within.items() if count >= self.count * _TAIL]
        return round(min(kept) * 1000) if kept and min(kept) != float("inf") else None


def readings(vitals: Vitals) -> list[Reading]:
    """What beats, then the queues, then the database: a statement and a look into Redis."""
    return [*_beats(vitals), *_queues(), *_database()]


def _beats(vitals: Vitals) -> list[Reading]:
    wrong = {alert.name for alert in alerts.judge(vitals)}
    return [
        Reading("Beat", _ago(vitals.beat_age), "beat_silent" not in wrong),
        Reading("Prices read", _ago(vitals.sync_age), "sync_stale" not in wrong),
        Reading("Ledger verified", _ago(vitals.ledger_age), not wrong & {"ledger_difference", "ledger_unverified"}),
        Reading("Relay is behind by", in_words(vitals.relay_lag), "relay_lag" not in wrong),
    ]


def _ago(age: timedelta | None) -> str:
    return "never" if age is None else f"{in_words(age)} ago"


def _queues() -> list[Reading]:
    try:
        depths = figures.queue_depths()
    except redis.RedisError:
        return [Reading("Queues", "Redis does not answer", False)]
    return [Reading(f"Queue {name}", f"{depth:,} waiting", depth < _LONG_QUEUE) for name, depth in depths.items()]


def _database() -> list[Reading]:
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        size, most, used, seconds = cursor.fetchone()
    oldest = timedelta(seconds=seconds)
    return [
        Reading("Database", filesizeformat(size)),
        Reading("Connections", f"{used:,} of {most:,}", used < most * _FULL),
        Reading("Oldest transaction", in_words(oldest), oldest < _OLD),
    ]


def slowest() -> list[tuple[str, Route]]:
    """The routes whose answers take longest on average since counting began, the slowest first."""
    found = [(name, route) for name, route in routes(metrics.collected()).items() if route.count >= _FEWEST]
    return sorted(found, key=lambda each: -each[1].seconds / each[1].count)[:_SLOWEST]


def routes(collected: Iterable[Metric]) -> dict[str, Route]:
    """The histogram of requests by method and route."""
    found: dict[str, Route] = defaultdict(Route)
    for metric in collected:
        if metric.name != "predictu_request_seconds":
            continue
        for sample in metric.samples:
            route = found[f"{sample.labels['method']} /{sample.labels['route']}"]
            if sample.name.endswith("_count"):
                route.count = int(sample.value)
            elif sample.name.endswith("_sum"):
                route.seconds = sample.value
            elif sample.name.endswith("_bucket"):
                route.within[float(sample.labels["le"])] = int(sample.value)
    return dict(found)
