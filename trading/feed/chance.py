"""Chance without state: the same key always draws the same number, so any instant can be computed on its own."""

import hashlib
import math
from functools import lru_cache
from statistics import NormalDist
from typing import TypeVar

Option = TypeVar("Option")
_NORMAL = NormalDist()
SURPRISE = 0.35
"""What stays unknown until the decision, as a variance; the path before it has 1."""
_FINEST_STEP_SECONDS = 8
"""Between two such points a path runs straight."""


def digest(key: str, size: int = 8) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=size).digest()


def uniform(key: str) -> float:
    """In (0, 1)."""
    return (int.from_bytes(digest(key)) + 0.5) / 2**64


def between(key: str, low: float, high: float) -> float:
    return low + (high - low) * uniform(key)


def choice(key: str, options: tuple[Option, ...]) -> Option:
    return options[int(uniform(key) * len(options))]


@lru_cache(maxsize=100_000)
def _normal(key: str) -> float:
    return _NORMAL.inv_cdf(uniform(key))


def brownian(key: str, at: float, span_seconds: float) -> float:
    """Standard Brownian motion over [0, 1] at ``at``, by halving: each midpoint is the mean of its ends plus noise."""
    if at <= 0:
        return 0.0
    left, right, index = 0.0, _normal(f"{key}/end"), 0
    position, width = min(at, 1.0), 1.0
    for level in range(max(1, math.ceil(math.log2(max(2.0, span_seconds / _FINEST_STEP_SECONDS))))):
        middle = (left + right) / 2 + math.sqrt(width) / 2 * _normal(f"{key}/{level}/{index}")
        width /= 2
        if position < width:
            right, index = middle, 2 * index
        else:
            left, index, position = middle, 2 * index + 1, position - width
    return left + (right - left) * position / width


def fair_price(key: str, at: float, span_seconds: float, start: float) -> float:
    """The chance, seen at ``at`` in [0, 1), that the question ends yes: a martingale that begins at ``start``."""
    lead = _NORMAL.inv_cdf(start) * math.sqrt(1 + SURPRISE)
    return _NORMAL.cdf((lead + brownian(key, at, span_seconds)) / math.sqrt(1 - at + SURPRISE))


def ends_yes(key: str, span_seconds: float, start: float) -> bool:
    """How the question of that path ends, the surprise of the last moment included."""
    lead = _NORMAL.inv_cdf(start) * math.sqrt(1 + SURPRISE)
    return lead + brownian(key, 1, span_seconds) + math.sqrt(SURPRISE) * _normal(f"{key}/surprise") > 0
