"""How risk stands, in a number and a word. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from predictu import money
from predictu.money import ONE, ZERO

GREEN, YELLOW, RED = "green", "yellow", "red"
_YELLOW_FROM, _RED_FROM = Decimal(60), Decimal(85)
# Wall 1 has no limit that fills up: it is judged by how often it refuses in a day.
_YELLOW_REFUSALS, _RED_REFUSALS = 50, 500


@dataclass(frozen=True, slots=True)
class Standing:
    """What the score is made of. Utilisations in percent; categories are those that hold exposure."""

    global_utilisation_pct: Decimal
    category_utilisations_pct: tuple[Decimal, ...]
    tripped_breakers: int
    flagged_users: int
    active_users_24h: int


def risk_score(standing: Standing) -> int:
    """0 to 100: half by global utilisation, a fifth each by full categories and breakers, a tenth by flagged users."""
    categories = standing.category_utilisations_pct
    full = Decimal(sum(percent >= _YELLOW_FROM for percent in categories))
    return int(
        money.rounded(
            50 * min(standing.global_utilisation_pct / 100, ONE)
            + (20 * full / len(categories) if categories else ZERO)
            + 20 * min(ONE, Decimal(standing.tripped_breakers) / 3)
            + 10 * _flagged_share(standing.flagged_users, standing.active_users_24h),
            0,
        )
    )


def _flagged_share(flagged: int, active: int) -> Decimal:
    """Flagged users as a part of one percent of the active ones, at most 1; without active users any is too many."""
    if not flagged:
        return ZERO
    return min(ONE, Decimal(flagged) * 100 / active) if active else ONE


def risk_level(score: int) -> str:
    """low, moderate from 25, high from 50, critical from 75."""
    if score < 25:
        return "low"
    return "moderate" if score < 50 else "high" if score < 75 else "critical"


def wall_1_status(refusals_24h: int) -> str:
    """Green below 50 refusals a day, yellow below 500, else red."""
    if refusals_24h < _YELLOW_REFUSALS:
        return GREEN
    return YELLOW if refusals_24h < _RED_REFUSALS else RED


def wall_status(utilisations_pct: Iterable[Decimal]) -> str:
    """Of the other walls, by their fullest limit: green below 60 %, yellow below 85 %, else red."""
    fullest = max(utilisations_pct, default=ZERO)
    if fullest < _YELLOW_FROM:
        return GREEN
    return YELLOW if fullest < _RED_FROM else RED


def status(*, global_tripped: bool, any_tripped: bool, walls: Iterable[str]) -> str:
    """halted by a tripped global breaker, degraded by any other or by a red wall, else healthy."""
    if global_tripped:
        return "halted"
    return "degraded" if any_tripped or RED in walls else "healthy"
