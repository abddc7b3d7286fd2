"""What a score means in words: a sentence for each component, flags, and what the risk desk should do and why.

Pure. The sentences for the documented example are the document's.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from predictu.money import rounded

INSUFFICIENT_DATA = "insufficient_data"
LOW_CONFIDENCE = "low_confidence"
_MARKED = {
    "win_rate": "high_win_rate",
    "edge_detection": "beats_closing_line",
    "timing": "bets_before_moves",
    "volume_pattern": "uniform_stakes",
    "correlation": "correlated_accounts",
}
_MARKED_FROM = Fraction(4, 5)
"""A component is flagged from this share of its points on."""
LUCK_BELOW = 200
"""Resolved trades under which a win rate says little: chance alone spreads it by three or four points either way."""
_CLOSE = 5
"""A score so near below the next tier is worth a look."""

_Bands = tuple[tuple[str, str], ...]
"""(from this value on, words), highest first."""
_WIN_RATE: _Bands = (
    ("0.65", "far above baseline (50%)"),
    ("0.57", "above baseline (50%)"),
    ("0.505", "slightly above baseline (50%)"),
    ("0.495", "at baseline (50%)"),
    ("0.43", "slightly below baseline (50%)"),
    ("0", "below baseline (50%)"),
)
_EDGE: _Bands = (("0.0625", "very strong"), ("0.04", "strong"), ("0.025", "moderate"), ("0.0001", "minimal"))
_STAKES: _Bands = (
    ("0.95", "Uniform sizing, nearly every stake the same"),
    ("0.7", "Consistent sizing, no spike patterns"),
    ("0.4", "Moderately varied sizing"),
    ("0", "Varied sizing, typical of recreational play"),
)
_CORRELATION: _Bands = (
    ("0.3", "Very high"),
    ("0.24", "High"),
    ("0.15", "Moderate"),
    ("0.05", "Low"),
    ("0", "Negligible"),
)
_NOTHING = {
    "win_rate": "No bets held to settlement yet",
    "edge_detection": "No bets with a closing price yet",
    "timing": "No bets old enough to compare with line movement",
    "volume_pattern": "No bets yet",
    "correlation": "Too few bets to compare with other accounts",
}


def detail(component: str, value: Decimal | None) -> str:
    """The sentence that explains a component's value."""
    if value is None:
        return _NOTHING[component]
    if component == "win_rate":
        return f"Win rate {_percent(value)} - {_band(_WIN_RATE, value)}"
    if component == "edge_detection":
        return f"Avg CLV edge {_signed(value)} - {_band(_EDGE, value) or 'none'}"
    if component == "timing":
        return f"{_percent(value)} of bets placed within 5min of line movement"
    if component == "volume_pattern":
        return _band(_STAKES, value)
    return f"{_band(_CORRELATION, value)} cross-market correlation ({rounded(value, 2)})"


def flags(shares: Mapping[str, Fraction], *, resolved: int, too_few: int, enough: int) -> tuple[str, ...]:
    """``shares`` are the components' scores as shares of their points."""
    if resolved < too_few:
        return (INSUFFICIENT_DATA,)
    marked = [_MARKED[name] for name, share in shares.items() if share >= _MARKED_FROM]
    return (*marked, LOW_CONFIDENCE) if resolved < enough else tuple(marked)


def recommendations(
    *,
    flags: tuple[str, ...],
    values: Mapping[str, Decimal | None],
    score: int,
    tier: str,
    tier_from: Mapping[str, int],
    resolved: int,
    enough: int,
    user_id: str,
    match: tuple[str, int] | None,
) -> tuple[str, ...]:
    """What to do and why, the most telling first. ``match``: the other account's id, the number of buys it matched."""
    result = []
    edge, timing = "beats_closing_line" in flags, "bets_before_moves" in flags
    if edge:
        result.append(
            f"Raise spread: the line closes {_percent(_known(values, 'edge_detection'))} above the price paid on "
            "average, which is more than the spread takes."
        )
    if timing:
        result.append(
            f"Lower max bet: {_percent(_known(values, 'timing'))} of bets came within 5 minutes before the line moved "
            "3 points or more their way, which points to news ahead of the feed."
        )
    if "correlated_accounts" in flags and match is not None:
        result.append(
            f"Review account pair {user_id} / {match[0]}: {_percent(_known(values, 'correlation'))} of bets "
            f"({match[1]}) match the other account's market and outcome within 2 minutes."
        )
    if "uniform_stakes" in flags and (edge or timing):
        result.append("Check for automated betting: stakes hardly vary while the timing or the prices are too good.")
    if "high_win_rate" in flags:
        luck = f"; with fewer than {LUCK_BELOW} that can be luck" if resolved < LUCK_BELOW else ""
        rate = _percent(_known(values, "win_rate"))
        result.append(
            f"Review recent wins: {rate} of the bets held to settlement won, {resolved} resolved in all{luck}."
        )
    if tier != "normal":
        result.append(f"Confirm tier {tier}: score {score} is at or above its threshold of {tier_from[tier]}.")
    elif score >= tier_from["sharp"] - _CLOSE:
        result.append(f"Watch: score {score} is {tier_from['sharp'] - score} below the sharp threshold.")
    if result and LOW_CONFIDENCE in flags:
        result.append(f"Wait before acting: only {resolved} of {enough} resolved bets that a full score needs.")
    return tuple(result)


def _known(values: Mapping[str, Decimal | None], component: str) -> Decimal:
    value = values[component]
    assert value is not None, "a flagged component has a value"
    return value


def _band(bands: _Bands, value: Decimal) -> str:
    return next((words for low, words in bands if value >= Decimal(low)), "")


def _percent(value: Decimal) -> str:
    """0.54 as ``54%``, 0.545 as ``54.5%``."""
    shown = rounded(value * 100, 1)
    whole = shown.to_integral_value()
    return f"{whole if shown == whole else shown}%"


def _signed(value: Decimal) -> str:
    text = _percent(value)
    return f"+{text}" if value > 0 else text
