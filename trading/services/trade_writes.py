"""What a trade writes: every row in one round trip, the counters and the market's last look at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection

from accounts.services import ledger
from operators import envelope
from operators.services import idempotency
from predictu import ids, money
from predictu.money import ZERO
from risk.services import exposure
from trading.orders import Decision, Executed
from trading.services.trade_facts import run, translated

_INSERT_TRADE = """
INSERT INTO trading_trade (id, operator_id, player_id, market_id, category, outcome, side, mid, price, quantity,
  cost_usd, fee_usd, spread_usd, spread_bps, share_pct, pnl_usd, status, device, transaction_id, idempotency_key,
  is_test, exposure_before, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'filled', %s, %s, %s, %s, %s, %s)
"""
_UPSERT_POSITION = """
INSERT INTO trading_position (id, player_id, operator_id, market_id, outcome, is_test, quantity, bought_quantity,
  cost_basis_usd, avg_price, realized_pnl_usd, status, opened_at, closed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (player_id, market_id, outcome) DO UPDATE SET
  quantity = excluded.quantity, bought_quantity = excluded.bought_quantity, cost_basis_usd = excluded.cost_basis_usd,
  avg_price = excluded.avg_price, realized_pnl_usd = excluded.realized_pnl_usd, status = excluded.status,
  closed_at = excluded.closed_at
"""
_UPDATE_PLAYER = """
UPDATE accounts_player SET trade_count = trade_count + 1, trade_rows = trade_rows + 1, volume_usd = volume_usd + %s,
  largest_trade_usd = greatest(largest_trade_usd, %s), realized_pnl_usd = realized_pnl_usd + %s,
  resolved_count = resolved_count + %s, winning_count = winning_count + %s, open_positions = open_positions + %s,
  exposure_usd = exposure_usd + %s, debt_usd = debt_usd - %s, limit_tier = %s, status = %s, last_active_at = %s,
  updated_at = %s
WHERE id = %s
"""
_INSERT_FACT = """
INSERT INTO trading_revenuefact (at, kind, operator_id, player_id, market_id, trade_id, category, share_pct, spread_usd,
  fee_usd, settlement_fee_usd, volume_usd, trade_count, rolled)
VALUES (%s, 'trade', %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, 1, false)
"""
_HOLD_MARKET = "SELECT 1 FROM risk_exposurebucket WHERE scope = 'market' AND scope_id = %s FOR NO KEY UPDATE"
_REQUIRE_MARKET = "SELECT trading_require_market(%s, %s, %s)"
_INSERT_REFERENCE = (
    "INSERT INTO operators_transactionreference (operator_id, transaction_id, object_id, created_at)"
    " VALUES (%s, %s, %s, %s)"
)
_INSERT_EVENT = (
    "INSERT INTO operators_callbackevent (id, operator_id, event, user_id, subject_id, body, test, created_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One write."""

    sql: str
    parameters: tuple[Any, ...]


def write(statements: Sequence[Statement]) -> None:
    """Send all of it at once. Raises Stale when the counters or the market are no longer as decided on."""
    with translated(), connection.connection.pipeline():
        for statement in statements:
            run(statement.sql, statement.parameters)


def statements(call: idempotency.Call, decision: Decision, answer: bytes, now: datetime) -> list[Statement]:
    """Everything ``decision`` writes, the counters last but for the look at the market."""
    done = decision.executed
    written = [
        Statement(idempotency.REMEMBER, call.remember_parameters(201, answer, now)),
        Statement(_UPSERT_POSITION, _position(decision, now)),
        Statement(_INSERT_TRADE, _trade(decision, call.key, now)),
        *(Statement(ledger.INSERT, ledger.parameters(done.player.id, posting, now)) for posting in decision.postings),
        Statement(_UPDATE_PLAYER, _player(decision, now)),
        Statement(_INSERT_EVENT, _event(done, now)),
    ]
    if done.order.transaction_id is not None:
        written.append(
            Statement(_INSERT_REFERENCE, (ids.decode("op", done.operator.id), done.order.transaction_id, done.id, now))
        )
    if decision.counters is not None:
        written.append(Statement(_INSERT_FACT, _fact(done, now)))
        written.append(Statement(exposure.BOOK, _booking(decision)))
    else:
        written.append(Statement(_HOLD_MARKET, (done.market.id,)))
    oldest = now - timedelta(seconds=settings.PREDICTU_PRICE_MAX_AGE_SECONDS)
    market = ids.decode("mkt", done.market.id)
    written.append(Statement(_REQUIRE_MARKET, (market, done.market.yes_mid, oldest)))
    return written


def _trade(decision: Decision, key: str, now: datetime) -> tuple[Any, ...]:
    done = decision.executed
    order, quote = done.order, done.quote
    before = decision.counters.before() if decision.counters else {}
    return (
        ids.decode("trd", done.id),
        ids.decode("op", done.operator.id),
        ids.decode("usr", done.player.id),
        ids.decode("mkt", done.market.id),
        done.market.category,
        order.outcome,
        order.side,
        quote.mid,
        quote.price,
        quote.quantity,
        quote.cost_usd,
        quote.fee_usd,
        quote.spread_usd,
        money.rounded(quote.spread_bps, 4),
        done.operator.predictu_share_pct,
        done.pnl_usd,
        order.device,
        order.transaction_id,
        key,
        done.player.is_test,
        orjson.dumps(before).decode(),
        now,
    )


def _position(decision: Decision, now: datetime) -> tuple[Any, ...]:
    done, after = decision.executed, decision.holding
    closed = after.quantity == 0
    return (
        ids.decode("pos", decision.position_id),
        ids.decode("usr", done.player.id),
        ids.decode("op", done.operator.id),
        ids.decode("mkt", done.market.id),
        done.order.outcome,
        done.player.is_test,
        after.quantity,
        after.bought_quantity,
        after.cost_basis_usd,
        decision.average_price,
        after.realized_pnl_usd,
        "closed" if closed else "open",
        now,
        now if closed else None,
    )


def _player(decision: Decision, now: datetime) -> tuple[Any, ...]:
    done = decision.executed
    sold, pnl = done.order.side == "sell", done.pnl_usd or ZERO
    return (
        done.quote.cost_usd,
        done.quote.cost_usd,
        pnl,
        int(sold),
        int(sold and pnl > 0),
        decision.positions_change,
        done.quote.quantity * (-1 if sold else 1),
        ledger.repaid_usd(decision.postings),
        decision.limit_tier,
        decision.status,
        now,
        now,
        ids.decode("usr", done.player.id),
    )


def _event(done: Executed, now: datetime) -> tuple[Any, ...]:
    order, quote = done.order, done.quote
    payload = {
        "trade_id": done.id,
        "user_id": done.player.id,
        "external_id": done.player.external_id,
        "market_id": done.market.id,
        "market_title": done.market.title,
        "outcome": order.outcome,
        "side": order.side,
        "price": quote.price,
        "quantity": quote.quantity,
        "cost_usd": quote.cost_usd,
        "fee_usd": quote.fee_usd,
        "balance_usd": done.balance_usd,
        "transaction_id": order.transaction_id,
    }
    test = done.player.is_test
    body = envelope.encode(event="TRADE_PLACED", operator_id=done.operator.id, at=now, test=test, payload=payload)
    operator = ids.decode("op", done.operator.id)
    return (ids.uuid7(now), operator, "TRADE_PLACED", done.player.id, done.id, body, test, now)


def _fact(done: Executed, now: datetime) -> tuple[Any, ...]:
    return (
        now,
        ids.decode("op", done.operator.id),
        ids.decode("usr", done.player.id),
        ids.decode("mkt", done.market.id),
        ids.decode("trd", done.id),
        done.market.category,
        done.operator.predictu_share_pct,
        done.quote.spread_usd,
        done.quote.fee_usd,
        done.quote.cost_usd,
    )


def _booking(decision: Decision) -> tuple[Any, ...]:
    done = decision.executed
    assert decision.counters is not None
    return exposure.book_parameters(
        decision.counters.buckets,
        decision.verdict.bands if decision.verdict.quiet else exposure.open_bands(decision.counters.buckets),
        outcome=done.order.outcome,
        change=done.quote.quantity * (1 if done.order.side == "buy" else -1),
        positions=decision.positions_change,
        volume_usd=done.quote.cost_usd,
    )
