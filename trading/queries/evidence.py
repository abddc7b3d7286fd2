"""What stands behind a player's score: the buys it was driven by, and the accounts that bet together with them.

The definitions are those of ``features``, for one player and trade by trade.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from predictu import ids, money
from risk.features import MATCHED_FROM, PLACES
from trading.queries.features import BUYS_MEASURED, COUNTED

LOOKED_AT = 2_000
"""Newest buys whose company is looked for: of a very busy player the rest would take longer than it tells."""

_DRIVING = f"""
{BUYS_MEASURED}
SELECT judged.id, judged.created_at, judged.market_id, market.title, judged.outcome, judged.price, judged.cost_usd,
       judged.closing_mid, judged.cost_usd * (judged.closing_mid - judged.price) / judged.price AS gained_usd,
       judged.is_due AND coalesce(judged.followed, false) AS followed, judged.pnl_usd
FROM judged JOIN trading_market market ON market.id = judged.market_id
ORDER BY (judged.is_due AND coalesce(judged.followed, false)) DESC, gained_usd DESC NULLS LAST, judged.id DESC
LIMIT %(most)s
"""  # noqa: S608 words of our own

_COMPANY = """
WITH mine AS MATERIALIZED (
  SELECT trade.id, trade.market_id, trade.outcome, trade.created_at FROM trading_trade trade
  WHERE trade.player_id = %(player)s AND trade.side = 'buy' AND {COUNTED}
  ORDER BY trade.created_at DESC, trade.id DESC LIMIT %(looked_at)s),
met AS (
  SELECT trade.player_id, count(DISTINCT mine.id) AS matched, max(trade.created_at) AS last_at
  FROM mine JOIN trading_trade trade ON trade.market_id = mine.market_id AND trade.outcome = mine.outcome
    AND trade.created_at BETWEEN mine.created_at - interval '2 minutes' AND mine.created_at + interval '2 minutes'
  WHERE trade.player_id <> %(player)s AND trade.side = 'buy' AND {COUNTED}
  GROUP BY trade.player_id)
SELECT met.player_id, operator.name, player.tier, player.score, met.matched, met.last_at,
       (SELECT count(*) FROM mine)
FROM met JOIN accounts_player player ON player.id = met.player_id
JOIN operators_operator operator ON operator.id = player.operator_id
WHERE (SELECT count(*) FROM trading_trade trade
       WHERE trade.player_id = met.player_id AND trade.side = 'buy' AND {COUNTED}) >= %(enough)s
ORDER BY met.matched DESC, met.player_id LIMIT %(most)s
""".replace("{COUNTED}", COUNTED)


@dataclass(frozen=True, slots=True)
class Buy:
    """A buy with what it adds to edge and timing; ``gained_usd`` is what the line moved for it until it closed."""

    id: str
    placed_at: datetime
    market_id: str
    title: str
    outcome: str
    price: Decimal
    cost_usd: Decimal
    closing_mid: Decimal | None
    gained_usd: Decimal | None
    followed: bool
    pnl_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Company:
    """Another account, of any operator, that placed some of this player's buys within two minutes of them."""

    player_id: str
    operator: str
    tier: str
    score: int | None
    matched: int
    share: Decimal
    last_at: datetime


def driving(player_id: str, *, now: datetime, most: int) -> list[Buy]:
    """The buys that drove the score most: followed by a move first, then by what the line gained for them."""
    with connection.cursor() as cursor:
        cursor.execute(_DRIVING, {"players": [ids.decode("usr", player_id)], "now": now, "most": most})
        return [
            Buy(ids.encode("trd", row[0]), row[1], ids.encode("mkt", row[2]), *row[3:]) for row in cursor.fetchall()
        ]


def company(player_id: str, *, now: datetime, most: int) -> list[Company]:
    """Who bet together with the player, most first; accounts with too few buys to be compared are left out."""
    bound = {
        "player": ids.decode("usr", player_id),
        "now": now,
        "looked_at": LOOKED_AT,
        "enough": MATCHED_FROM,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COMPANY, bound)
        return [
            Company(
                ids.encode("usr", other), operator, tier, score, matched,
                money.rounded(Decimal(matched) / whole, PLACES), last_at,
            )
            for other, operator, tier, score, matched, last_at, whole in cursor.fetchall()
        ]  # fmt: skip
