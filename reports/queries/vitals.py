"""How the platform is at this moment: read from the database and the broker by whoever judges or shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Count

from billing import months
from billing import queries as invoices
from operators.models import Delivery, KeyUse, OperatorKey
from predictu import clock
from predictu.platform.models import Heartbeat
from reports.alerts import Vitals
from risk.models import CircuitBreaker
from trading.models import Settlement
from trading.services import prices, verification

QUEUES = ("fast", "slow")
_DEAD_FOR = timedelta(days=7)
# In seconds, for the histogram: locks are promised for 1 s at 10,000 positions and 11 s at 100,000.
SETTLEMENT_BOUNDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

# One look into the index of what is not numbered yet for each operator there is.
_UNNUMBERED = """
SELECT min(created_at) FROM (
  SELECT (SELECT created_at FROM operators_callbackevent AS event
    WHERE event.operator_id = operator.id AND event.sequence IS NULL ORDER BY ordinal LIMIT 1) AS created_at
  FROM operators_operator AS operator
  UNION ALL
  (SELECT created_at FROM platform_activityevent WHERE number IS NULL ORDER BY ordinal LIMIT 1)) AS oldest
"""
# What is due and nobody has claimed. Endpoints that fail or asked for a pause keep their queue: that is no lag of ours.
_DUE = """
SELECT min(due_at) FROM (
  SELECT (SELECT due_at FROM operators_delivery AS delivery
    WHERE delivery.operator_id = endpoint.operator_id AND delivery.due_at <= %(now)s AND NOT EXISTS (
      SELECT 1 FROM operators_claim AS claim WHERE claim.delivery_id = delivery.event_id AND claim.until > %(now)s)
    ORDER BY due_at LIMIT 1) AS due_at
  FROM operators_endpoint AS endpoint
  WHERE failing_since IS NULL AND (paused_until IS NULL OR paused_until <= %(now)s)) AS first
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What only the metrics show, besides the vitals."""

    delivery_lag: timedelta
    deliveries: dict[str, int]
    breakers_tripped: int
    settlements_waiting: int
    settlement_seconds: list[tuple[float, int]]
    settlement_count: int
    settlement_sum: float


def gather(*, now: datetime) -> Vitals:
    """The values that alerts are judged by."""
    beats = {row.name: row for row in Heartbeat.objects.filter(name__in=("beat", prices.HEARTBEAT, "ledger"))}
    ledger = beats.get(verification.HEARTBEAT)
    findings = ledger.detail.get("findings", []) if ledger else []
    month = months.before(now)
    return Vitals(
        relay_lag=_since(_moment(_UNNUMBERED, {}), now),
        sync_age=_age(beats.get(prices.HEARTBEAT), now),
        beat_age=_age(beats.get("beat"), now),
        ledger_age=_age(ledger, now),
        ledger_differences={row["check"]: row["count"] for row in findings},
        dead_deliveries=_dead(now),
        unbilled=dict.fromkeys(invoices.unbilled(month), month),
        since_month_began=now - clock.month_start(now),
        keys_ending=_keys_ending(now),
    )


def figures(*, now: datetime) -> Figures:
    """What the metrics add."""
    states = Delivery.objects.filter(state__in=("slow", "dead")).order_by().values_list("state").annotate(Count("pk"))
    bounds, count, total = _settlement_seconds()
    return Figures(
        delivery_lag=_since(_moment(_DUE, {"now": now}), now),
        deliveries={"slow": 0, "dead": 0} | dict(states),
        breakers_tripped=CircuitBreaker.objects.filter(status=CircuitBreaker.Status.TRIPPED, is_enabled=True).count(),
        settlements_waiting=Settlement.objects.exclude(status=Settlement.Status.COMPLETED).count(),
        settlement_seconds=bounds,
        settlement_count=count,
        settlement_sum=total,
    )


def queue_depths() -> dict[str, int]:
    """Jobs that wait for a worker, by queue. Raises RedisError."""
    broker: Any = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    with broker:
        return {queue: broker.llen(queue) for queue in QUEUES}


def _moment(query: str, parameters: dict[str, Any]) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        found: datetime | None = cursor.fetchone()[0]
    return found


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return max(now - moment, timedelta(0)) if moment is not None else timedelta(0)


def _age(beat: Heartbeat | None, now: datetime) -> timedelta | None:
    return None if beat is None else _since(beat.seen_at, now)


def _dead(now: datetime) -> dict[str, int]:
    """Deliveries that died lately, by operator: an older one is history, a replayed one is not dead."""
    found = Delivery.objects.filter(state=Delivery.State.DEAD, last_attempt_at__gt=now - _DEAD_FOR)
    return dict(found.order_by().values_list("operator__slug").annotate(Count("pk")))


def _keys_ending(now: datetime) -> dict[str, timedelta]:
    """Operators that may call and have used no key that outlives grace, with what is left to the last one in use."""
    open_keys = OperatorKey.objects.filter(
        revoked_at=None, operator__suspended_at=None, operator__stage__in=("testing", "live")
    )
    ending: dict[str, timedelta] = {}
    used = open_keys.filter(expires_at__gt=now, use__isnull=False)
    for slug, ends in used.values_list("operator__slug", "expires_at"):
        ending[slug] = max(ending.get(slug, timedelta(0)), ends - now)
    lasting = KeyUse.objects.filter(key__in=open_keys.filter(operator__slug__in=ending, expires_at=None))
    for slug in lasting.values_list("key__operator__slug", flat=True):
        ending.pop(slug, None)
    return ending


def _settlement_seconds() -> tuple[list[tuple[float, int]], int, float]:
    """How many settlements took at most so long, how many there were and what they took in all."""
    counts = ", ".join("count(*) FILTER (WHERE processing_time_ms <= %s)" for _ in SETTLEMENT_BOUNDS)
    query = (
        f"SELECT count(*), coalesce(sum(processing_time_ms), 0), {counts}"  # noqa: S608 - columns of our own
        " FROM trading_settlement WHERE processing_time_ms IS NOT NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [bound * 1000 for bound in SETTLEMENT_BOUNDS])
        count, total, *within = cursor.fetchone()
    return list(zip(SETTLEMENT_BOUNDS, within, strict=True)), count, float(total) / 1000
