"""A market's week as a drawing made on the server: the mid as a line, our volume of each hour as bars below it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from predictu import shown
from predictu.money import ONE, ZERO

WIDTH, HEIGHT, FOOT = 720, 160, 36
_STEP = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class PriceChart:
    """``line`` is an SVG polyline's points in a box of 720 × 160, ``bars`` rectangles with what they stand for."""

    line: str
    bars: tuple[dict[str, str], ...]
    first: str
    last: str
    low: str
    high: str
    now: str
    volume: str
    rows: tuple[tuple[str, str, str], ...]


def of_history(history: Sequence[Mapping[str, Any]]) -> PriceChart | None:
    """The chart of `trading.queries.market_detail.price_history`; None without two hours to join."""
    if len(history) < 2:
        return None
    mids = [Decimal(row["yes_price"]) for row in history]
    volumes = [Decimal(row["volume_usd"]) for row in history]
    low, high = _scale(mids)
    step, most = Decimal(WIDTH) / (len(history) - 1), max(volumes)
    room = HEIGHT - FOOT
    line = " ".join(
        f"{number * step:.1f},{room - (mid - low) * room / (high - low):.1f}" for number, mid in enumerate(mids)
    )
    hours = [row["timestamp"][:16].replace("T", " ") for row in history]
    bars = tuple(
        {
            "x": f"{min(number * step, WIDTH - step):.1f}",
            "y": f"{HEIGHT - volume * FOOT / most:.1f}",
            "width": f"{step * Decimal('0.8'):.1f}",
            "height": f"{volume * FOOT / most:.1f}",
            "label": f"{hour}: ${shown.amount(volume)}",
        }
        for number, (hour, volume) in enumerate(zip(hours, volumes, strict=True))
        if volume > ZERO
    )
    rows = tuple(
        (hour, f"{mid:.4f}", shown.amount(volume)) for hour, mid, volume in zip(hours, mids, volumes, strict=True)
    )
    return PriceChart(
        line=line,
        bars=bars,
        first=hours[0],
        last=hours[-1],
        low=f"{low:.2f}",
        high=f"{high:.2f}",
        now=f"{mids[-1]:.4f}",
        volume=shown.amount(sum(volumes)),
        rows=tuple(reversed(rows)),
    )


def _scale(mids: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """The steps of five points just outside the mids, so that a quiet week is no mountain range."""
    low = (min(mids) / _STEP).to_integral_value(ROUND_FLOOR) * _STEP
    high = (max(mids) / _STEP).to_integral_value(ROUND_CEILING) * _STEP
    return max(ZERO, low), min(ONE, max(high, low + _STEP))
