"""A user's scores over time as the geometry of a small SVG: a step line, and the two thresholds across it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from risk.scoring import HIGHEST, Thresholds

WIDTH = 720
_TOP, _BOTTOM = 8, 152


@dataclass(frozen=True, slots=True)
class Chart:
    """``line`` are the points of a polyline; ``said`` is the chart in words; ``figures`` are newest first."""

    line: str
    sharp_y: float
    restricted_y: float
    first: str
    last: str
    said: str
    figures: tuple[tuple[datetime, int], ...]


def chart(scores: Sequence[tuple[datetime, int]], *, thresholds: Thresholds) -> Chart | None:
    """The chart of evaluations, oldest first; None without any."""
    if not scores:
        return None
    begin, end = scores[0][0], scores[-1][0]
    span = max(end - begin, timedelta(minutes=1))
    steps: list[str] = []
    level = _y(scores[0][1])
    for at, score in scores:
        x = round(WIDTH * ((at - begin) / span), 1)
        steps.append(f"{x},{level}")
        if _y(score) != level:
            level = _y(score)
            steps.append(f"{x},{level}")
    if begin == end:
        steps.append(f"{WIDTH},{level}")
    highest, newest = max(score for _, score in scores), scores[-1][1]
    counted = f"{len(scores)} evaluation{'s' if len(scores) != 1 else ''}"
    return Chart(
        line=" ".join(steps),
        sharp_y=_y(thresholds.sharp),
        restricted_y=_y(thresholds.restricted),
        first=f"{begin:%Y-%m-%d}",
        last=f"{end:%Y-%m-%d}",
        said=(
            f"{newest} at the last of {counted}, at most {highest}; sharp from {thresholds.sharp}, restricted from "
            f"{thresholds.restricted}"
        ),
        figures=tuple(reversed(scores)),
    )


def _y(score: int) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * score / HIGHEST, 1)
