"""What each type of export holds: the API's field names, a row per record, test rows included and marked. Pure.

Column order and types are stable; a new column is added at the end. Columns of personal data are not there, rather than
blank, in an export without them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from predictu import ids
from reports.exports.sql import instant, literal, type_id
from risk import walls


class Kind(StrEnum):
    """A column's type, as the manifest names it."""

    TEXT = "text"
    INTEGER = "integer"
    MONEY = "decimal(18,2)"
    PRICE = "decimal(8,4)"
    QUANTITY = "decimal(20,4)"
    PERCENT = "decimal(8,1)"
    INSTANT = "timestamp(us, UTC)"
    BOOLEAN = "boolean"
    JSON = "json"


@dataclass(frozen=True)
class Field:
    """A column: its name, what it is in SQL, and whether it is personal data."""

    name: str
    sql: str
    kind: Kind = Kind.TEXT
    personal: bool = False


@dataclass(frozen=True)
class Scope:
    """Which records: [start, end), of one operator or of all."""

    start: datetime
    end: datetime
    operator_id: str | None = None

    def period(self, column: str) -> str:
        return f"{column} >= '{self.start.isoformat()}' AND {column} < '{self.end.isoformat()}'"

    def operator(self, column: str) -> str:
        """`` AND column = …``, or nothing."""
        if self.operator_id is None:
            return ""
        return f" AND {column} = '{ids.decode('op', self.operator_id)}'::uuid"


@dataclass(frozen=True)
class Dump:
    """One type: ``records`` selects its rows (``r``; ``raw`` is their id's bytes), ``joins`` what belongs to them."""

    type: str
    fields: tuple[Field, ...]
    records: Callable[[Scope], str]
    joins: str
    csv_bytes: int  # a row of csv without personal data, roughly: only the estimate rests on it

    def columns(self, *, personal: bool) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if personal or not field.personal)

    def select(self, scope: Scope, *, personal: bool, typed: bool) -> str:
        """The rows, as text a csv shows; ``typed`` leaves JSON and booleans what they are."""
        shown = ", ".join(f"{_shown(each, typed)} AS {each.name}" for each in self.columns(personal=personal))
        return f"WITH {_named(scope)} SELECT {shown} FROM ({self.records(scope)} OFFSET 0) r {self.joins}"  # noqa: S608


def _shown(field: Field, typed: bool) -> str:
    if field.kind is Kind.INSTANT:
        return instant(field.sql)
    if field.kind in (Kind.BOOLEAN, Kind.JSON) and not typed:
        return f"({field.sql})::text"
    return field.sql


def _named(scope: Scope) -> str:
    """What many rows refer to, its TypeIDs written once: operators, players (of the operator asked for), markets."""
    return f"""
o AS MATERIALIZED (SELECT id, slug, name FROM operators_operator),
p AS MATERIALIZED (
  SELECT id, {type_id("usr", "raw")} AS tid, username, operator_id, is_test
  FROM (SELECT id, uuid_send(id) AS raw, username, operator_id, is_test FROM accounts_player
        WHERE true{scope.operator("operator_id")} OFFSET 0) s),
m AS MATERIALIZED (
  SELECT id, {type_id("mkt", "raw")} AS tid, title, yes_mid
  FROM (SELECT id, uuid_send(id) AS raw, title, yes_mid FROM trading_market OFFSET 0) s)
"""  # noqa: S608


def _plain(*names: str, kind: Kind = Kind.TEXT) -> tuple[Field, ...]:
    return tuple(Field(name, f"r.{name}", kind) for name in names)


def _id(prefix: str) -> Field:
    return Field("id", type_id(prefix, "r.raw"))


_USER, _MARKET, _TITLE = Field("user_id", "p.tid"), Field("market_id", "m.tid"), Field("market_title", "m.title")
_SLUG, _NAME = Field("operator_slug", "o.slug"), Field("operator_name", "o.name")
_TEST = Field("is_test", "r.is_test", Kind.BOOLEAN)
_CREATED = Field("created_at", "r.created_at", Kind.INSTANT)
_OWNED = "JOIN o ON o.id = r.operator_id JOIN p ON p.id = r.player_id JOIN m ON m.id = r.market_id"


def _of(table: str, dated: str, *, by_operator: bool = True) -> Callable[[Scope], str]:
    def records(scope: Scope) -> str:
        narrowed = scope.operator("operator_id") if by_operator else ""
        return f"SELECT *, uuid_send(id) AS raw FROM {table} WHERE {scope.period(dated)}{narrowed}"  # noqa: S608

    return records


TRADES = Dump(
    type="trades",
    fields=(
        _id("trd"),
        _USER,
        Field("user_name", "p.username", personal=True),
        _SLUG,
        _NAME,
        _MARKET,
        _TITLE,
        *_plain("category", "outcome", "side"),
        *_plain("price", kind=Kind.PRICE),
        *_plain("quantity", kind=Kind.QUANTITY),
        *_plain("cost_usd", "fee_usd", "spread_usd", "pnl_usd", kind=Kind.MONEY),
        *_plain("status"),
        Field("s2s_transaction_id", "r.transaction_id"),
        *_plain("idempotency_key"),
        Field("device", "nullif(r.device, '')"),
        _TEST,
        _CREATED,
    ),
    records=_of("trading_trade", "created_at"),
    joins=_OWNED,
    csv_bytes=360,
)

USERS = Dump(
    type="users",
    fields=(
        _id("usr"),
        Field("external_id", "r.external_id", personal=True),
        Field("username", "r.username", personal=True),
        Field("email", "r.email", personal=True),
        _SLUG,
        _NAME,
        *_plain("tier", "status"),
        *_plain("balance_usd", kind=Kind.MONEY),
        *_plain("trade_count", kind=Kind.INTEGER),
        *_plain("volume_usd", kind=Kind.MONEY),
        Field("pnl_usd", "r.realized_pnl_usd", Kind.MONEY),
        Field("win_rate", "round(r.winning_count::numeric / nullif(r.resolved_count, 0), 4)", Kind.PRICE),
        *_plain("score", "open_positions", kind=Kind.INTEGER),
        Field("channel", "nullif(r.channel, '')"),
        *_plain("limit_tier"),
        _TEST,
        Field("last_active_at", "r.last_active_at", Kind.INSTANT),
        _CREATED,
    ),
    records=_of("accounts_player", "created_at"),
    joins="JOIN o ON o.id = r.operator_id",
    csv_bytes=190,
)

_MID = "CASE WHEN r.outcome = 'yes' THEN m.yes_mid ELSE 1 - m.yes_mid END"
_PRICE = f"CASE WHEN r.status = 'settled' THEN r.payout_price ELSE {_MID} END"
_VALUE = f"coalesce(r.quantity * {_MID}, 0)"

POSITIONS = Dump(
    type="positions",
    fields=(
        _id("pos"),
        _USER,
        _SLUG,
        _MARKET,
        _TITLE,
        *_plain("outcome"),
        *_plain("quantity", kind=Kind.QUANTITY),
        *_plain("avg_price", kind=Kind.PRICE),
        *_plain("cost_basis_usd", kind=Kind.MONEY),
        Field("current_price", _PRICE, Kind.PRICE),
        Field("market_value_usd", f"CASE WHEN r.status = 'open' THEN round({_VALUE}, 2) ELSE 0.00 END", Kind.MONEY),
        Field(
            "unrealized_pnl_usd",
            f"CASE WHEN r.status = 'open' THEN round({_VALUE} - r.cost_basis_usd, 2) ELSE 0.00 END",
            Kind.MONEY,
        ),
        *_plain("realized_pnl_usd", kind=Kind.MONEY),
        *_plain("status"),
        _TEST,
        *_plain("opened_at", "closed_at", "settled_at", kind=Kind.INSTANT),
    ),
    records=_of("trading_position", "opened_at"),
    joins=_OWNED,
    csv_bytes=310,
)

LEDGER = Dump(
    type="ledger",
    fields=(
        _id("ldg"),
        _USER,
        _SLUG,
        *_plain("type"),
        *_plain("amount_usd", "balance_before_usd", "balance_after_usd", kind=Kind.MONEY),
        *_plain("reference_type", "reference_id", "description"),
        *_plain("metadata", kind=Kind.JSON),
        *_plain("idempotency_key"),
        Field("is_test", "p.is_test", Kind.BOOLEAN),
        _CREATED,
    ),
    records=_of("accounts_ledgerentry", "created_at", by_operator=False),
    joins="JOIN p ON p.id = r.player_id JOIN o ON o.id = p.operator_id",
    csv_bytes=380,
)


def _settlements(scope: Scope) -> str:
    dated = "coalesce(s.settled_at, s.resolved_at)"
    if scope.operator_id is None:
        columns = "s.*, uuid_send(s.id) AS raw, NULL::uuid AS operator_id"
        return f"SELECT {columns} FROM trading_settlement s WHERE {scope.period(dated)}"  # noqa: S608
    # With an operator its own part of each: its figures, not what other operators' users won.
    return f"""
SELECT s.id, uuid_send(s.id) AS raw, s.market_id, s.resolution, s.resolution_source, s.status, s.version,
  s.processing_time_ms, s.resolved_at, s.settled_at, part.operator_id, part.positions AS positions_total,
  part.positions AS positions_settled, part.winners, part.losers, part.payout_usd AS total_payout_usd,
  part.loss_usd AS total_loss_usd, part.loss_usd - part.payout_usd AS net_pnl_usd,
  CASE WHEN part.refund_usd = 0 THEN part.basis_usd - part.payout_usd ELSE 0.00 END AS house_pnl_usd, part.refund_usd
FROM trading_settlement s JOIN trading_settlementpart part ON part.settlement_id = s.id
WHERE {scope.period(dated)}{scope.operator("part.operator_id")}"""  # noqa: S608


SETTLEMENTS = Dump(
    type="settlements",
    fields=(
        _id("stl"),
        _SLUG,
        _MARKET,
        _TITLE,
        *_plain("resolution", "resolution_source", "status"),
        *_plain("version", "positions_total", "positions_settled", "winners", "losers", kind=Kind.INTEGER),
        *_plain("total_payout_usd", "total_loss_usd", "net_pnl_usd", "house_pnl_usd", "refund_usd", kind=Kind.MONEY),
        *_plain("processing_time_ms", kind=Kind.INTEGER),
        Field("is_test", "false", Kind.BOOLEAN),
        *_plain("resolved_at", "settled_at", kind=Kind.INSTANT),
    ),
    records=_settlements,
    joins="JOIN m ON m.id = r.market_id LEFT JOIN o ON o.id = r.operator_id",
    csv_bytes=260,
)

_WALL_NAMES = " ".join(f"WHEN {number} THEN {literal(name)}" for number, name in walls.WALL_NAMES.items())

RISK_EVENTS = Dump(
    type="risk_events",
    fields=(
        _id("evt"),
        *_plain("type", "severity"),
        *_plain("wall", kind=Kind.INTEGER),
        Field("wall_name", f"CASE r.wall {_WALL_NAMES} END"),
        # Stored with ids in braces, which the API fills with names: raw data keeps the ids.
        Field("message", r"regexp_replace(r.message, '\{((usr|op|mkt)_[0-9a-z]{26})\}', '\1', 'g')"),
        *_plain("scope", kind=Kind.JSON),
        *_plain("value", "threshold", kind=Kind.MONEY),
        *_plain("utilization_pct", kind=Kind.PERCENT),
        _SLUG,
        _USER,
        Field("market_id", "nullif(r.market_id, '')"),
        *_plain("auto_resolved", kind=Kind.BOOLEAN),
        Field("is_test", "coalesce(p.is_test, false)", Kind.BOOLEAN),
        Field("resolved_at", "r.resolved_at", Kind.INSTANT),
        _CREATED,
    ),
    records=_of("risk_riskevent", "created_at"),
    joins="LEFT JOIN o ON o.id = r.operator_id LEFT JOIN p ON p.id = r.player_id",
    csv_bytes=320,
)

DUMPS = {dump.type: dump for dump in (USERS, TRADES, POSITIONS, LEDGER, SETTLEMENTS, RISK_EVENTS)}
