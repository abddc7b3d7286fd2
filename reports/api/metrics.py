"""``/metrics`` for Prometheus: what the processes counted, and how the platform is at the moment of the scrape."""

import hmac
import ipaddress
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric

from predictu import clock
from predictu import metrics as counted
from reports import alerts as rules
from reports.queries import vitals
from reports.services import alerts

log = logging.getLogger("predictu.metrics")


def metrics(request: HttpRequest) -> HttpResponse:
    """The page. 404 while neither a token nor a network is set, 403 to whoever lacks what is."""
    if not (settings.PREDICTU_METRICS_TOKEN or settings.PREDICTU_METRICS_NETWORKS):
        raise Http404
    if not (_bears_token(request) and _may_come(request.client_address)):  # type: ignore[attr-defined]
        return HttpResponse("Not for you.\n", status=403, content_type="text/plain")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(clock.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _bears_token(request: HttpRequest) -> bool:
    wanted = settings.PREDICTU_METRICS_TOKEN
    given = request.headers.get("Authorization", "")
    return not wanted or hmac.compare_digest(given.encode(), f"Bearer {wanted}".encode())


def _may_come(address: str) -> bool:
    networks = [ipaddress.ip_network(text, strict=False) for text in settings.PREDICTU_METRICS_NETWORKS]
    return not networks or any(ipaddress.ip_address(address) in network for network in networks)


class _Collector:
    """One scrape. A part that cannot be read is left out and ``predictu_up`` says so."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        yield from counted.collected()
        up = GaugeMetricFamily("predictu_up", "Whether a part of the platform answered the scrape.", labels=["part"])
        try:
            state = [*_vitals(self.now), *_figures(self.now)]
            up.add_metric(["database"], 1)
        except DatabaseError as error:
            log.warning("metrics without the database: %s", type(error).__name__)
            state = []
            up.add_metric(["database"], 0)
        try:
            state.append(_queues())
            up.add_metric(["redis"], 1)
        except redis.RedisError as error:
            log.warning("metrics without Redis: %s", type(error).__name__)
            up.add_metric(["redis"], 0)
        yield from (*state, up)


def _vitals(now: datetime) -> Iterator[Metric]:
    found = vitals.gather(now=now)
    yield _seconds("relay_lag", "How long the oldest unnumbered event or activity has waited.", found.relay_lag)
    yield _seconds("beat_age", "Time since beat was last heard of.", found.beat_age)
    yield _seconds("sync_age", "Time since prices were last read.", found.sync_age)
    yield _seconds("ledger_verified_age", "Time since the ledger was last verified.", found.ledger_age)
    yield _gauge(
        "ledger_differences", "What the last verification found wrong.", sum(found.ledger_differences.values())
    )
    yield _alerts(rules.judge(found))


def _alerts(standing: list[rules.Alert]) -> Metric:
    alerts.ring_for_news(standing)
    family = GaugeMetricFamily("predictu_alert", "Alerts that stand, by rule.", labels=["name", "severity"])
    for rule in rules.RULES:
        family.add_metric([rule.name, rule.severity], sum(alert.name == rule.name for alert in standing))
    return family


def _figures(now: datetime) -> Iterator[Metric]:
    found = vitals.figures(now=now)
    yield _seconds("delivery_lag", "How overdue the first callback is that could be sent.", found.delivery_lag)
    deliveries = GaugeMetricFamily("predictu_deliveries", "Callbacks past their quick phase.", labels=["state"])
    for state, count in sorted(found.deliveries.items()):
        deliveries.add_metric([state], count)
    yield deliveries
    yield _gauge("breakers_tripped", "Circuit breakers that stop trading now.", found.breakers_tripped)
    yield _gauge("settlements_waiting", "Resolved markets that are not paid out.", found.settlements_waiting)
    times = HistogramMetricFamily("predictu_settlement_seconds", "Time settlements took.")
    bounds = [(str(float(bound)), count) for bound, count in found.settlement_seconds]
    times.add_metric([], [*bounds, ("+Inf", found.settlement_count)], found.settlement_sum)
    yield times


def _queues() -> Metric:
    family = GaugeMetricFamily("predictu_queue_depth", "Jobs that wait for a worker.", labels=["queue"])
    for queue, depth in vitals.queue_depths().items():
        family.add_metric([queue], depth)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"predictu_{name}", text, value=value)


def _seconds(name: str, text: str, span: timedelta | None) -> Metric:
    """An age; without a sample for what has never been seen."""
    family = GaugeMetricFamily(f"predictu_{name}_seconds", text)
    if span is not None:
        family.add_metric([], span.total_seconds())
    return family
