"""How sharp a player bets, 0 (recreational) to 100: five components, each linear between two values and rounded.

Pure. The values come from all of the player's trades that are neither test nor cancelled; ``risk.features`` says what
each means. The arithmetic is exact, so a score can be worked out again from the values it shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from risk import findings

ENOUGH = 20
"""Resolved trades from which a score counts in full; with fewer each component shrinks in proportion."""
TOO_FEW = 5
"""Below so many resolved trades the score is 0."""
HIGHEST = 100
TIERS = ("normal", "sharp", "restricted")


@dataclass(frozen=True, slots=True)
class Scale:
    """0 points at ``zero`` and below, ``points`` at ``full`` and above, linear between."""

    zero: Fraction
    full: Fraction
    points: int

    def at(self, value: Decimal) -> Fraction:
        """Exact points of a value."""
        part = (Fraction(value) - self.zero) / (self.full - self.zero)
        return min(max(part, Fraction(0)), Fraction(1)) * self.points


SCALES: Mapping[str, Scale] = {
    "win_rate": Scale(Fraction("0.30"), Fraction("0.80"), 25),
    "edge_detection": Scale(Fraction(0), Fraction("0.0625"), 25),
    "timing": Scale(Fraction(0), Fraction("0.50"), 20),
    "volume_pattern": Scale(Fraction("0.40"), Fraction(1), 15),
    "correlation": Scale(Fraction(0), Fraction("0.30"), 15),
}


@dataclass(frozen=True, slots=True)
class Match:
    """The other account, of any operator, that matched most of this player's buys."""

    user_id: str
    matched: int
    """This player's buys that the other matched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What is known of a player's trades. A value is None where there is nothing to measure."""

    resolved: int
    win_rate: Decimal | None
    edge_detection: Decimal | None
    timing: Decimal | None
    volume_pattern: Decimal | None
    correlation: Decimal | None
    match: Match | None = None

    def value(self, component: str) -> Decimal | None:
        found: Decimal | None = getattr(self, component)
        return found


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The scores from which a player is sharp and restricted. Raises ValueError unless 0 < sharp < restricted ≤ 100."""

    sharp: int
    restricted: int

    def __post_init__(self) -> None:
        if not 0 < self.sharp < self.restricted <= HIGHEST:
            raise ValueError("thresholds must satisfy 0 < sharp < restricted <= 100")

    def tier(self, score: int) -> str:
        if score >= self.restricted:
            return "restricted"
        return "sharp" if score >= self.sharp else "normal"

    def block(self) -> dict[str, dict[str, int]]:
        """The ranges as the score endpoint shows them, both ends included."""
        return {
            "normal": {"min": 0, "max": self.sharp - 1},
            "sharp": {"min": self.sharp, "max": self.restricted - 1},
            "restricted": {"min": self.restricted, "max": HIGHEST},
        }


@dataclass(frozen=True, slots=True)
class Component:
    score: int
    max: int
    value: Decimal | None
    detail: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A player judged. ``tier`` is what the score alone says; what staff have set stands above it."""

    score: int
    tier: str
    components: Mapping[str, Component]
    flags: tuple[str, ...]
    recommendations: tuple[str, ...]
    confidence: Decimal
    """The share of its points that a score of so few trades keeps, 0 to 1."""
    sample_size: int
    """Resolved trades."""


def evaluate(*, features: Features, user_id: str, thresholds: Thresholds) -> Evaluation:
    """Judge a player; ``user_id`` is only named in recommendations. Raises ValueError for a negative count."""
    if features.resolved < 0:
        raise ValueError("resolved cannot be negative")
    confidence = min(Fraction(1), Fraction(features.resolved, ENOUGH))
    weight = confidence if features.resolved >= TOO_FEW else Fraction(0)
    components = {
        name: Component(
            score=points(name, features.value(name), weight),
            max=scale.points,
            value=features.value(name),
            detail=findings.detail(name, features.value(name)),
        )
        for name, scale in SCALES.items()
    }
    score = sum(component.score for component in components.values())
    tier = thresholds.tier(score)
    shares = {name: Fraction(component.score, component.max) for name, component in components.items()}
    flags = findings.flags(shares, resolved=features.resolved, too_few=TOO_FEW, enough=ENOUGH)
    return Evaluation(
        score=score,
        tier=tier,
        components=components,
        flags=flags,
        recommendations=findings.recommendations(
            flags=flags,
            values={name: component.value for name, component in components.items()},
            score=score,
            tier=tier,
            tier_from={"sharp": thresholds.sharp, "restricted": thresholds.restricted},
            resolved=features.resolved,
            enough=ENOUGH,
            user_id=user_id,
            match=(features.match.user_id, features.match.matched) if features.match else None,
        ),
        confidence=Decimal(confidence.numerator) / Decimal(confidence.denominator),
        sample_size=features.resolved,
    )


@lru_cache(maxsize=50_000)  # of many players most have the same few thousand values
def points(component: str, value: Decimal | None, weight: Fraction) -> int:
    """A component's score, half up; 0 where there is no value."""
    if value is None:
        return 0
    return int(SCALES[component].at(value) * weight + Fraction(1, 2))
