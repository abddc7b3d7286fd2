"""Exposure counters: their keys, their limits, and how a trade reads, locks and moves them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from operators.models import Operator
from predictu.money import ZERO
from predictu.platform import config
from predictu.platform.config import Configuration
from risk import limits, walls
from risk.models import CircuitBreaker, Scope
from risk.services import breakers, buckets, events

Key = buckets.Key
_Breakers = tuple[Mapping[Key, tuple[walls.Breaker, ...]], Sequence[tuple[datetime, int, breakers.DueReset]]]
READ, LOCK = buckets.READ, buckets.LOCK
ensure = buckets.ensure

BREAKERS = """
SELECT breaker.id, breaker.scope, breaker.scope_id, breaker.trigger_type, breaker.trigger_threshold,
       breaker.follows_config, breaker.buys_only, breaker.status, breaker.auto_reset, breaker.cooldown_minutes,
       breaker.tripped_at, breaker.value_at_reset
FROM unnest(%s::text[], %s::text[]) AS wanted (scope, scope_id)
JOIN risk_circuitbreaker breaker ON breaker.scope = wanted.scope AND breaker.scope_id = wanted.scope_id
WHERE breaker.is_enabled ORDER BY breaker.id
"""

# The same rows as one text, for a statement whose ``breaker`` they are: the same text is the same breakers.
BREAKERS_AS_JSON = """json_agg(json_build_array(
         breaker.id, breaker.scope, breaker.scope_id, breaker.trigger_type, breaker.trigger_threshold::text,
         breaker.follows_config, breaker.buys_only, breaker.status, breaker.auto_reset, breaker.cooldown_minutes,
         breaker.tripped_at, breaker.value_at_reset::text))::text"""

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


@dataclass(frozen=True, slots=True)
class Counters:
    """The buckets of a trade as read, with what was tripped but should not be any more."""

    buckets: tuple[walls.Bucket, ...]
    yes_usd: Decimal
    no_usd: Decimal
    due_resets: tuple[breakers.DueReset, ...]

    def before(self) -> dict[str, str]:
        """Exposure of each scope, and of the market's two sides, as they are stored with the trade."""
        scopes = {bucket.scope: str(bucket.exposure_usd) for bucket in self.buckets}
        return scopes | {"yes": str(self.yes_usd), "no": str(self.no_usd)}


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
    breakers_as_json: str | None,
    *,
    category: str,
    configuration: Configuration,
    operator: limits.OperatorLimits,
    now: datetime,
) -> Counters:
    """Rows of READ (or LOCK) and BREAKERS_AS_JSON as what the walls judge by."""
    by_key, cooling = _known_breakers(breakers_as_json, configuration["risk.circuit_breaker_threshold_pct"])
    read = []
    yes = no = ZERO
    for id_, scope, scope_id, yes_usd, no_usd, alert_level, revision in rows:
        if scope == Scope.MARKET:
            yes, no = yes_usd, no_usd
        read.append(
            walls.Bucket(
                id=id_,
                scope=scope,
                scope_id=scope_id,
                exposure_usd=yes_usd + no_usd,
                limit_usd=limit_of(scope, category=category, configuration=configuration, operator=operator),
                alert_level=alert_level,
                revision=revision,
                breakers=by_key.get((scope, scope_id), ()),
            )
        )
    return Counters(tuple(read), yes, no, tuple(due for since, minutes, due in cooling if is_over(since, minutes, now)))


@lru_cache(maxsize=4096)
def _known_breakers(as_json: str | None, configured_pct: Decimal) -> _Breakers:
    rows = []
    for row in orjson.loads(as_json) if as_json else ():
        id_, scope, scope_id, trigger, threshold, follows, buys_only, status, auto, cooldown, tripped_at, held = row
        since = datetime.fromisoformat(tripped_at) if tripped_at else None
        held_pct = Decimal(held) if held is not None else None
        terms = (Decimal(threshold), follows, buys_only, status, auto, cooldown, since, held_pct)
        rows.append((UUID(id_), scope, scope_id, trigger, *terms))
    return _breakers(sorted(rows, key=itemgetter(0)), configured_pct)


def _breakers(rows: Sequence[tuple[Any, ...]], configured_pct: Decimal) -> _Breakers:
    """Rows of BREAKERS by scope; and those that arm themselves, with when they tripped and after how many minutes."""
    found: dict[Key, tuple[walls.Breaker, ...]] = {}
    cooling: list[tuple[datetime, int, breakers.DueReset]] = []
    for id_, scope, scope_id, trigger, threshold, follows, buys_only, status, auto, cooldown, tripped_at, held in rows:
        breaker_id = _breaker_id(id_)
        tripped = status == CircuitBreaker.Status.TRIPPED
        if tripped and auto and tripped_at is not None:
            cooling.append((tripped_at, cooldown, breakers.DueReset(breaker_id, scope, scope_id)))
        by_exposure = trigger == CircuitBreaker.Trigger.EXPOSURE_PCT
        breaker = walls.Breaker(
            id=breaker_id,
            tripped=tripped,
            buys_only=buys_only,
            threshold_pct=(configured_pct if follows else threshold) if by_exposure else None,
            value_at_reset_pct=held if by_exposure else None,
        )
        found[scope, scope_id] = (*found.get((scope, scope_id), ()), breaker)
    return found, cooling


def is_over(tripped_at: datetime, cooldown_minutes: int, now: datetime) -> bool:
    """Whether a breaker's cooldown has ended."""
    return now >= tripped_at + timedelta(minutes=cooldown_minutes)


def _breaker_id(value: Any) -> str:
    field = CircuitBreaker._meta.pk
    return field.from_db_value(value, None, connection)


def open_bands(buckets: Sequence[walls.Bucket]) -> tuple[walls.Band, ...]:
    """Bands without bounds, for moves that nothing may refuse (cancels, settlements)."""
    return tuple(walls.Band(ZERO, Decimal(10) ** 15) for _ in buckets)


@dataclass(frozen=True, slots=True)
class Change:
    """What an operator's part of a market's counters changes by: dollars of payout, positions, trades, volume."""

    yes_usd: Decimal = ZERO
    no_usd: Decimal = ZERO
    positions: int = 0
    trades: int = 0
    volume_usd: Decimal = ZERO

    def __add__(self, other: "Change") -> "Change":
        return Change(
            self.yes_usd + other.yes_usd,
            self.no_usd + other.no_usd,
            self.positions + other.positions,
            self.trades + other.trades,
            self.volume_usd + other.volume_usd,
        )


_MOVE = """
UPDATE risk_exposurebucket bucket SET
    yes_usd = bucket.yes_usd + wanted.yes, no_usd = bucket.no_usd + wanted.no,
    position_count = bucket.position_count + wanted.positions, trade_count = bucket.trade_count + wanted.trades,
    volume_usd = bucket.volume_usd + wanted.volume
FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::bigint[], %s::bigint[], %s::numeric[])
  AS wanted (id, yes, no, positions, trades, volume)
WHERE bucket.id = wanted.id
"""


def release(
    *, market_id: str, category: str, by_operator: Mapping[str, tuple[Decimal, Decimal, int]], now: datetime
) -> None:
    """Give back what settled positions held: of each operator the yes and no dollars and how many positions."""
    changes = {
        operator_id: Change(yes_usd=-yes, no_usd=-no, positions=-positions)
        for operator_id, (yes, no, positions) in by_operator.items()
    }
    move(market_id=market_id, category=category, by_operator=changes, now=now)


def move(*, market_id: str, category: str, by_operator: Mapping[str, Change], now: datetime) -> None:
    """Move one market's counters for several operators at once: settlements and cancels, which no wall stops.

    Locks the buckets in the platform's order, keeps their crossings and lets breakers trip or go free; tells of them.
    Runs in the caller's transaction, after every user and position row is locked. Test users are not in it.
    """
    by_key: dict[Key, Change] = {}
    for operator_id, change in by_operator.items():
        for key in keys_of(market_id=market_id, category=category, operator_id=operator_id):
            by_key[key] = by_key.get(key, Change()) + change
    rows = buckets.hold(by_key)
    wanted = [(row[0], by_key[row[1], row[2]]) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE,
            [
                [bucket_id for bucket_id, _ in wanted],
                [change.yes_usd for _, change in wanted],
                [change.no_usd for _, change in wanted],
                [change.positions for _, change in wanted],
                [change.trades for _, change in wanted],
                [change.volume_usd for _, change in wanted],
            ],
        )
    for bucket in judged(rows, configuration=config.reread(), now=now):
        change = by_key[bucket.scope, bucket.scope_id]
        tell(bucket, bucket.exposure_usd + change.yes_usd + change.no_usd, now=now)


def judged(rows: Sequence[tuple[Any, ...]], *, configuration: Configuration, now: datetime) -> list[walls.Bucket]:
    """Held rows of any scopes with the limits and breakers that bind them now; those without a limit are left out."""
    with connection.cursor() as cursor:
        cursor.execute(BREAKERS, [[row[1] for row in rows], [row[2] for row in rows]])
        by_key, _ = _breakers(cursor.fetchall(), configuration["risk.circuit_breaker_threshold_pct"])
    operators = _operator_limits(rows)
    found = []
    for id_, scope, scope_id, yes_usd, no_usd, alert_level, revision in rows:
        operator_id, category = operator_and_category(scope, scope_id)
        if not operators.keys() >= {operator_id} - {""} or not configuration.category_limits.keys() >= {category} - {
            ""
        }:
            continue
        limit = limit_of(scope, category=category, configuration=configuration, operator=operators.get(operator_id))
        known = by_key.get((scope, scope_id), ())
        found.append(walls.Bucket(id_, scope, scope_id, yes_usd + no_usd, limit, alert_level, revision, known))
    return found


def operator_and_category(scope: str, scope_id: str) -> tuple[str, str]:
    """The operator and the category whose limits bind a bucket; empty where none does."""
    if scope == Scope.OPERATOR_CATEGORY:
        operator_id, _, category = scope_id.partition(":")
        return operator_id, category
    return scope_id if scope == Scope.OPERATOR else "", scope_id if scope == Scope.CATEGORY else ""


def _operator_limits(rows: Sequence[tuple[Any, ...]]) -> dict[str, limits.OperatorLimits]:
    wanted = {operator_and_category(row[1], row[2])[0] for row in rows} - {""}
    columns = ("id", "risk_tier", "exposure_limit_usd", "category_limits")
    found = Operator.objects.filter(pk__in=wanted).values_list(*columns)
    return {row[0]: limits.OperatorLimits(*row[1:]) for row in found}


def tell(bucket: walls.Bucket, exposure: Decimal, *, now: datetime) -> None:
    """Keep a held bucket's crossings and breakers in step with ``exposure``, and tell of what that changes."""
    events.crossed(walls.crossings(bucket, exposure), now=now)
    level = walls.alert_level_after(bucket, exposure)
    if level < bucket.alert_level:
        events.fell_back(bucket, level, now=now)
    breakers.free(walls.frees(bucket, exposure), now=now)
    breakers.trip(walls.trips(bucket, exposure), now=now)
