"""An operator's callbacks over time as a small SVG: a bar an hour, confirmed attempts below failed ones. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

_BAR, _HEIGHT = 4, 48
_CONFIRMED, _FAILED, _LINE = "#16a34a", "#dc2626", "#9ca3af"
_HOUR = timedelta(hours=1)


class Hour(Protocol):
    """Attempts of the hour that begins at ``start``."""

    start: datetime
    confirmed: int
    failed: int


def svg(hours: Sequence[Hour], *, start: datetime, end: datetime) -> str:
    """The chart of [start, end), whole hours; what it says is also its title."""
    count = (end - start) // _HOUR
    most = max((hour.confirmed + hour.failed for hour in hours), default=0)
    width = count * _BAR
    confirmed, failed = sum(hour.confirmed for hour in hours), sum(hour.failed for hour in hours)
    said = f"{confirmed:,} confirmed and {failed:,} failed attempts since {start:%Y-%m-%d %H:%M} UTC"
    bars = "".join(_bar(hour, (hour.start - start) // _HOUR, most) for hour in hours if start <= hour.start < end)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{_HEIGHT + 1}" '
        f'viewBox="0 0 {width} {_HEIGHT + 1}"><title>{said}</title>{bars}'
        f'<path d="M0 {_HEIGHT + 0.5}H{width}" stroke="{_LINE}"/></svg>'
    )


def _bar(hour: Hour, place: int, most: int) -> str:
    """Two rectangles; a single failure stays visible beside thousands of confirmations."""
    failed = max(2, round(_HEIGHT * hour.failed / most)) if hour.failed else 0
    confirmed = min(_HEIGHT - failed, round(_HEIGHT * hour.confirmed / most)) if hour.confirmed else 0
    return "".join(
        f'<rect x="{place * _BAR}" y="{top}" width="{_BAR - 1}" height="{height}" fill="{colour}"/>'
        for top, height, colour in (
            (_HEIGHT - confirmed, confirmed, _CONFIRMED),
            (_HEIGHT - confirmed - failed, failed, _FAILED),
        )
        if height
    )
