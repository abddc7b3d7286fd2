"""The five walls, the crossings below them and the circuit breakers beside them: what a trade may do. Pure.

Exposure is what open positions pay if they win, in dollars (quantity × $1). Walls bind buys; sells pass them. A verdict
also names the band of exposures within which it stays true, so that it can be taken on counters read without a lock and
confirmed under the lock by one comparison a counter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from predictu import money
from predictu.money import ZERO

WALL_OF = {"market": 2, "category": 3, "operator_category": 3, "operator": 4, "global": 5}
WALL_NAMES = {1: "per_trade", 2: "per_market", 3: "per_category", 4: "per_operator", 5: "global"}
# Percent of a limit whose crossing is an event; falling back re-arms it five points lower.
LEVELS = (60, 85, 95, 100)
REARM_POINTS = 5
RISE_AFTER_RESET_POINTS = 2

_STEP = Decimal("0.0001")
_UNBOUNDED = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class TradeIntent:
    """A trade as risk sees it."""

    operator_id: str
    player_id: str
    market_id: str
    category: str
    side: str
    outcome: str
    quantity: Decimal
    price: Decimal
    cost_usd: Decimal

    @property
    def change(self) -> Decimal:
        """What it adds to exposure, in dollars."""
        return self.quantity if self.side == "buy" else -self.quantity


@dataclass(frozen=True, slots=True)
class Breaker:
    """A circuit breaker of a bucket's scope. ``value_at_reset_pct`` holds it back after a reset."""

    id: str
    tripped: bool
    buys_only: bool
    threshold_pct: Decimal | None
    value_at_reset_pct: Decimal | None = None

    def blocks(self, side: str) -> bool:
        return self.tripped and (side == "buy" or not self.buys_only)

    def trips_at(self) -> Decimal | None:
        """The utilisation in percent from which it trips, or None when exposure does not trip it."""
        if self.tripped or self.threshold_pct is None:
            return None
        if self.value_at_reset_pct is None:
            return self.threshold_pct
        return max(self.threshold_pct, self.value_at_reset_pct + RISE_AFTER_RESET_POINTS)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One scope's exposure counter with its limit and breakers, as read at one moment."""

    id: int
    scope: str
    scope_id: str
    exposure_usd: Decimal
    limit_usd: Decimal
    alert_level: int = 0
    revision: int = 0
    breakers: tuple[Breaker, ...] = ()

    def utilisation_pct(self, exposure: Decimal) -> Decimal:
        return exposure * 100 / self.limit_usd


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a trade may not be: a wall (with what would still pass) or a breaker."""

    wall: int | None = None
    limit_usd: Decimal = ZERO
    value_usd: Decimal = ZERO
    max_allowed_usd: Decimal = ZERO
    bucket: Bucket | None = None
    circuit_breaker: str | None = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """A level of a bucket's limit that the trade crosses upward."""

    bucket: Bucket
    level: int
    exposure_usd: Decimal


@dataclass(frozen=True, slots=True)
class Trip:
    """A breaker the trade trips; the trade itself still executes."""

    bucket: Bucket
    breaker: Breaker
    utilisation_pct: Decimal


@dataclass(frozen=True, slots=True)
class Band:
    """The exposures after the trade between which the verdict holds for a bucket, both ends inclusive."""

    least: Decimal
    most: Decimal


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a trade. ``quiet`` when it neither crosses, trips nor re-arms anything."""

    rejection: Rejection | None
    bands: tuple[Band, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    trips: tuple[Trip, ...] = ()
    falls: tuple[Bucket, ...] = ()
    frees: tuple[Breaker, ...] = ()

    @property
    def quiet(self) -> bool:
        return not (self.crossings or self.trips or self.falls or self.frees)


def per_trade_limit(
    *,
    platform_usd: Decimal,
    default_usd: Decimal,
    operator_usd: Decimal,
    limit_tier_usd: Decimal,
    tier_usd: Decimal | None,
    restriction_usd: Decimal | None,
) -> Decimal:
    """Wall 1: the lowest of all limits on a single buy's cost."""
    limits = [platform_usd, default_usd, operator_usd, limit_tier_usd]
    return min([*limits, *(limit for limit in (tier_usd, restriction_usd) if limit is not None)])


def assess(intent: TradeIntent, *, per_trade_usd: Decimal, minimum_usd: Decimal, buckets: Sequence[Bucket]) -> Verdict:
    """Judge a trade against wall 1 and the buckets, given in the order of the walls.

    The first wall that fails rejects; ``max_allowed_usd`` is the largest ``amount_usd`` of this outcome that passes
    every wall now, 0 when that is below ``minimum_usd``.
    """
    for bucket in buckets:
        for breaker in bucket.breakers:
            if breaker.blocks(intent.side):
                return Verdict(Rejection(bucket=bucket, circuit_breaker=breaker.id))
    if intent.side == "buy":
        rejection = _first_wall(intent, per_trade_usd, minimum_usd, buckets)
        if rejection is not None:
            return Verdict(rejection)
    bands = tuple(_band(bucket, intent.change) for bucket in buckets)
    if all(_is_calm(bucket, bucket.exposure_usd + intent.change) for bucket in buckets):
        return Verdict(None, bands)
    return Verdict(
        None,
        bands=bands,
        crossings=tuple(c for bucket in buckets for c in crossings(bucket, bucket.exposure_usd + intent.change)),
        trips=tuple(t for bucket in buckets for t in trips(bucket, bucket.exposure_usd + intent.change))
        if intent.side == "buy"
        else (),
        falls=tuple(b for b in buckets if alert_level_after(b, b.exposure_usd + intent.change) < b.alert_level),
        frees=tuple(f for bucket in buckets for f in frees(bucket, bucket.exposure_usd + intent.change)),
    )


def _first_wall(
    intent: TradeIntent, per_trade_usd: Decimal, minimum_usd: Decimal, buckets: Sequence[Bucket]
) -> Rejection | None:
    def rejection(wall: int, limit: Decimal, value: Decimal, bucket: Bucket | None = None) -> Rejection:
        allowed = max_allowed(price=intent.price, per_trade_usd=per_trade_usd, minimum_usd=minimum_usd, buckets=buckets)
        return Rejection(wall, limit, value, allowed, bucket)

    if intent.cost_usd > per_trade_usd:
        return rejection(1, per_trade_usd, intent.cost_usd)
    for bucket in buckets:
        after = bucket.exposure_usd + intent.change
        if after > bucket.limit_usd:
            return rejection(WALL_OF[bucket.scope], bucket.limit_usd, after, bucket)
    return None


def max_allowed(*, price: Decimal, per_trade_usd: Decimal, minimum_usd: Decimal, buckets: Iterable[Bucket]) -> Decimal:
    """The largest ``amount_usd`` that passes every wall at ``price``, to the cent; 0 when below ``minimum_usd``."""
    rooms = [max(bucket.limit_usd - bucket.exposure_usd, ZERO) * price for bucket in buckets]
    allowed = money.down(min([per_trade_usd, *rooms]))
    return allowed if allowed >= minimum_usd else ZERO


def crossings(bucket: Bucket, exposure: Decimal) -> tuple[Crossing, ...]:
    """The levels above the bucket's alert level that ``exposure`` reaches."""
    reached = bucket.utilisation_pct(exposure)
    return tuple(Crossing(bucket, level, exposure) for level in LEVELS if bucket.alert_level < level <= reached)


def alert_level_after(bucket: Bucket, exposure: Decimal) -> int:
    """The highest level reached and not fallen back from by ``REARM_POINTS``."""
    percent = bucket.utilisation_pct(exposure)
    held = [level for level in LEVELS if level <= bucket.alert_level and percent >= level - REARM_POINTS]
    reached = [level for level in LEVELS if percent >= level]
    return max([0, *held, *reached])


def trips(bucket: Bucket, exposure: Decimal) -> tuple[Trip, ...]:
    """The armed breakers that ``exposure`` trips."""
    percent = bucket.utilisation_pct(exposure)
    found = []
    for breaker in bucket.breakers:
        at = breaker.trips_at()
        if at is not None and percent >= at:
            found.append(Trip(bucket, breaker, percent))
    return tuple(found)


def frees(bucket: Bucket, exposure: Decimal) -> tuple[Breaker, ...]:
    """The breakers a reset held back that ``exposure`` sets free again: it fell below threshold − 5 points."""
    percent = bucket.utilisation_pct(exposure)
    return tuple(
        breaker
        for breaker in bucket.breakers
        if breaker.value_at_reset_pct is not None
        and breaker.threshold_pct is not None
        and percent < breaker.threshold_pct - REARM_POINTS
    )


def _is_calm(bucket: Bucket, exposure: Decimal) -> bool:
    """Whether nothing of ``bucket`` is crossed, held back or near: then ``exposure`` changes nothing but itself."""
    if bucket.alert_level or any(breaker.value_at_reset_pct is not None for breaker in bucket.breakers):
        return False
    return exposure <= _ceiling(bucket.limit_usd, 0, bucket.breakers)


def _band(bucket: Bucket, change: Decimal) -> Band:
    """Where the exposure after a trade may lie without anything becoming due; a change of 0 or less has no ceiling."""
    if change > 0:
        return Band(ZERO, _ceiling(bucket.limit_usd, bucket.alert_level, bucket.breakers))
    hundredth = bucket.limit_usd / 100
    floors = [ZERO]
    if bucket.alert_level:
        floors.append(_up(hundredth * (bucket.alert_level - REARM_POINTS)))
    for breaker in bucket.breakers:
        if breaker.value_at_reset_pct is not None and breaker.threshold_pct is not None:
            floors.append(_up(hundredth * (breaker.threshold_pct - REARM_POINTS)))
    return Band(max(floors), _UNBOUNDED)


@lru_cache(maxsize=4096)
def _ceiling(limit_usd: Decimal, alert_level: int, breakers: tuple[Breaker, ...]) -> Decimal:
    """The most a bucket can hold before the next level above ``alert_level``, the limit, or the trip of a breaker."""
    hundredth = limit_usd / 100
    ceilings = [limit_usd]
    ceilings += [_up(hundredth * level) - _STEP for level in LEVELS if level > alert_level]
    ceilings += [_up(hundredth * at) - _STEP for at in (b.trips_at() for b in breakers) if at is not None]
    return min(ceilings)


def _up(value: Decimal) -> Decimal:
    """The smallest multiple of a ten-thousandth that is not below ``value``."""
    return money.price_up(value)
