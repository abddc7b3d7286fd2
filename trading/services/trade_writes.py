"""What a trade writes: every lock, every row, the counters and the market's last look in one call."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.conf import settings

from accounts.services import ledger
from operators import envelope
from operators.services import gate, idempotency
from predictu import ids, money
from predictu.money import ZERO
from predictu.prepared import run
from risk.services import exposure
from trading.orders import Decision, Executed
from trading.services.trade_facts import Facts, translated

_PARAMETERS = 56
_WRITE = f"SELECT * FROM trading_execute({', '.join(f'${n}' for n in range(1, _PARAMETERS + 1))})"  # noqa: S608


def write(
    call: idempotency.Call, facts: Facts, decision: Decision, answer: bytes, now: datetime
) -> idempotency.Answer | None:
    """Write ``decision``; outside a transaction it is one of its own.

    The answer is what the same call was answered meanwhile: then nothing is written. Raises Stale when anything decided
    on has changed, Elsewhere while the same call is being made elsewhere.
    """
    with translated():
        return idempotency.replay(call, run(_WRITE, _parameters(call, facts, decision, answer, now)).fetchone())


def _parameters(
    call: idempotency.Call, facts: Facts, decision: Decision, answer: bytes, now: datetime
) -> tuple[Any, ...]:
    """In the order of the function's own parameters."""
    done = decision.executed
    oldest = now - timedelta(seconds=settings.PREDICTU_PRICE_MAX_AGE_SECONDS)
    return (
        call.lock_key,
        gate.lock_key(call.operator_id),
        done.operator.version,
        done.player.version,
        facts.position.version if facts.position else None,
        *_trade(decision, now),
        call.kind,
        call.key,
        call.fingerprint,
        answer.decode(),
        *_position(decision),
        _entries(decision, now),
        *_player(decision),
        *_event(done, now),
        *_booking(decision),
        done.market.yes_mid,
        oldest,
    )


def _trade(decision: Decision, now: datetime) -> tuple[Any, ...]:
    done = decision.executed
    order, quote = done.order, done.quote
    before = decision.counters.before() if decision.counters else {}
    return (
        now,
        ids.decode("op", done.operator.id),
        ids.decode("usr", done.player.id),
        ids.decode("mkt", done.market.id),
        ids.decode("trd", done.id),
        ids.decode("pos", decision.position_id),
        done.player.is_test,
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
        orjson.dumps(before).decode(),
    )


def _position(decision: Decision) -> tuple[Any, ...]:
    after = decision.holding
    return (
        after.quantity,
        after.bought_quantity,
        after.cost_basis_usd,
        decision.average_price,
        after.realized_pnl_usd,
    )


def _entries(decision: Decision, now: datetime) -> str:
    entries = [
        {
            "id": str(ids.uuid7(now)),
            "type": posting.type,
            "amount": str(posting.amount_usd),
            "reference_type": posting.reference_type,
            "reference_id": posting.reference_id,
            "description": posting.description,
            "metadata": posting.metadata,
            "key": posting.key,
            "actor": posting.actor,
        }
        for posting in decision.postings
    ]
    return orjson.dumps(entries, default=float).decode()


def _player(decision: Decision) -> tuple[Any, ...]:
    done = decision.executed
    sold, pnl = done.order.side == "sell", done.pnl_usd or ZERO
    return (
        int(sold),
        int(sold and pnl > 0),
        decision.positions_change,
        _change(done),
        ledger.repaid_usd(decision.postings),
        decision.limit_tier,
        decision.status,
    )


def _change(done: Executed) -> Any:
    """What the trade adds to exposure."""
    return done.quote.quantity if done.order.side == "buy" else -done.quote.quantity


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
    return (ids.uuid7(now), done.player.id, done.id, body)


def _booking(decision: Decision) -> tuple[Any, ...]:
    """The counters with their bands; none for a test user's trade, which moves none."""
    if decision.counters is None:
        return (None, None, None, None, ZERO, ZERO)
    buckets, change = decision.counters.buckets, _change(decision.executed)
    bands = decision.verdict.bands if decision.verdict.quiet else exposure.open_bands(buckets)
    on_yes = decision.executed.order.outcome == "yes"
    return (
        _array(bucket.id for bucket in buckets),
        _array(bucket.revision for bucket in buckets),
        _array(band.least for band in bands),
        _array(band.most for band in bands),
        change if on_yes else ZERO,
        ZERO if on_yes else change,
    )


def _array(numbers: Iterable[int | Decimal]) -> str:
    """Numbers as an array's literal, which costs a tenth of what adapting a list does."""
    return f"{{{','.join(map(str, numbers))}}}"
