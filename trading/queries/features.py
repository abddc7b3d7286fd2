"""What players' scores are judged by, gathered set-wise for many players at once.

``risk.features`` says in plain Python what every value means; the statements here are held to it by a test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection

from predictu import ids, money
from risk import correlation
from risk.features import PLACES
from risk.scoring import Features, Match

# A trade that counts at the moment asked for: real, made by then, and not cancelled yet.
COUNTED = """
NOT trade.is_test AND trade.created_at <= %(now)s AND (trade.status <> 'cancelled' OR trade.cancelled_at > %(now)s)
""".strip()

# Everything is as it stood at the moment asked for. A buy is resolved by its market's settlement, a sell at once; won
# or lost is what was held until the settlement.
_RESOLVED = """
SELECT player_id,
       count(*) FILTER (WHERE resolved),
       count(*) FILTER (WHERE held),
       count(*) FILTER (WHERE held AND pnl_usd > 0),
       count(*) FILTER (WHERE side = 'buy'),
       coalesce(sum(cost_usd) FILTER (WHERE side = 'buy'), 0),
       coalesce(sum(cost_usd * cost_usd) FILTER (WHERE side = 'buy'), 0)
FROM (
  SELECT trade.player_id, trade.side, trade.pnl_usd, trade.cost_usd,
         trade.side = 'sell' OR settlement.id IS NOT NULL AS resolved,
         trade.side = 'buy' AND settlement.id IS NOT NULL AND position.quantity > 0 AS held
  FROM trading_trade trade
  JOIN trading_position position ON position.player_id = trade.player_id AND position.market_id = trade.market_id
    AND position.outcome = trade.outcome
  LEFT JOIN trading_settlement settlement ON settlement.market_id = trade.market_id
    AND settlement.settled_at <= %(now)s
  WHERE trade.player_id = ANY(%(players)s) AND {COUNTED}) AS known
GROUP BY player_id
""".replace("{COUNTED}", COUNTED)

# The moment a buy's price is measured at, its mid then, and whether the mid had moved its way within five minutes.
BUYS_MEASURED = """
WITH buys AS MATERIALIZED (
  SELECT trade.id, trade.player_id, trade.market_id, trade.outcome, trade.price, trade.mid, trade.cost_usd,
         trade.pnl_usd, trade.created_at
  FROM trading_trade trade
  WHERE trade.player_id = ANY(%(players)s) AND trade.side = 'buy' AND {COUNTED}),
markets AS MATERIALIZED (
  SELECT market.id, market.game_start_at, market.end_date, ended.at AS closed_at, open.at AS last_open_at
  FROM trading_market market
  CROSS JOIN LATERAL (SELECT coalesce(market.source_closed_at, market.resolved_at) AS at) AS ended
  LEFT JOIN LATERAL (
    SELECT point.at FROM trading_pricepoint point
    WHERE point.market_id = market.id AND point.yes_mid BETWEEN 0.05 AND 0.95
      AND point.at <= least(ended.at, %(now)s)
    ORDER BY point.at DESC LIMIT 1) AS open ON true
  WHERE market.id IN (SELECT market_id FROM buys)),
timed AS (
  SELECT buys.*, markets.last_open_at,
         least(markets.game_start_at, markets.end_date, buys.created_at + interval '24 hours') AS earliest,
         coalesce(markets.closed_at <= %(now)s, false) AS closed
  FROM buys JOIN markets ON markets.id = buys.market_id),
measured AS (
  SELECT timed.*, CASE WHEN (closed OR earliest <= %(now)s) AND last_open_at IS NOT NULL
                        AND least(earliest, last_open_at) > created_at
                       THEN least(earliest, last_open_at) END AS moment
  FROM timed),
judged AS (
  SELECT measured.*, closing.mid AS closing_mid, created_at + interval '5 minutes' <= %(now)s AS is_due,
         followed.found AS followed
  FROM measured
  LEFT JOIN LATERAL (
    SELECT CASE WHEN measured.outcome = 'yes' THEN point.yes_mid ELSE 1 - point.yes_mid END AS mid
    FROM trading_pricepoint point WHERE point.market_id = measured.market_id AND point.at <= measured.moment
    ORDER BY point.at DESC LIMIT 1) AS closing ON measured.moment IS NOT NULL
  LEFT JOIN LATERAL (
    SELECT true AS found FROM trading_pricepoint point
    WHERE point.market_id = measured.market_id AND point.at > measured.created_at
      AND point.at <= measured.created_at + interval '5 minutes'
      AND CASE WHEN measured.outcome = 'yes' THEN point.yes_mid ELSE 1 - point.yes_mid END >= measured.mid + 0.03
    LIMIT 1) AS followed ON true)
""".replace("{COUNTED}", COUNTED)
_MOMENTS = f"""
{BUYS_MEASURED}
SELECT player_id,
       sum(cost_usd * (closing_mid - price) / price) FILTER (WHERE closing_mid IS NOT NULL),
       sum(cost_usd) FILTER (WHERE closing_mid IS NOT NULL),
       count(*) FILTER (WHERE is_due),
       count(*) FILTER (WHERE is_due AND followed)
FROM judged GROUP BY player_id
"""  # noqa: S608 words of our own

_BUYS = """
SELECT player_id, market_id, outcome = 'yes', (extract(epoch FROM created_at) * 1000)::bigint
FROM trading_trade trade WHERE side = 'buy' AND {COUNTED}
""".replace("{COUNTED}", COUNTED)

_NEWS = """
SELECT player.id FROM accounts_player player
WHERE NOT player.is_test AND player.trade_count > 0 AND (
  player.score_evaluated_at IS NULL
  OR player.tier_expires_at <= %(now)s
  OR EXISTS (SELECT 1 FROM trading_trade trade WHERE trade.player_id = player.id
             AND trade.created_at >= player.score_evaluated_at - interval '25 hours')
  OR EXISTS (SELECT 1 FROM trading_position position WHERE position.player_id = player.id
             AND position.settled_at >= player.score_evaluated_at))
ORDER BY player.id
"""


def players_with_news(now: datetime) -> list[str]:
    """Players never judged, or with trades whose closing mids came due, or settlements, since they were; and those
    whose tier staff had set until a time that is over."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWS, {"now": now})
        return [ids.encode("usr", row[0]) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Matches:
    """Who bet together, for all players: a share of buys matched, by whom, and how many."""

    by_player: dict[str, tuple[Decimal, Match | None]]


def matches(now: datetime) -> Matches:
    """Every player's best match across operators, for those with enough buys."""
    with connection.cursor() as cursor:
        cursor.execute(_BUYS, {"now": now})
        rows = cursor.fetchall()
    if not rows:
        return Matches({})
    players, user = np.unique(np.array([row[0].bytes for row in rows], dtype="S16"), return_inverse=True)
    _, bet = np.unique(np.array([row[1].bytes + bytes([row[2]]) for row in rows], dtype="V17"), return_inverse=True)
    times = np.fromiter((row[3] for row in rows), dtype=np.int64, count=len(rows))
    best = correlation.best_matches(user=user.astype(np.int64), bet=bet.astype(np.int64), time_ms=times)
    names = [_name(raw) for raw in players]
    found: dict[str, tuple[Decimal, Match | None]] = {}
    for number, buys, partner, matched in zip(best.user, best.buys, best.partner, best.matched, strict=True):
        share = money.rounded(Decimal(int(matched)) / int(buys), PLACES)
        match = None if partner == correlation.NOBODY else Match(names[int(partner)], int(matched))
        found[names[int(number)]] = (share, match)
    return Matches(found)


def gather(player_ids: Sequence[str], found: Matches, now: datetime) -> dict[str, Features]:
    """The features of ``player_ids`` as of ``now``; players without a trade are left out."""
    bound = {"players": [ids.decode("usr", player_id) for player_id in player_ids], "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_MOMENTS, bound)
        moments = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_RESOLVED, bound)
        rows = cursor.fetchall()
    features = {}
    for player, resolved, held, winning, buys, cost, squares in rows:
        player_id = ids.encode("usr", player)
        gain, weight, due, followed = moments.get(player, (None, None, 0, 0))
        share, match = found.by_player.get(player_id, (None, None))
        features[player_id] = Features(
            resolved=resolved,
            win_rate=_share(winning, held),
            edge_detection=money.rounded(gain / weight, PLACES) if weight else None,
            timing=_share(followed, due),
            volume_pattern=_steadiness(buys, cost, squares),
            correlation=share,
            match=match,
        )
    return features


def _steadiness(count: int, total: Decimal, squares: Decimal) -> Decimal | None:
    if not count or not total:
        return None
    spread = max(money.ZERO, count * squares - total * total)
    return money.rounded(max(money.ZERO, money.ONE - spread.sqrt() / total), PLACES)


def _share(part: int, whole: int) -> Decimal | None:
    return money.rounded(Decimal(part) / whole, PLACES) if whole else None


def _name(raw: Any) -> str:
    return ids.encode("usr", UUID(bytes=bytes(raw).ljust(16, b"\0")))
