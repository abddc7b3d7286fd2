"""Deciding a trade: who may, where, at what price, past which walls, with what money. Moves nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts import restrictions
from accounts.services import ledger
from operators.services import idempotency
from predictu import clock, ids
from predictu.errors import (
    BelowMinimum,
    CategoryNotAllowed,
    DebtOpen,
    FeatureDisabled,
    InsufficientBalance,
    MarketNotTradeable,
    NotFound,
    NothingToSell,
    OperatorInactive,
    PriceMoved,
    ValidationFailed,
)
from predictu.money import ZERO
from predictu.platform import config
from risk import walls
from risk.models import Scope
from risk.services import breakers, exposure
from trading import positions, pricing
from trading.orders import Decision, Executed, Order
from trading.services import markets, trade_facts
from trading.services.trade_facts import Facts, MarketRow, OperatorRow, PlayerRow, PositionRow


class Refused(Exception):
    """A wall or breaker says no; it leaves an event behind once the transaction is gone."""

    def __init__(self, intent: walls.TradeIntent, rejection: walls.Rejection) -> None:
        self.intent, self.rejection = intent, rejection
        super().__init__()


class BucketsMissing(Exception):
    """A counter this trade moves does not exist yet."""


class ResetDue(Exception):
    """A breaker in this trade's scope is due to be armed again."""

    def __init__(self, due: breakers.DueReset, limit: Decimal | None) -> None:
        self.due, self.limit = due, limit
        super().__init__()


@dataclass(frozen=True, slots=True)
class Desk:
    """The rows of one attempt, found to exist and to be allowed to trade."""

    operator: OperatorRow
    player: PlayerRow
    market: MarketRow
    holding: positions.Holding
    position: PositionRow | None
    counters: exposure.Counters | None
    configuration: config.Configuration
    now: datetime

    @property
    def is_open(self) -> bool:
        return self.position is not None and self.holding.quantity > 0


def decide(call: idempotency.Call, order: Order, facts: Facts, *, now: datetime) -> Decision:
    """The whole decision. Raises the refusals of ``trades.place``, Refused, ResetDue and what is missing."""
    desk = enter(order, facts, now=now)
    quote = price(order, desk)
    _check_terms(order, quote, desk)
    limit_tier = _promoted(desk)
    intent = intent_of(order, quote, desk)
    verdict = walls.assess(
        intent,
        per_trade_usd=per_trade_limit(desk.player, desk.operator, limit_tier, desk.configuration),
        minimum_usd=desk.operator.min_bet_usd,
        buckets=desk.counters.buckets if desk.counters else (),
    )
    if verdict.rejection is not None:
        raise Refused(intent, verdict.rejection)
    if order.side == "buy":
        _check_money(quote, desk)
    return _decision(call, order, quote, desk, verdict, limit_tier)


def enter(order: Order, facts: Facts, *, now: datetime) -> Desk:
    """Everything up to the price: operator, user, market. Raises what forbids the trade."""
    operator, player, market = facts.operator, facts.player, facts.market
    if operator is None:
        raise NotFound("No such operator")
    configuration = config.numbered(facts.revision)
    _check_operator(operator, configuration)
    if player is None:
        raise NotFound("No such user")
    if market is None or market.category is None:  # one we carry no category of is not known to operators
        raise NotFound("No such market")
    _check_standing(order, player, operator, market, now)
    reasons = markets.trade_reasons(market, side=order.side, now=now)
    if reasons:
        raise MarketNotTradeable(details={"reasons": reasons})
    if order.side == "buy" and market.category not in operator.allowed_categories:
        raise CategoryNotAllowed(details={"category": market.category, "allowed": operator.allowed_categories})
    if player.is_test and not any(row[1] == Scope.MARKET for row in facts.bucket_rows):
        raise BucketsMissing  # it moves none, but holds the market's, so that a resolution waits for it
    counters = None if player.is_test else _counters(facts, operator, market, configuration, now)
    return Desk(operator, player, market, _holding(facts.position), facts.position, counters, configuration, now)


def _check_operator(operator: OperatorRow, configuration: config.Configuration) -> None:
    if operator.suspended_at is not None or operator.stage not in ("testing", "live"):
        raise OperatorInactive(details={"status": "suspended" if operator.suspended_at else operator.stage})
    if not configuration["features.embed_enabled"]:
        raise FeatureDisabled("Registration and trading are switched off", details={"feature": "embed_enabled"})


def _check_standing(order: Order, player: PlayerRow, operator: OperatorRow, market: MarketRow, now: datetime) -> None:
    standing = restrictions.Standing(
        status=_awake(player),
        is_test=player.is_test,
        operator_is_live=operator.stage == "live",
        tier=player.tier,
        self_excluded_until=player.self_excluded_until,
        cooldown_until=player.cooldown_until,
        allowed_categories=player.allowed_categories,
        blocked_categories=player.blocked_categories,
        blocked_markets=player.blocked_markets,
    )
    reason = restrictions.trade_refusal(
        standing, side=order.side, category=market.category, market_id=market.id, now=now
    )
    if reason is not None:
        raise restrictions.refused(reason)
    if order.side == "buy" and player.debt_usd > 0:
        raise DebtOpen(details={"debt_usd": player.debt_usd})


def _awake(player: PlayerRow) -> str:
    """The status in force: a call of the user's ends the inactivity that only idleness brought."""
    if player.status == "inactive" and player.status_set_by == "system" and not player.is_test:
        return "active"
    return player.status


def _counters(
    facts: Facts, operator: OperatorRow, market: MarketRow, configuration: config.Configuration, now: datetime
) -> exposure.Counters:
    keys = exposure.keys_of(market_id=market.id, category=market.category, operator_id=operator.id)
    if len(facts.bucket_rows) < len(keys):
        raise BucketsMissing
    found = exposure.counters(
        facts.bucket_rows,
        facts.breakers,
        category=market.category,
        configuration=configuration,
        operator=trade_facts.operator_limits(operator),
        now=now,
    )
    for due in found.due_resets:
        raise ResetDue(due, next((b.limit_usd for b in found.buckets if b.scope == due.scope), None))
    return found


def price(order: Order, desk: Desk) -> pricing.Quote:
    """The order worked out at the market's mid. Raises ValidationFailed for a size that cannot be."""
    override, fee = desk.operator.spread_override_bps, desk.operator.custom_fees_bps
    settings = desk.configuration
    spread = pricing.spread_bps(
        base_bps=override if override is not None else settings["spread.base_spread_bps"],
        min_bps=settings["spread.min_spread_bps"],
        max_bps=settings["spread.max_spread_bps"],
        risk_multiplier=settings["spread.risk_multiplier"],
        utilisation=_utilisation(order, desk.counters),
        tier=desk.player.tier,
        discount_bps=_discount(desk),
    )
    try:
        return pricing.quote(
            side=order.side,
            mid=pricing.mid_of(order.outcome, desk.market.yes_mid),
            spread_bps=spread,
            fee_bps=fee if fee is not None else settings["fees.trading_fee_bps"],
            quantity=order.quantity,
            amount_usd=order.amount_usd,
            closes=order.side == "sell" and order.quantity == desk.holding.quantity,
        )
    except ValueError as error:
        name = "quantity" if order.amount_usd is None else "amount_usd"
        raise ValidationFailed(details={name: [str(error)]}) from None


def _utilisation(order: Order, counters: exposure.Counters | None) -> Decimal:
    if counters is None or not pricing.adds_to_heavier_side(
        side=order.side, outcome=order.outcome, yes_exposure=counters.yes_usd, no_exposure=counters.no_usd
    ):
        return ZERO
    market = counters.buckets[0]
    return pricing.market_utilisation(market.exposure_usd, market.limit_usd)


def _discount(desk: Desk) -> Decimal:
    """What 30 days of volume have earned; the sum is only asked for where the whole volume could reach it."""
    threshold = desk.configuration["spread.volume_discount_threshold_usd"]
    if not desk.configuration["spread.volume_discount_enabled"] or desk.player.volume_usd < threshold:
        return ZERO
    if trade_facts.volume_since(desk.player.id, desk.now - timedelta(days=30)) < threshold:
        return ZERO
    return desk.configuration["spread.volume_discount_bps"]


def _check_terms(order: Order, quote: pricing.Quote, desk: Desk) -> None:
    held = desk.holding.quantity
    if order.side == "sell" and quote.quantity > held:
        raise NothingToSell(details={"held": held, "asked": quote.quantity})
    if (order.max_price is not None and quote.price > order.max_price) or (
        order.min_price is not None and quote.price < order.min_price
    ):
        raise PriceMoved(details={"price": quote.price, "mid": quote.mid})
    closes = order.side == "sell" and quote.quantity == held
    if quote.cost_usd < desk.operator.min_bet_usd and not closes:
        raise BelowMinimum(details={"min_bet_usd": desk.operator.min_bet_usd, "cost_usd": quote.cost_usd})


def _check_money(quote: pricing.Quote, desk: Desk) -> None:
    operator, player = desk.operator, desk.player
    if operator.daily_loss_limit_enabled and operator.daily_loss_limit_usd is not None:
        lost = trade_facts.loss_since(player.id, clock.day_start(desk.now))
        if lost >= operator.daily_loss_limit_usd:
            raise restrictions.refused("daily_loss_limit")
    if player.balance_usd < quote.total_usd:
        raise InsufficientBalance(details={"balance_usd": player.balance_usd, "needed_usd": quote.total_usd})


def _promoted(desk: Desk) -> str:
    player, operator = desk.player, desk.operator
    return restrictions.limit_tier(
        limit_tier=player.limit_tier,
        set_by=player.limit_tier_set_by,
        created_at=player.created_at,
        trade_count=player.trade_count,
        enabled=operator.auto_promote_enabled,
        days=operator.auto_promote_days,
        trades=operator.auto_promote_trades,
        now=desk.now,
    )


def per_trade_limit(player: Any, operator: Any, limit_tier: str, configuration: config.Configuration) -> Decimal:
    """Wall 1 for this player now. Takes rows or models: it reads the same names of either."""
    return walls.per_trade_limit(
        platform_usd=configuration["risk.per_trade_max_usd"],
        default_usd=configuration["defaults.user_max_bet_usd"],
        operator_usd=operator.max_bet_usd,
        limit_tier_usd=getattr(operator, f"{limit_tier}_tier_limit"),
        tier_usd=configuration.values.get(f"tiers.{player.tier}_max_bet_usd"),
        restriction_usd=player.max_bet_usd,
    )


def intent_of(order: Order, quote: pricing.Quote, desk: Desk) -> walls.TradeIntent:
    """The trade as risk sees it."""
    return walls.TradeIntent(
        operator_id=desk.operator.id,
        player_id=desk.player.id,
        market_id=desk.market.id,
        category=desk.market.category,
        side=order.side,
        outcome=order.outcome,
        quantity=quote.quantity,
        price=quote.price,
        cost_usd=quote.cost_usd,
    )


def _holding(position: PositionRow | None) -> positions.Holding:
    if position is None:
        return positions.Holding()
    return positions.Holding(
        quantity=position.quantity,
        cost_basis_usd=position.cost_basis_usd,
        bought_quantity=position.bought_quantity,
        realized_pnl_usd=position.realized_pnl_usd,
    )


def _decision(
    call: idempotency.Call, order: Order, quote: pricing.Quote, desk: Desk, verdict: walls.Verdict, limit_tier: str
) -> Decision:
    trade_id = ids.new("trd", desk.now)
    pnl: Decimal | None = None
    if order.side == "buy":
        after = positions.bought(desk.holding, quote.quantity, quote.cost_usd)
    else:
        after, pnl = positions.sold(desk.holding, quote.quantity, quote.cost_usd)
    postings = _postings(call, order, quote, desk, trade_id)
    executed = Executed(
        id=trade_id,
        order=order,
        quote=quote,
        operator=desk.operator,
        player=desk.player,
        market=desk.market,
        pnl_usd=pnl,
        balance_usd=desk.player.balance_usd + sum((posting.amount_usd for posting in postings), ZERO),
        created_at=desk.now,
        idempotency_key=call.key,
    )
    average = positions.avg_price(after)
    return Decision(
        executed=executed,
        holding=after,
        position_id=desk.position.id if desk.position else ids.new("pos", desk.now),
        average_price=average if average is not None else desk.position.avg_price,  # type: ignore[union-attr]
        positions_change=int(after.quantity > 0) - int(desk.is_open),
        counters=desk.counters,
        verdict=verdict,
        postings=postings,
        limit_tier=limit_tier,
        status=_awake(desk.player),
    )


def _postings(
    call: idempotency.Call, order: Order, quote: pricing.Quote, desk: Desk, trade_id: str
) -> list[ledger.Posting]:
    actor = f"operator:{call.operator_id}"
    found = []
    if quote.cost_usd:  # a worthless rest sold for nothing moves no money
        found.append(_main_posting(call, order, quote, desk, trade_id, actor))
    if quote.fee_usd:
        fee = ledger.Posting(
            type="fee",
            amount_usd=-quote.fee_usd,
            reference_type="trade",
            reference_id=trade_id,
            key=ledger.own_key("fee", trade_id),
            actor=actor,
            description="Trading fee",
        )
        found.append(fee)
    return ledger.with_repayment(
        found, debt_usd=desk.player.debt_usd, balance_usd=desk.player.balance_usd, key=trade_id
    )


def _main_posting(
    call: idempotency.Call, order: Order, quote: pricing.Quote, desk: Desk, trade_id: str, actor: str
) -> ledger.Posting:
    buying = order.side == "buy"
    return ledger.Posting(
        type="trade_debit" if buying else "trade_credit",
        amount_usd=-quote.cost_usd if buying else quote.cost_usd,
        reference_type="trade",
        reference_id=trade_id,
        key=call.key,
        actor=actor,
        description=(
            f"{'Buy' if buying else 'Sell'} {quote.quantity.normalize():f} {order.outcome.upper()}"
            f" @ ${quote.price.normalize():f} - {desk.market.title}"
        ),
        metadata={
            "market_id": desk.market.id,
            "outcome": order.outcome,
            "side": order.side,
            "price": quote.price,
            "quantity": quote.quantity,
        },
    )
