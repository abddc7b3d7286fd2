"""Exposure, breakers and events as answers show them. Nothing here grows with history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from accounts.models import Player
from operators.models import Operator
from predictu import clock
from predictu.money import ZERO
from predictu.platform.config import Configuration
from risk import limits, walls
from risk.models import CircuitBreaker, RiskEvent, Scope
from risk.services import buckets, exposure

TOP = 10

# One statement, so that parts and wholes are of one moment.
_SNAPSHOT = f"""
SELECT {buckets.COLUMNS}, bucket.position_count FROM risk_exposurebucket bucket WHERE scope <> 'market'
UNION ALL (
  SELECT {buckets.COLUMNS}, bucket.position_count FROM risk_exposurebucket bucket
  WHERE scope = 'market' AND exposure_usd > 0 ORDER BY exposure_usd DESC, id LIMIT %s)
"""  # noqa: S608 columns of our own


@dataclass(frozen=True, slots=True)
class Held:
    """One bucket's exposure with its limit."""

    scope: str
    scope_id: str
    exposure_usd: Decimal
    limit_usd: Decimal
    position_count: int

    @property
    def utilisation_pct(self) -> Decimal:
        return self.exposure_usd * 100 / self.limit_usd


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every bucket but the markets', and the fullest markets, as of one moment."""

    held: tuple[Held, ...]

    def of(self, scope: str) -> list[Held]:
        return [each for each in self.held if each.scope == scope]

    @property
    def whole(self) -> Held:
        return next(each for each in self.held if each.scope == Scope.GLOBAL)


def snapshot(configuration: Configuration, *, markets: int = TOP) -> Snapshot:
    """Exposure now, with the ``markets`` markets that hold the most."""
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOT, [markets])
        rows = cursor.fetchall()
    terms = operator_limits()
    return Snapshot(tuple(held for row in rows if (held := _held(row, configuration, terms)) is not None))


def operator_limits() -> dict[str, limits.OperatorLimits]:
    """What decides operators' limits, by id."""
    rows = Operator.objects.order_by().values_list("pk", "risk_tier", "exposure_limit_usd", "category_limits")
    return {row[0]: limits.OperatorLimits(*row[1:]) for row in rows}


def _held(row: Sequence[Any], configuration: Configuration, terms: dict[str, limits.OperatorLimits]) -> Held | None:
    scope, scope_id, yes, no = row[1:5]
    operator_id, category = exposure.operator_and_category(scope, scope_id)
    if (operator_id and operator_id not in terms) or (category and category not in configuration.category_limits):
        return None
    limit = exposure.limit_of(scope, category=category, configuration=configuration, operator=terms.get(operator_id))
    return Held(scope, scope_id, yes + no, limit, row[-1])


def of_operator(operator: Operator, configuration: Configuration) -> tuple[Held, list[Held]]:
    """An operator's exposure, and its parts by every configured category, zeros included."""
    own = limits.OperatorLimits(operator.risk_tier, operator.exposure_limit_usd, operator.category_limits)
    terms = {operator.id: own}
    wanted = [(Scope.OPERATOR.value, operator.id)]
    wanted += [(Scope.OPERATOR_CATEGORY.value, f"{operator.id}:{name}") for name in configuration.category_limits]
    with connection.cursor() as cursor:
        cursor.execute(buckets.READ, [[key[0] for key in wanted], [key[1] for key in wanted]])
        rows = {(row[1], row[2]): row for row in cursor.fetchall()}
    found = [_held((*rows.get(key, (0, *key, ZERO, ZERO, 0, 0)), 0), configuration, terms) for key in wanted]
    whole, *parts = [held for held in found if held is not None]
    return whole, parts


def top_users(*, operator_id: str | None = None) -> list[dict[str, Any]]:
    """The players with the most exposure, test users left out."""
    found = Player.objects.filter(is_test=False, exposure_usd__gt=0)
    if operator_id is not None:
        found = found.filter(operator_id=operator_id)
    columns = ("id", "username", "operator__slug", "exposure_usd", "tier")
    return list(found.order_by("-exposure_usd", "id").values(*columns)[:TOP])


def alerts(operator_id: str | None = None) -> QuerySet[RiskEvent]:
    """Crossings not fallen back, newest first."""
    found = RiskEvent.objects.filter(bucket__isnull=False, resolved_at=None, crossing_pct__isnull=False)
    if operator_id is not None:
        found = found.filter(operator_id=operator_id)
    return found.order_by("-created_at", "-id")


def tripped_by_scope() -> dict[str, int]:
    """How many breakers are tripped, by scope."""
    found = CircuitBreaker.objects.filter(is_enabled=True, status=CircuitBreaker.Status.TRIPPED)
    return dict(found.order_by().values("scope").annotate(count=Count("pk")).values_list("scope", "count"))


def flagged_by_tier() -> dict[str, int]:
    """How many players are sharp, restricted, banned; test users left out."""
    found = Player.objects.exclude(tier=Player.Tier.NORMAL).filter(is_test=False)
    return dict(found.order_by().values("tier").annotate(count=Count("pk")).values_list("tier", "count"))


def violations(*, now: datetime) -> dict[int, int]:
    """By wall, its wall_violation events of the last 24 h; what is only for information is none."""
    found = RiskEvent.objects.filter(
        type=RiskEvent.Type.WALL_VIOLATION, created_at__gte=now - timedelta(hours=24), wall__isnull=False
    ).exclude(severity=RiskEvent.Severity.INFO)
    counts = dict(found.order_by().values("wall").annotate(count=Count("pk")).values_list("wall", "count"))
    return {wall: counts.get(wall, 0) for wall in walls.WALL_NAMES}


def recent_events(*, now: datetime) -> int:
    """Events of the last 24 h."""
    return RiskEvent.objects.filter(created_at__gte=now - timedelta(hours=24)).count()


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; None is no condition."""

    severity: str | None = None
    type: str | None = None
    operator_id: str | None = None
    player_id: str | None = None
    market_id: str | None = None
    resolved: bool | None = None
    start: datetime | None = None
    end: datetime | None = None


def events(wanted: EventFilter) -> QuerySet[RiskEvent]:
    conditions = {
        "severity": wanted.severity,
        "type": wanted.type,
        "operator_id": wanted.operator_id,
        "player_id": wanted.player_id,
        "market_id": wanted.market_id,
        "created_at__gte": wanted.start,
        "created_at__lt": wanted.end,
    }
    found = RiskEvent.objects.filter(**{name: value for name, value in conditions.items() if value is not None})
    if wanted.resolved is not None:
        found = found.filter(~Q(resolved_at=None) if wanted.resolved else Q(resolved_at=None))
    return found


def event_row(event: RiskEvent, message: str) -> dict[str, Any]:
    """One event (with its operator fetched along) in the document's words."""
    return {
        "id": event.id,
        "type": event.type,
        "severity": event.severity,
        "wall": event.wall,
        "wall_name": walls.WALL_NAMES[event.wall] if event.wall else None,
        "message": message,
        "scope": event.scope,
        "value": event.value,
        "threshold": event.threshold,
        "utilization_pct": event.utilization_pct,
        "crossing_pct": event.crossing_pct,
        "operator_slug": event.operator.slug if event.operator else None,
        "user_id": event.player_id,
        "market_id": event.market_id or None,
        "auto_resolved": event.auto_resolved,
        "resolved_at": clock.seconds(event.resolved_at),
        "resolved_by": event.resolved_by_id,
        "resolution_note": event.resolution_note or None,
        "created_at": clock.seconds(event.created_at),
    }


def current_values(breakers: Sequence[CircuitBreaker], configuration: Configuration) -> dict[str, Decimal | None]:
    """By breaker id, how far each is: percent of its limit, or the house loss last judged in dollars."""
    keys = sorted({(breaker.scope, breaker.scope_id) for breaker in breakers})
    terms = operator_limits()
    with connection.cursor() as cursor:
        cursor.execute(buckets.READ, [[key[0] for key in keys], [key[1] for key in keys]])
        rows = {(row[1], row[2]): row for row in cursor.fetchall()}
    found: dict[str, Decimal | None] = {}
    for breaker in breakers:
        if breaker.trigger_type == CircuitBreaker.Trigger.LOSS_USD_24H:
            found[breaker.id] = breaker.last_value
            continue
        key = (breaker.scope, breaker.scope_id)
        held = _held((*rows.get(key, (0, *key, ZERO, ZERO, 0, 0)), 0), configuration, terms)
        found[breaker.id] = held.utilisation_pct if held is not None else None
    return found
