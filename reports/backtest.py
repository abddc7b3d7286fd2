"""How well a score told sharp players from others: exact AUC, lift by tenth, and a picture of both.

Pure but for the picture's file. A score is good when it ranks: what counts is the order of players, not the distance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

TENTHS = 10
_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple")

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One score or component judged against the truth."""

    name: str
    auc: float
    """Probability that a sharp player scores above another one, ties counting half."""
    lift: tuple[float, ...]
    """Share of sharp players in each tenth by score, highest first, relative to their share of all."""
    roc: tuple[Values, Values]
    """Shares of others and of sharp players at or above each score, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """All scores of one test. ``shuffled_auc`` is the first one's mean AUC against labels in random order."""

    verdicts: tuple[Verdict, ...]
    sharp: int
    others: int
    shuffled_auc: float

    def verdict(self, name: str) -> Verdict:
        return next(verdict for verdict in self.verdicts if verdict.name == name)


def judge(*, scores: Mapping[str, Values], sharp: Flags, rng: np.random.Generator, shuffles: int = 100) -> Backtest:
    """Judge each score against the truth. Raises ValueError unless there are sharp players and others."""
    positive = int(sharp.sum())
    if not 0 < positive < len(sharp):
        raise ValueError("a backtest needs sharp players and others")
    verdicts = tuple(
        Verdict(name, auc(values, sharp), lift(values, sharp), _roc(values, sharp)) for name, values in scores.items()
    )
    first = next(iter(scores.values()))
    shuffled = [auc(first, rng.permutation(sharp)) for _ in range(shuffles)]
    return Backtest(verdicts, positive, len(sharp) - positive, float(np.mean(shuffled)))


def auc(values: Values, sharp: Flags) -> float:
    """Area under the ROC curve from whole counts: pairs in the right order, ties counting half."""
    hits, misses = _levels(values, sharp)
    above = np.cumsum(hits) - hits
    twice = int((2 * above * misses + hits * misses).sum())
    return twice / (2 * int(hits.sum()) * int(misses.sum()))


def lift(values: Values, sharp: Flags, parts: int = TENTHS) -> tuple[float, ...]:
    """Lift of each part by score, highest first. Equal scores are spread evenly over the parts they fall into."""
    hits, misses = _levels(values, sharp)
    people = np.concatenate([[0], np.cumsum(hits + misses)])
    found = np.concatenate([[0], np.cumsum(hits)])
    bounds = np.linspace(0, people[-1], parts + 1)
    shares = np.diff(np.interp(bounds, people, found)) / found[-1]
    return tuple(float(share * parts) for share in shares)


def _levels(values: Values, sharp: Flags) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sharp players and others at each distinct score, highest first."""
    levels, place = np.unique(-values, return_inverse=True)
    hits = np.bincount(place[sharp], minlength=len(levels))
    return hits, np.bincount(place, minlength=len(levels)) - hits


def _roc(values: Values, sharp: Flags) -> tuple[Values, Values]:
    hits, misses = _levels(values, sharp)
    x, y = (np.concatenate([[0.0], np.cumsum(counts) / counts.sum()]) for counts in (misses, hits))
    return x, y


def plot(*, backtest: Backtest, title: str, path: Path) -> None:
    """Write a PNG: ROC curve and lift by tenth of every score, the first one in front."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{title} ({backtest.sharp:,} sharp, {backtest.others:,} others)")
    curves, lifts = figure.subplots(1, 2)
    first, *rest = backtest.verdicts
    colours = dict(zip((verdict.name for verdict in rest), _COLOURS, strict=False))
    for verdict in backtest.verdicts:
        colour, width = colours.get(verdict.name, "black"), 1.4 if verdict is not first else 2.6
        label = f"{verdict.name.replace('_', ' ')} {verdict.auc:.3f}"
        curves.plot(*verdict.roc, linewidth=width, color=colour, label=label)
    curves.plot([0, 1], [0, 1], linestyle=":", color="grey", label=f"shuffled labels {backtest.shuffled_auc:.3f}")
    curves.set(xlabel="share of others at or above the score", ylabel="share of sharp players", title="ROC, with AUC")
    curves.set(xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    curves.legend(loc="lower right", fontsize=8)
    tenths = range(1, TENTHS + 1)
    lifts.bar(tenths, first.lift, color="lightgrey", label=first.name)
    for verdict in rest:
        name, colour = verdict.name.replace("_", " "), colours[verdict.name]
        lifts.plot(tenths, verdict.lift, linewidth=1.4, marker="o", markersize=3.5, color=colour, label=name)
    lifts.axhline(1, linestyle=":", color="grey")
    lifts.set(xlabel="tenth of players, highest scores first", ylabel="lift", title="Lift by tenth")
    lifts.set_xticks(tenths)
    lifts.legend(loc="upper right", fontsize=8)
    figure.savefig(path, format="png", dpi=110)
