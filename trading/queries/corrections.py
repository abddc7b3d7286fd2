"""What correcting a settlement would move, counted before anybody is asked why. Moves nothing, locks nothing."""

from typing import Any

from django.db import connection

from predictu import ids
from predictu.platform import config
from trading.models import Market, Settlement
from trading.services.settlement_sql import PAID, REFUNDED
from trading.services.settlements import PAYOUTS

# The sums that `trading.services.correction_sql` stages, of settled positions that are paid otherwise now. The fee of
# a payout is a ledger row of its own, named after the position.
_DUE = """
WITH held AS (
  SELECT player_id, paid, paid_before, fee_before,
         CASE WHEN %(void)s THEN 0 ELSE round(paid * %(fee_bps)s / 10000, 2) END AS fee
  FROM (
    SELECT position.player_id, position.payout_usd AS paid_before, coalesce(-entry.amount_usd, 0) AS fee_before,
           {paid} AS paid
    FROM trading_position position
    LEFT JOIN accounts_ledgerentry entry ON entry.player_id = position.player_id AND entry.type = 'fee'
      AND entry.idempotency_key = 'predictu:settlement-fee:' || %(stl)s || ':' || predictu_typeid('pos', position.id)
    WHERE position.market_id = %(market)s AND position.status = 'settled') AS settled),
changed AS (
  SELECT player_id, count(*) AS positions, sum(paid + fee_before - fee) AS credit, sum(paid_before) AS reversal
  FROM held WHERE (paid, fee) <> (paid_before, fee_before) GROUP BY player_id),
short AS (
  SELECT changed.*, greatest(0, changed.reversal - player.balance_usd - changed.credit) AS debt
  FROM changed JOIN accounts_player player ON player.id = changed.player_id)
SELECT coalesce(sum(positions), 0), count(*), coalesce(sum(credit), 0), coalesce(sum(reversal), 0),
       count(*) FILTER (WHERE debt > 0), coalesce(sum(debt), 0)
FROM short
"""


def preview(settlement: Settlement, outcome: str) -> dict[str, Any]:
    """Positions and users that are paid otherwise, what they are credited and what is taken back, and the debts of
    those whose balance does not cover it, as balances are now; test users included, as the correction moves theirs."""
    yes, no = PAYOUTS[outcome]
    given = {
        "market": ids.decode("mkt", settlement.market_id),
        "stl": settlement.id,
        "yes": yes,
        "no": no,
        "void": outcome == Market.Resolution.CANCELLED,
        "fee_bps": config.current()["fees.settlement_fee_bps"],
    }
    with connection.cursor() as cursor:
        paid = REFUNDED.format(before="'settled'") if given["void"] else PAID
        cursor.execute(_DUE.format(paid=paid), given)
        names = ("positions", "users", "credit_usd", "reversal_usd", "debtors", "debt_usd")
        return dict(zip(names, cursor.fetchone(), strict=True))
