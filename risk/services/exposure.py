"""Exposure counters: their keys, their limits, and how a trade reads, locks and moves them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from predictu import ids
from predictu.money import ZERO
from predictu.platform.config import Configuration
from risk import limits, walls
from risk.models import CircuitBreaker, ExposureBucket, Scope

Key = tuple[str, str]

_SUBJECTS = {Scope.MARKET.value: "mkt", Scope.OPERATOR.value: "op"}

_COLUMNS = (
    "bucket.id, bucket.scope, bucket.scope_id, bucket.yes_usd, bucket.no_usd, bucket.alert_level, bucket.revision"
)

# Buckets by key in the order of the keys, which is the order of the locks.
READ = f"""
SELECT {_COLUMNS} FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted (scope, scope_id, place)
JOIN risk_exposurebucket bucket ON bucket.scope = wanted.scope AND bucket.scope_id = wanted.scope_id
ORDER BY wanted.place
"""  # noqa: S608 columns of our own
LOCK = READ.rstrip() + " FOR NO KEY UPDATE OF bucket\n"

BREAKERS = """
SELECT breaker.id, breaker.scope, breaker.scope_id, breaker.trigger_type, breaker.trigger_threshold,
       breaker.follows_config, breaker.buys_only, breaker.status, breaker.auto_reset, breaker.cooldown_minutes,
       breaker.tripped_at, breaker.value_at_reset
FROM unnest(%s::text[], %s::text[]) AS wanted (scope, scope_id)
JOIN risk_circuitbreaker breaker ON breaker.scope = wanted.scope AND breaker.scope_id = wanted.scope_id
WHERE breaker.is_enabled ORDER BY breaker.id
"""

BOOK = "SELECT risk_book(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"

# Raised by risk_book and by trading's own last look: decided on facts that have changed.
STALE = "PR001"


def keys_of(*, market_id: str, category: str, operator_id: str) -> tuple[Key, ...]:
    """The buckets a trade moves, in lock order."""
    return (
        (Scope.MARKET.value, market_id),
        (Scope.CATEGORY.value, category),
        (Scope.OPERATOR_CATEGORY.value, f"{operator_id}:{category}"),
        (Scope.OPERATOR.value, operator_id),
        (Scope.GLOBAL.value, ""),
    )


def ensure(keys: Iterable[Key]) -> None:
    """Make the buckets that do not exist yet."""
    with transaction.atomic():
        ExposureBucket.objects.bulk_create(
            [
                ExposureBucket(scope=scope, scope_id=scope_id, subject=_subject(scope, scope_id))
                for scope, scope_id in keys
            ],
            ignore_conflicts=True,
        )


def _subject(scope: str, scope_id: str) -> UUID | None:
    prefix = _SUBJECTS.get(scope)
    return ids.decode(prefix, scope_id) if prefix else None


@dataclass(frozen=True, slots=True)
class DueReset:
    """A tripped breaker whose cooldown is over."""

    breaker_id: str
    scope: str
    scope_id: str


@dataclass(frozen=True, slots=True)
class Counters:
    """The buckets of a trade as read, with what was tripped but should not be any more."""

    buckets: tuple[walls.Bucket, ...]
    yes_usd: Decimal
    no_usd: Decimal
    due_resets: tuple[DueReset, ...]

    def before(self) -> dict[str, str]:
        """Exposure of each scope as it is stored with the trade."""
        return {bucket.scope: str(bucket.exposure_usd) for bucket in self.buckets}


def limit_of(
    scope: str, *, category: str, configuration: Configuration, operator: limits.OperatorLimits | None
) -> Decimal:
    """The limit that binds a bucket of ``scope``."""
    global_limit: Decimal = configuration["risk.global_exposure_limit_usd"]
    if scope == Scope.GLOBAL:
        return global_limit
    if scope == Scope.MARKET:
        return configuration["risk.per_market_max_usd"]
    if scope == Scope.CATEGORY:
        return configuration.category_limits[category]
    assert operator is not None
    if scope == Scope.OPERATOR:
        return limits.operator_limit(operator)
    return limits.operator_category_limit(
        operator, category, category_limit=configuration.category_limits[category], global_limit=global_limit
    )


def counters(
    rows: Sequence[tuple[Any, ...]],
    breaker_rows: Sequence[tuple[Any, ...]],
    *,
    category: str,
    configuration: Configuration,
    operator: limits.OperatorLimits,
    now: datetime,
) -> Counters:
    """Rows of READ (or LOCK) and BREAKERS as what the walls judge by."""
    by_key, due = _breakers(breaker_rows, configuration, now)
    buckets = []
    yes = no = ZERO
    for id_, scope, scope_id, yes_usd, no_usd, alert_level, revision in rows:
        if scope == Scope.MARKET:
            yes, no = yes_usd, no_usd
        buckets.append(
            walls.Bucket(
                id=id_,
                scope=scope,
                scope_id=scope_id,
                exposure_usd=yes_usd + no_usd,
                limit_usd=limit_of(scope, category=category, configuration=configuration, operator=operator),
                alert_level=alert_level,
                revision=revision,
                breakers=tuple(by_key.get((scope, scope_id), ())),
            )
        )
    return Counters(tuple(buckets), yes, no, tuple(due))


def _breakers(
    rows: Sequence[tuple[Any, ...]], configuration: Configuration, now: datetime
) -> tuple[Mapping[Key, list[walls.Breaker]], list[DueReset]]:
    found: dict[Key, list[walls.Breaker]] = {}
    due: list[DueReset] = []
    for id_, scope, scope_id, trigger, threshold, follows, buys_only, status, auto, cooldown, tripped_at, held in rows:
        breaker_id = _breaker_id(id_)
        tripped = status == CircuitBreaker.Status.TRIPPED
        if tripped and auto and tripped_at is not None and now >= tripped_at + timedelta(minutes=cooldown):
            due.append(DueReset(breaker_id, scope, scope_id))
        by_exposure = trigger == CircuitBreaker.Trigger.EXPOSURE_PCT
        at = configuration["risk.circuit_breaker_threshold_pct"] if follows else threshold
        found.setdefault((scope, scope_id), []).append(
            walls.Breaker(
                id=breaker_id,
                tripped=tripped,
                buys_only=buys_only,
                threshold_pct=at if by_exposure else None,
                value_at_reset_pct=held if by_exposure else None,
            )
        )
    return found, due


def _breaker_id(value: Any) -> str:
    field = CircuitBreaker._meta.pk
    return field.from_db_value(value, None, connection)


def book_parameters(
    buckets: Sequence[walls.Bucket],
    bands: Sequence[walls.Band],
    *,
    outcome: str,
    change: Decimal,
    positions: int,
    volume_usd: Decimal,
    trades: int = 1,
) -> tuple[Any, ...]:
    """The parameters of BOOK for a trade that changes ``outcome``'s exposure by ``change``."""
    return (
        [bucket.id for bucket in buckets],
        [bucket.revision for bucket in buckets],
        [band.least for band in bands],
        [band.most for band in bands],
        change if outcome == "yes" else ZERO,
        change if outcome == "no" else ZERO,
        positions,
        trades,
        trades,
        volume_usd,
    )


def open_bands(buckets: Sequence[walls.Bucket]) -> tuple[walls.Band, ...]:
    """Bands without bounds, for moves that nothing may refuse (cancels, settlements)."""
    return tuple(walls.Band(ZERO, Decimal(10) ** 15) for _ in buckets)
