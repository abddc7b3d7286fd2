"""The platform's own past as a test of its scores: what a score would have been then, and what players won since.

A score is worked out anew from what was known at its moment, by today's definitions; nothing of later goes into it.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from django.db import connection

from accounts.models import Player
from predictu import ids
from risk.scoring import Evaluation, Thresholds, evaluate
from trading.queries import features

_BATCH = 5_000

_TRADED = """
SELECT DISTINCT player_id FROM trading_trade WHERE created_at <= %(at)s AND NOT is_test ORDER BY player_id
"""
# Of positions opened since alone: what was bought before is no news of the score.
_WON = """
SELECT trade.player_id, count(*), sum(trade.pnl_usd) FROM trading_trade trade
JOIN trading_position position ON position.player_id = trade.player_id AND position.market_id = trade.market_id
  AND position.outcome = trade.outcome AND position.opened_at > %(since)s
WHERE trade.created_at > %(since)s AND trade.created_at <= %(until)s AND trade.pnl_usd IS NOT NULL
  AND trade.status <> 'cancelled' AND NOT trade.is_test
GROUP BY trade.player_id
"""


@dataclass(frozen=True, slots=True)
class Later:
    """What came of the trades a player made afterwards, as far as it is known."""

    resolved: int
    pnl_usd: Decimal


def scored(*, at: datetime, resolved_from: int, thresholds: Thresholds) -> dict[str, Evaluation]:
    """Every player with so many resolved trades at the moment, judged by what was known then."""
    with connection.cursor() as cursor:
        cursor.execute(_TRADED, {"at": at})
        players = [ids.encode("usr", row[0]) for row in cursor.fetchall()]
    matches = features.matches(at)
    judged = {}
    for start in range(0, len(players), _BATCH):
        found = features.gather(players[start : start + _BATCH], matches, at)
        for player_id, values in found.items():
            if values.resolved >= resolved_from:
                judged[player_id] = evaluate(features=values, user_id=player_id, thresholds=thresholds)
    return judged


def later(*, since: datetime, until: datetime) -> dict[str, Later]:
    """What players won by trades made after ``since`` and up to ``until``, by what is known today."""
    with connection.cursor() as cursor:
        cursor.execute(_WON, {"since": since, "until": until})
        return {ids.encode("usr", row[0]): Later(row[1], row[2]) for row in cursor.fetchall()}


def labelled(path: Path, player_ids: Sequence[str]) -> Mapping[str, str]:
    """Each player's population by the side file of a simulation; players it does not name are left out."""
    with path.open(newline="", encoding="utf-8") as file:
        population = {row["external_id"]: row["population"] for row in csv.DictReader(file)}
    names = dict(Player.objects.filter(pk__in=player_ids).values_list("id", "external_id"))
    return {player_id: population[name] for player_id, name in names.items() if name in population}
