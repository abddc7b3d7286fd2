"""Executing trades: read in one round trip, decide in plain functions, write in another.

The decision is taken on one look that holds nothing; it names the versions of the rows it read and the band of
exposures in which it stays true. The write takes every lock, confirms both and commits, in one call; when something
moved meanwhile nothing is written and the trade is decided again, at the latest with the locks taken first. So no wall
is passed by a cent, and the platform's one global row is held for one statement, not for a decision.

Only the plain case goes that way. Whatever refuses a trade, or makes it tell more than itself, is decided with the
user held, in a transaction.
"""

import time
from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from typing import Any

import orjson
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction

from accounts.services import players
from operators.services import idempotency
from predictu import jobs
from predictu.errors import Busy, PredictuError, RiskRejected
from predictu.money import CENT
from predictu.platform import activity
from risk import walls
from risk.services import breakers, events, exposure
from trading import pricing
from trading.orders import Decision, Executed, Order
from trading.services import decisions, trade_facts, trade_writes
from trading.services.trade_facts import Stale

KIND = "trade"
ATTEMPTS = 12
LOCK_FIRST_FROM = 3
_DEADLOCK, _SERIALIZATION = "40P01", "40001"


class _Hold(IntEnum):
    """What an attempt holds while it decides."""

    NOTHING = 0
    USER = 1
    COUNTERS = 2


class _Needs(Exception):
    """Decide again, holding more."""

    def __init__(self, hold: _Hold) -> None:
        self.hold = hold
        super().__init__()


def place(
    *, call: idempotency.Call, order: Order, render: Callable[[Executed], Any], now: datetime
) -> idempotency.Answer:
    """Execute ``order`` once for ``call``; the answer is ``render``'s, remembered in the trade's own transaction.

    Raises NotFound, OperatorInactive, FeatureDisabled, ValidationFailed, UserRestricted, DebtOpen, MarketNotTradeable,
    CategoryNotAllowed, BelowMinimum, NothingToSell, PriceMoved, InsufficientBalance, RiskRejected (after its risk event
    is written), Conflict for a used ``transaction_id``, IdempotencyConflict, IdempotencyInProgress, Busy. A refusal
    moves nothing.
    """
    holding = _Hold.USER if connection.in_atomic_block else _Hold.NOTHING
    for attempt in range(ATTEMPTS):
        if attempt >= LOCK_FIRST_FROM:
            holding = _Hold.COUNTERS
        try:
            if holding is _Hold.NOTHING:
                return _plain(call, order, render, now)
            return _held(call, order, render, now, counters=holding is _Hold.COUNTERS)
        except Stale:
            continue
        except _Needs as more:
            holding = more.hold
        except decisions.BucketsMissing:
            _make_buckets(call.operator_id, order.market_id, now)
        except decisions.ResetDue as reset:
            breakers.auto_reset(reset.due, limit=reset.limit, now=now)
        except decisions.Refused as refusal:
            raise _rejected(refusal.intent, refusal.rejection, now) from None
        except IntegrityError as error:
            if "transaction_reference_unique" in str(error):
                raise players.transaction_id_taken() from None
            raise
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in (_DEADLOCK, _SERIALIZATION):
                raise
            time.sleep(0.01 * (attempt + 1))
    raise Busy()


def quote(*, operator_id: str, order: Order, now: datetime) -> pricing.Quote:
    """What ``order`` would cost or bring now; holds and moves nothing. Raises what forbids the trade itself."""
    try:
        facts = trade_facts.look(
            operator_id=operator_id, player_id=order.player_id, market_id=order.market_id, outcome=order.outcome
        )
        return decisions.price(order, decisions.enter(order, facts, now=now))
    except Stale:
        pass  # only what was remembered of the market's counters: it is forgotten now
    except decisions.BucketsMissing:
        _make_buckets(operator_id, order.market_id, now)
    return quote(operator_id=operator_id, order=order, now=now)


def _plain(
    call: idempotency.Call, order: Order, render: Callable[[Executed], Any], now: datetime
) -> idempotency.Answer:
    """The whole trade in two round trips, holding nothing between them. Raises _Needs for all but the plain case."""
    facts = trade_facts.look(
        operator_id=call.operator_id,
        player_id=order.player_id,
        market_id=order.market_id,
        outcome=order.outcome,
    )
    try:
        decision = decisions.decide(call, order, facts, now=now)
    except (PredictuError, decisions.Refused) as refusal:
        # It may be the same call's own first attempt that moved what refuses it.
        raise _Needs(_Hold.USER) from refusal
    if not decision.verdict.quiet:
        raise _Needs(_Hold.COUNTERS)
    if _is_large(decision.executed):
        raise _Needs(_Hold.USER)
    answer = orjson.dumps(render(decision.executed), default=float)
    try:
        remembered = trade_writes.write(call, facts, decision, answer, now)
    except trade_facts.Elsewhere:
        raise _Needs(_Hold.USER) from None
    if remembered is not None:
        return remembered
    jobs.ring(call.operator_id)
    return idempotency.Answer(201, answer)


def _held(
    call: idempotency.Call, order: Order, render: Callable[[Executed], Any], now: datetime, *, counters: bool
) -> idempotency.Answer:
    """One transaction that holds the user, and the ``counters`` too when asked, while it decides."""
    with transaction.atomic():
        facts = trade_facts.hold(
            call=call,
            operator_id=call.operator_id,
            player_id=order.player_id,
            market_id=order.market_id,
            outcome=order.outcome,
            counters=counters,
        )
        if facts.replayed is not None:
            return facts.replayed
        decision = decisions.decide(call, order, facts, now=now)
        if not counters and not decision.verdict.quiet:
            raise _Needs(_Hold.COUNTERS)
        answer = orjson.dumps(render(decision.executed), default=float)
        trade_writes.write(call, facts, decision, answer, now)
        _tell(decision, now)
        return idempotency.Answer(201, answer)


def _make_buckets(operator_id: str, market_id: str, now: datetime) -> None:
    category = trade_facts.category_of(market_id)
    assert category is not None, "a market without a category is not decided on"
    breakers.seed_for_operator(operator_id, now=now)
    exposure.ensure(exposure.keys_of(market_id=market_id, category=category, operator_id=operator_id))


def _tell(decision: Decision, now: datetime) -> None:
    """What a trade leaves besides its own rows: crossings and trips under the held counters, a line in the feed."""
    verdict, done = decision.verdict, decision.executed
    change = done.quote.quantity * (1 if done.order.side == "buy" else -1)
    events.crossed(verdict.crossings, now=now)
    for bucket in verdict.falls:
        events.fell_back(bucket, walls.alert_level_after(bucket, bucket.exposure_usd + change), now=now)
    breakers.free(verdict.frees, now=now)
    breakers.trip(verdict.trips, now=now)
    if _is_large(done):
        _tell_large(done, now)
    jobs.ring(done.operator.id)


def _is_large(done: Executed) -> bool:
    """Whether the activity feed tells of the trade."""
    return not done.player.is_test and done.quote.cost_usd >= settings.PREDICTU_LARGE_TRADE_USD


def _tell_large(done: Executed, now: datetime) -> None:
    quantity, price = done.quote.quantity.normalize(), done.quote.price.normalize()
    verb = "bought" if done.order.side == "buy" else "sold"
    activity.record(
        type="trade",
        title="Large trade executed",
        description=(
            f"{{{done.player.id}}} {verb} {quantity:f} {done.order.outcome.upper()} @ ${price:f}"
            f" on '{done.market.title}' (${done.quote.cost_usd:,.2f})"
        ),
        operator_id=done.operator.id,
        user_id=done.player.id,
        market_id=done.market.id,
        metadata={
            "trade_id": done.id,
            "amount_usd": done.quote.cost_usd,
            "side": done.order.side,
            "outcome": done.order.outcome,
        },
        now=now,
    )


def _rejected(intent: walls.TradeIntent, rejection: walls.Rejection, now: datetime) -> PredictuError:
    """The error for a wall or breaker; a wall's event is written in a transaction of its own."""
    if rejection.circuit_breaker is not None:
        return RiskRejected(
            "A circuit breaker has stopped trading here", details={"circuit_breaker": rejection.circuit_breaker}
        )
    assert rejection.wall is not None
    events.wall_violation(intent, rejection, now=now)
    return RiskRejected(
        details={
            "wall": rejection.wall,
            "wall_name": walls.WALL_NAMES[rejection.wall],
            "limit_usd": rejection.limit_usd.quantize(CENT),
            "value_usd": rejection.value_usd.quantize(CENT),
            "max_allowed_usd": rejection.max_allowed_usd,
        }
    )
