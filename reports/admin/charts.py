"""Bar charts of the home page, drawn on the server: a policy without inline script, and nothing to wait for."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_WIDTH, _HEIGHT = 720, 160


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, and what it stands for."""

    x: str
    y: str
    width: str
    height: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure by UTC day. ``most`` is the scale's upper end as shown."""

    title: str
    bars: tuple[Bar, ...]
    total: str
    most: str

    @property
    def first(self) -> str:
        return self.bars[0].label

    @property
    def last(self) -> str:
        return self.bars[-1].label


def chart(title: str, labels: Sequence[str], values: Sequence[Decimal], texts: Sequence[str], total: str) -> Chart:
    """Bars in a box of 720 × 160, the largest filling its height; nothing below zero is drawn, and nothing at all
    where no value is above it."""
    most = max(values, default=Decimal(0))
    if most <= 0:
        return Chart(title, (), total, "")
    step = Decimal(_WIDTH) / len(values)
    bars = []
    for number, (label, value, text) in enumerate(zip(labels, values, texts, strict=True)):
        height = max(value, Decimal(0)) * _HEIGHT / most
        at = (number * step, _HEIGHT - height, step * Decimal("0.8"), height)
        bars.append(Bar(*(f"{each:.1f}" for each in at), label=label, value=text))
    return Chart(title, tuple(bars), total, texts[values.index(most)])
