"""Executing trades: read in one round trip, decide in plain functions, write in another.

The decision is taken on counters read without a lock and names the band of exposures in which it stays true. The write
confirms that band under the counters' locks; when something moved meanwhile the whole transaction is rolled back and
decided again, at the latest with the locks taken first. So no wall is passed by a cent, and the platform's one global
row is held for one statement, not for a decision.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction

from accounts.services import players
from operators.services import idempotency
from predictu import jobs
from predictu.errors import Busy, NotFound, PredictuError, RiskRejected
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
_REMEMBERED = 50_000

_categories: dict[str, str] = {}


class _NeedsLocks(Exception):
    """The trade crosses, trips or re-arms something: decide again with the counters held."""


def place(
    *, call: idempotency.Call, order: Order, render: Callable[[Executed], Any], now: datetime
) -> idempotency.Answer:
    """Execute ``order`` once for ``call``; the answer is ``render``'s, remembered in the trade's own transaction.

    Raises NotFound, OperatorInactive, FeatureDisabled, ValidationFailed, UserRestricted, DebtOpen, MarketNotTradeable,
    CategoryNotAllowed, BelowMinimum, NothingToSell, PriceMoved, InsufficientBalance, RiskRejected (after its risk event
    is written), Conflict for a used ``transaction_id``, IdempotencyConflict, IdempotencyInProgress, Busy. A refusal
    moves nothing.
    """
    locked = False
    for attempt in range(ATTEMPTS):
        try:
            return _attempt(call, order, render, now, locked=locked or attempt >= LOCK_FIRST_FROM)
        except Stale:
            _categories.pop(order.market_id, None)
        except _NeedsLocks:
            locked = True
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
    with transaction.atomic():
        category = _category(order.market_id)
        facts = trade_facts.look(
            operator_id=operator_id,
            player_id=order.player_id,
            market_id=order.market_id,
            category=category,
            outcome=order.outcome,
        )
        try:
            return decisions.price(order, decisions.enter(order, facts, category=category, now=now))
        except decisions.BucketsMissing:
            pass
    _make_buckets(operator_id, order.market_id, now)
    return quote(operator_id=operator_id, order=order, now=now)


def _attempt(
    call: idempotency.Call, order: Order, render: Callable[[Executed], Any], now: datetime, *, locked: bool
) -> idempotency.Answer:
    with transaction.atomic():
        category = _category(order.market_id)
        facts = trade_facts.read(
            call=call,
            operator_id=call.operator_id,
            player_id=order.player_id,
            market_id=order.market_id,
            category=category,
            outcome=order.outcome,
            locked=locked,
        )
        if facts.replayed is not None:
            return facts.replayed
        decision = decisions.decide(call, order, facts, category=category, now=now)
        if not locked and not decision.verdict.quiet:
            raise _NeedsLocks
        answer = orjson.dumps(render(decision.executed), default=float)
        trade_writes.write(call, decision, answer, now)
        _tell(decision, now)
        return idempotency.Answer(201, answer)


def _category(market_id: str) -> str:
    """The market's category, remembered: it is fixed at the first trade. Raises NotFound."""
    known = _categories.get(market_id)
    if known is None:
        known = trade_facts.category_of(market_id)
        if known is None:
            raise NotFound("No such market")
        if len(_categories) >= _REMEMBERED:
            _categories.clear()
        _categories[market_id] = known
    return known


def _make_buckets(operator_id: str, market_id: str, now: datetime) -> None:
    breakers.seed_for_operator(operator_id, now=now)
    exposure.ensure(exposure.keys_of(market_id=market_id, category=_category(market_id), operator_id=operator_id))


def _tell(decision: Decision, now: datetime) -> None:
    """What a trade leaves besides its own rows: crossings and trips under the held counters, a line in the feed."""
    verdict, done = decision.verdict, decision.executed
    change = done.quote.quantity * (1 if done.order.side == "buy" else -1)
    events.crossed(verdict.crossings, now=now)
    for bucket in verdict.falls:
        events.fell_back(bucket, walls.alert_level_after(bucket, bucket.exposure_usd + change), now=now)
    breakers.free(verdict.frees, now=now)
    breakers.trip(verdict.trips, now=now)
    if not done.player.is_test and done.quote.cost_usd >= settings.PREDICTU_LARGE_TRADE_USD:
        _tell_large(done, now)
    jobs.ring(done.operator.id)


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
