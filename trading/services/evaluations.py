"""Scores: trading gathers what players did, risk judges it."""

from collections.abc import Sequence
from datetime import datetime

from risk.services import scores
from trading.queries import features

BATCH = 2_000


def evaluate(player_ids: Sequence[str] | None, *, now: datetime) -> int:
    """Judge ``player_ids`` (default: all with news) as of ``now``; how many were judged."""
    wanted = features.players_with_news(now) if player_ids is None else list(player_ids)
    if not wanted:
        return 0
    found = features.matches(now)
    judged = 0
    for start in range(0, len(wanted), BATCH):
        judged += scores.judge(features.gather(wanted[start : start + BATCH], found, now), now=now)
    return judged
