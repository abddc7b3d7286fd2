"""What a trade reads: one statement, whose one snapshot holds everything it is decided on.

``look`` holds nothing and needs no transaction; ``hold`` takes the locks first, in the platform's order, and then takes
the same look. Statements run on psycopg's own cursors, prepared on the server, with binary answers.
"""

from collections import namedtuple
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
from predictu.prepared import run
from risk import limits
from risk.services import exposure

_HOLD = "SELECT * FROM trading_hold($1, $2, $3, $4, $5, $6, $7)"

# ``version`` is the row's xmin: another one means that somebody has written the row since.
OperatorRow = namedtuple(
    "OperatorRow",
    "id version slug name stage suspended_at predictu_share_pct allowed_categories max_bet_usd min_bet_usd risk_tier"
    " spread_override_bps custom_fees_bps exposure_limit_usd category_limits new_tier_limit regular_tier_limit"
    " vip_tier_limit auto_promote_enabled auto_promote_days auto_promote_trades daily_loss_limit_enabled"
    " daily_loss_limit_usd",
)
PlayerRow = namedtuple(
    "PlayerRow",
    "id version external_id username is_test status status_set_by tier limit_tier limit_tier_set_by"
    " self_excluded_until max_bet_usd allowed_categories blocked_categories blocked_markets cooldown_until balance_usd"
    " debt_usd trade_count volume_usd created_at",
)
MarketRow = namedtuple(
    "MarketRow",
    "id title category status tradeable untradeable_reasons override yes_mid priced_at buys_paused_until resolution",
)
PositionRow = namedtuple(
    "PositionRow", "id version outcome quantity bought_quantity cost_basis_usd avg_price realized_pnl_usd status"
)
_JSON = {
    OperatorRow: ("allowed_categories", "category_limits"),
    PlayerRow: ("allowed_categories", "blocked_categories", "blocked_markets"),
    MarketRow: ("untradeable_reasons",),
    PositionRow: (),
}
_JSON_PLACES = {kind: [kind._fields.index(name) for name in names] for kind, names in _JSON.items()}


def _of(alias: str, kind: Any) -> str:
    forms = {"version": "{0}.xmin::text"} | dict.fromkeys(_JSON[kind], "{0}.{1}::text")
    return ", ".join(forms.get(column, "{0}.{1}").format(alias, column) for column in kind._fields)


# $1 user, $2 market, $3 outcome, $4 operator, $5 and $6 the operator's and the market's ids as texts, $7 the counters'
# ids: reading five rows by key in one go costs a third of joining them.
_LOOK = f"""
SELECT {_of("operator", OperatorRow)}, {_of("player", PlayerRow)}, {_of("market", MarketRow)},
       {_of("held", PositionRow)},
       (SELECT string_agg(concat_ws(',', bucket.scope, bucket.scope_id, bucket.id, bucket.yes_usd, bucket.no_usd,
                                    bucket.alert_level, bucket.revision), ';')
        FROM risk_exposurebucket bucket WHERE bucket.id = ANY($7::bigint[])),
       (SELECT {exposure.BREAKERS_AS_JSON} FROM risk_circuitbreaker breaker
        WHERE breaker.is_enabled AND (
          (breaker.scope = 'market' AND breaker.scope_id = $6)
          OR (breaker.scope = 'category' AND breaker.scope_id = market.category)
          OR (breaker.scope = 'operator' AND breaker.scope_id = $5)
          OR (breaker.scope = 'global' AND breaker.scope_id = ''))),
       (SELECT max(number) FROM platform_configrevision)
FROM operators_operator operator
LEFT JOIN accounts_player player ON player.id = $1 AND player.operator_id = $4
LEFT JOIN trading_market market ON market.id = $2
LEFT JOIN trading_position held ON held.player_id = player.id AND held.market_id = $2 AND held.outcome = $3
WHERE operator.id = $4
"""  # noqa: S608 columns of our own

_CATEGORY = "SELECT category FROM trading_market WHERE id = $1"

_VOLUME_30D = """
SELECT coalesce(sum(cost_usd), 0) FROM trading_trade
WHERE player_id = $1 AND created_at >= $2 AND status <> 'cancelled'
"""
_LOSS_TODAY = """
SELECT coalesce(-sum(pnl), 0) FROM (
  SELECT pnl_usd AS pnl FROM trading_trade
  WHERE player_id = $1 AND side = 'sell' AND status <> 'cancelled' AND created_at >= $2
  UNION ALL
  SELECT trade.pnl_usd FROM trading_position position
  JOIN trading_trade trade ON trade.player_id = position.player_id AND trade.market_id = position.market_id
    AND trade.outcome = position.outcome AND trade.side = 'buy' AND trade.status = 'settled'
  WHERE position.player_id = $1 AND position.settled_at >= $2
) AS realised
"""

_ELSEWHERE = "PR002"


@dataclass(frozen=True, slots=True)
class Facts:
    """All a trade is decided on, as one statement saw it."""

    replayed: idempotency.Answer | None = None
    operator: OperatorRow | None = None
    player: PlayerRow | None = None
    market: MarketRow | None = None
    position: PositionRow | None = None
    bucket_rows: Sequence[tuple[Any, ...]] = ()
    breakers: str | None = None
    revision: int = 0


class Stale(Exception):
    """Decided on facts that have changed since: roll back and decide again."""


class Elsewhere(Exception):
    """The same call is being made elsewhere: wait for it."""


@contextmanager
def translated() -> Iterator[None]:
    """psycopg's own errors as Django's, a moved revision as Stale, a call made elsewhere as Elsewhere."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate == exposure.STALE:
            raise Stale from error
        if error.sqlstate == _ELSEWHERE:
            raise Elsewhere from error
        with connection.wrap_database_errors:
            raise


@dataclass(frozen=True, slots=True)
class Place:
    """The counters an operator's trades in a market move, and their ids: both stay what they are.

    ``bucket_ids`` is an array's literal of the ``known`` of them that exist.
    """

    keys: tuple[exposure.Key, ...]
    bucket_ids: str
    known: int


# Each market's and each counter's part of any place, so that a pair that never met before asks nothing.
_REMEMBERED = 50_000
_categories: dict[str, str] = {}
_bucket_ids: dict[exposure.Key, int] = {}


def _place(operator_id: str, market_id: str) -> Place:
    category = _categories.get(market_id) or category_of(market_id)
    if category is None:
        return Place((), "{}", 0)
    keys = exposure.keys_of(market_id=market_id, category=category, operator_id=operator_id)
    found = [_bucket_ids.get(key) for key in keys]
    if None in found or market_id not in _categories:
        found = _remembered(market_id, category, keys)
    return Place(keys, f"{{{','.join(map(str, found))}}}", len(found))


def _remembered(market_id: str, category: str, keys: tuple[exposure.Key, ...]) -> list[int]:
    """The ids of the counters that exist, read and remembered with the market's category."""
    with translated():
        scopes = ([key[0] for key in keys], [key[1] for key in keys])
        rows = psycopg.Cursor(connection.connection).execute(exposure.READ, scopes).fetchall()
    if len(_categories) + len(_bucket_ids) >= _REMEMBERED:
        _categories.clear()
        _bucket_ids.clear()
    _categories[market_id] = category
    _bucket_ids.update({(scope, scope_id): id_ for id_, scope, scope_id, *_ in rows})
    return [row[0] for row in rows]


def _forget(market_id: str, place: Place) -> None:
    _categories.pop(market_id, None)
    for key in place.keys:
        _bucket_ids.pop(key, None)


def look(*, operator_id: str, player_id: str, market_id: str, outcome: str) -> Facts:
    """One round trip that holds nothing. Raises Stale when the market's category or its counters are others by now."""
    connection.ensure_connection()
    place = _place(operator_id, market_id)
    with translated():
        row = run(_LOOK, _looked_at(operator_id, player_id, market_id, outcome, place)).fetchone()
    return _facts(row, operator_id, player_id, market_id, place)


def hold(
    *, call: idempotency.Call, operator_id: str, player_id: str, market_id: str, outcome: str, counters: bool
) -> Facts:
    """One round trip in a transaction: the replay, else gate, user and position held, then the look.

    The ``counters`` are held too when asked, before the look. Order and locks as the platform's one list has them; the
    market, the breakers and the configuration are read by the statement after the last lock. Raises Stale as ``look``,
    IdempotencyInProgress.
    """
    place = _place(operator_id, market_id)
    wanted = _looked_at(operator_id, player_id, market_id, outcome, place)
    player, market, _, operator = wanted[:4]
    with translated(), connection.connection.pipeline():
        waited = run("SELECT pg_advisory_xact_lock($1)", (call.lock_key,))
        known = run(_HOLD, (operator, call.kind, call.key, gate.lock_key(operator_id), player, market, outcome))
        if counters:
            scopes = ([key[0] for key in place.keys], [key[1] for key in place.keys])
            psycopg.Cursor(connection.connection).execute(exposure.LOCK, scopes, prepare=True)
        rows = run(_LOOK, wanted)
        try:
            waited.fetchone()
        except pg.LockNotAvailable as error:
            raise IdempotencyInProgress() from error
        replayed = idempotency.replay(call, known.fetchone())
        if replayed is not None:
            return Facts(replayed)
        row = rows.fetchone()
    return _facts(row, operator_id, player_id, market_id, place)


def _looked_at(operator_id: str, player_id: str, market_id: str, outcome: str, place: Place) -> tuple[Any, ...]:
    return (
        ids.decode("usr", player_id),
        ids.decode("mkt", market_id),
        outcome,
        ids.decode("op", operator_id),
        operator_id,
        market_id,
        place.bucket_ids,
    )


_SECOND = len(OperatorRow._fields)
_THIRD = _SECOND + len(PlayerRow._fields)
_FOURTH = _THIRD + len(MarketRow._fields)


def _facts(row: tuple[Any, ...] | None, operator_id: str, player_id: str, market_id: str, place: Place) -> Facts:
    if row is None:
        return Facts()
    market, position = _row(MarketRow, row[_THIRD:_FOURTH], market_id), row[_FOURTH:-3]
    bucket_rows = _buckets(row[-3], place)
    if bucket_rows is None or (market is not None and place.keys and market.category != place.keys[1][1]):
        _forget(market_id, place)
        raise Stale
    return Facts(
        operator=_row(OperatorRow, row[:_SECOND], operator_id),
        player=_row(PlayerRow, row[_SECOND:_THIRD], player_id),
        market=market,
        position=_row(PositionRow, position, ids.encode("pos", position[0])) if position[0] is not None else None,
        bucket_rows=bucket_rows,
        breakers=row[-2],
        revision=row[-1],
    )


def _row(kind: Any, row: tuple[Any, ...], id_: str) -> Any:
    if row[0] is None:
        return None
    values = [id_, *row[1:]]
    for place in _JSON_PLACES[kind]:
        if values[place] is not None:
            values[place] = orjson.loads(values[place])
    return kind._make(values)


def _buckets(text: str | None, place: Place) -> list[tuple[Any, ...]] | None:
    """The counters that exist, as rows of ``exposure.READ`` in its order; None when the ids are others' by now."""
    found = {}
    for line in text.split(";") if text else ():
        scope, scope_id, id_, yes, no, alert_level, revision = line.split(",")
        key = (scope, scope_id)
        found[key] = (int(id_), *key, Decimal(yes), Decimal(no), int(alert_level), int(revision))
    in_order = [found[key] for key in place.keys if key in found]
    return in_order if len(in_order) == len(found) == place.known else None


def category_of(market_id: str) -> str | None:
    """A market's category: which counters a trade in it moves."""
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
        return run(_LOSS_TODAY, (ids.decode("usr", player_id), since)).fetchone()[0]


def operator_limits(operator: OperatorRow) -> limits.OperatorLimits:
    return limits.OperatorLimits(operator.risk_tier, operator.exposure_limit_usd, operator.category_limits)
