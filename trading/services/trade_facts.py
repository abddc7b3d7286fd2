"""What a trade reads: everything in one round trip, in the platform's lock order.

Statements run on psycopg's own cursors in a pipeline, prepared on the server; the transaction is Django's.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import psycopg
from django.db import connection
from psycopg import errors as pg

from operators.services import gate, idempotency
from predictu import ids
from predictu.errors import IdempotencyInProgress
from risk import limits
from risk.services import exposure

_HOLD = "SELECT * FROM trading_hold(%s, %s, %s, %s, %s, %s, %s)"

_OPERATOR_COLUMNS = (
    "id slug name stage suspended_at predictu_share_pct allowed_categories max_bet_usd min_bet_usd "
    "risk_tier spread_override_bps custom_fees_bps exposure_limit_usd category_limits new_tier_limit "
    "regular_tier_limit vip_tier_limit auto_promote_enabled auto_promote_days auto_promote_trades "
    "daily_loss_limit_enabled daily_loss_limit_usd"
).split()
_PLAYER_COLUMNS = (
    "id external_id username is_test status status_set_by tier limit_tier limit_tier_set_by "
    "self_excluded_until max_bet_usd allowed_categories blocked_categories blocked_markets "
    "cooldown_until balance_usd debt_usd trade_count volume_usd created_at"
).split()
_MARKET_COLUMNS = (
    "id title category status tradeable untradeable_reasons override yes_mid priced_at buys_paused_until resolution"
).split()
_POSITION_COLUMNS = ("id outcome quantity bought_quantity cost_basis_usd avg_price realized_pnl_usd status").split()


def _of(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


# Everything of one trade that is a single row, and the configuration's revision.
_ROWS = f"""
SELECT {_of("operator", _OPERATOR_COLUMNS)}, {_of("player", _PLAYER_COLUMNS)}, {_of("market", _MARKET_COLUMNS)},
       {_of("held", _POSITION_COLUMNS)}, (SELECT max(number) FROM platform_configrevision)
FROM operators_operator operator
LEFT JOIN accounts_player player ON player.id = %s AND player.operator_id = operator.id
LEFT JOIN trading_market market ON market.id = %s
LEFT JOIN trading_position held ON held.player_id = player.id AND held.market_id = market.id AND held.outcome = %s
WHERE operator.id = %s
"""  # noqa: S608 columns of our own

_CATEGORY = "SELECT category FROM trading_market WHERE id = %s"

_VOLUME_30D = """
SELECT coalesce(sum(cost_usd), 0) FROM trading_trade
WHERE player_id = %s AND created_at >= %s AND status <> 'cancelled'
"""
_LOSS_TODAY = """
SELECT coalesce(-sum(pnl), 0) FROM (
  SELECT pnl_usd AS pnl FROM trading_trade
  WHERE player_id = %(player)s AND side = 'sell' AND status <> 'cancelled' AND created_at >= %(since)s
  UNION ALL
  SELECT trade.pnl_usd FROM trading_position position
  JOIN trading_trade trade ON trade.player_id = position.player_id AND trade.market_id = position.market_id
    AND trade.outcome = position.outcome AND trade.side = 'buy' AND trade.status = 'settled'
  WHERE position.player_id = %(player)s AND position.settled_at >= %(since)s
) AS realised
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by column name."""

    values: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, slots=True)
class Facts:
    """All a trade is decided on, as one transaction saw it. The rows of user and position are held."""

    replayed: idempotency.Answer | None
    operator: Row | None = None
    player: Row | None = None
    market: Row | None = None
    position: Row | None = None
    bucket_rows: Sequence[tuple[Any, ...]] = ()
    breaker_rows: Sequence[tuple[Any, ...]] = ()
    revision: int = 0


class Stale(Exception):
    """Decided on facts that have changed since: roll back and decide again."""


@contextmanager
def translated() -> Iterator[None]:
    """psycopg's own errors as Django's, and a moved revision as Stale."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate == exposure.STALE:
            raise Stale from error
        with connection.wrap_database_errors:
            raise


def read(
    *,
    call: idempotency.Call,
    operator_id: str,
    player_id: str,
    market_id: str,
    category: str,
    outcome: str,
    locked: bool,
) -> Facts:
    """One round trip: the replay, else gate, operator, user, position, buckets (held when ``locked``), market.

    Order and locks as the platform's one list has them. The market, the breakers and the configuration are read by the
    statements after the last bucket. Raises IdempotencyInProgress.
    """
    operator, player, market = (
        ids.decode("op", operator_id),
        ids.decode("usr", player_id),
        ids.decode("mkt", market_id),
    )
    scopes, scope_ids = _scopes(market_id, category, operator_id)
    with translated(), connection.connection.pipeline():
        waited = run(idempotency.LOCK, (call.lock_key,))
        known = run(_HOLD, (*call.find_parameters(), gate.lock_key(operator_id), player, market, outcome))
        buckets = run(exposure.LOCK if locked else exposure.READ, (scopes, scope_ids))
        rows = run(_ROWS, (player, market, outcome, operator))
        breakers = run(exposure.BREAKERS, (scopes, scope_ids))
        try:
            waited.fetchone()
        except pg.LockNotAvailable as error:
            raise IdempotencyInProgress() from error
        replayed = idempotency.replay(call, known.fetchone())
        if replayed is not None:
            return Facts(replayed)
        return _facts(buckets.fetchall(), rows.fetchone(), breakers.fetchall())


def _scopes(market_id: str, category: str, operator_id: str) -> tuple[list[str], list[str]]:
    keys = exposure.keys_of(market_id=market_id, category=category, operator_id=operator_id)
    return [key[0] for key in keys], [key[1] for key in keys]


def _facts(
    buckets: Sequence[tuple[Any, ...]], row: tuple[Any, ...] | None, breakers: Sequence[tuple[Any, ...]]
) -> Facts:
    if row is None:
        return Facts(None)
    lists = ("allowed_categories", "blocked_categories", "blocked_markets")
    first = len(_OPERATOR_COLUMNS)
    second = first + len(_PLAYER_COLUMNS)
    third = second + len(_MARKET_COLUMNS)
    return Facts(
        replayed=None,
        operator=_row(_OPERATOR_COLUMNS, row[:first], "op", ("allowed_categories", "category_limits")),
        player=_row(_PLAYER_COLUMNS, row[first:second], "usr", lists),
        market=_row(_MARKET_COLUMNS, row[second:third], "mkt", ("untradeable_reasons",)),
        position=_row(_POSITION_COLUMNS, row[third:-1], "pos", ()),
        bucket_rows=buckets,
        breaker_rows=breakers,
        revision=row[-1],
    )


def look(*, operator_id: str, player_id: str, market_id: str, category: str, outcome: str) -> Facts:
    """The same facts without holding anything: for a quote."""
    operator, player, market = ids.decode("op", operator_id), ids.decode("usr", player_id), ids.decode("mkt", market_id)
    scopes, scope_ids = _scopes(market_id, category, operator_id)
    with translated(), connection.connection.pipeline():
        buckets = run(exposure.READ, (scopes, scope_ids))
        rows = run(_ROWS, (player, market, outcome, operator))
        breakers = run(exposure.BREAKERS, (scopes, scope_ids))
        return _facts(buckets.fetchall(), rows.fetchone(), breakers.fetchall())


def category_of(market_id: str) -> str | None:
    """A market's category: fixed at its first trade, so a stale one is caught by the counters' keys."""
    with translated():
        row = run(_CATEGORY, (ids.decode("mkt", market_id),)).fetchone()
    return row[0] if row else None


def volume_since(player_id: str, since: datetime) -> Decimal:
    """Cost of the player's uncancelled trades since then, in dollars."""
    with translated():
        return run(_VOLUME_30D, (ids.decode("usr", player_id), since)).fetchone()[0]


def loss_since(player_id: str, since: datetime) -> Decimal:
    """What the player has lost by sells and settlements since then, in dollars; negative when they won."""
    with translated():
        cursor = psycopg.Cursor(connection.connection)
        cursor.execute(_LOSS_TODAY, {"player": ids.decode("usr", player_id), "since": since}, prepare=True)
        return cursor.fetchone()[0]


def operator_limits(operator: Row) -> limits.OperatorLimits:
    return limits.OperatorLimits(operator.risk_tier, operator.exposure_limit_usd, operator.category_limits)


def run(sql: str, parameters: tuple[Any, ...]) -> psycopg.Cursor[Any]:
    cursor = psycopg.Cursor(connection.connection)
    cursor.execute(sql, parameters, prepare=True)
    return cursor


def _row(columns: Sequence[str], row: tuple[Any, ...], prefix: str, decoded: Sequence[str]) -> Row | None:
    if row[0] is None:
        return None
    values = dict(zip(columns, row, strict=True))
    values["id"] = ids.encode(prefix, values["id"])
    for name in decoded:
        if isinstance(values[name], str):
            values[name] = orjson.loads(values[name])
    return Row(values)
