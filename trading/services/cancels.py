"""Cancelling a trade: by staff, with a reason, for palpable errors. Everything it did is undone by new rows."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import F
from psycopg import errors as pg

from accounts.models import AdminUser, LedgerEntry, Player
from accounts.services import ledger
from operators.models import CallbackEvent
from operators.services import callbacks
from predictu import ids
from predictu.errors import Conflict, NotFound
from predictu.money import ZERO
from predictu.platform import activity, audit
from risk.models import Scope
from risk.services import breakers, exposure
from trading import positions
from trading.models import Market, Position, RevenueFact, Side, Trade
from trading.positions import Holding


@transaction.atomic
def cancel(*, trade_id: str, reason: str, actor: AdminUser, now: datetime) -> Trade:
    """Undo a trade. Raises NotFound; Conflict when it is cancelled, its market is over, that outcome was sold since, or
    the balance does not cover a sell's proceeds. Then nothing has moved.
    """
    known = Trade.objects.filter(pk=trade_id).first()
    if known is None:
        raise NotFound("No such trade")
    player = Player.objects.select_for_update(no_key=True).get(pk=known.player_id)
    position = Position.objects.select_for_update(no_key=True).get(
        player_id=known.player_id, market_id=known.market_id, outcome=known.outcome
    )
    trade = _held(trade_id)
    market = Market.objects.get(pk=trade.market_id)
    _check(trade, market)
    after = _undone(trade, position)
    postings = _postings(trade, player, reason, actor)
    net = sum((posting.amount_usd for posting in postings), ZERO)
    if player.balance_usd + net < 0:
        raise Conflict("The user's balance does not cover what the sale brought")
    before = player.balance_usd
    ledger.post(player=player, postings=postings, now=now)
    positions_change = _write_position(trade, position, after, now)
    _write_player(trade, player, positions_change, ledger.repaid_usd(postings), now)
    pnl = trade.pnl_usd
    trade.status, trade.cancelled_at, trade.pnl_usd = Trade.Status.CANCELLED, now, None
    trade.save(update_fields=["status", "cancelled_at", "pnl_usd"])
    _tell(trade, player, market, reason, actor, before, pnl, now)
    if not trade.is_test:
        _take_back(trade, positions_change, now)
    _still_open(market)
    return trade


def _held(trade_id: str) -> Trade:
    """A settlement takes its trades before users and positions: who holds those does not wait for a trade."""
    try:
        return Trade.objects.select_for_update(no_key=True, nowait=True).select_related(None).get(pk=trade_id)
    except OperationalError as error:
        if not isinstance(error.__cause__, pg.LockNotAvailable):
            raise
        raise Conflict("The trade is being settled or cancelled") from None


def _still_open(market: Market) -> None:
    """Under the market's bucket, so that a resolution comes before all of this or after it."""
    breakers.hold_bucket(Scope.MARKET, market.id)
    if Market.objects.get(pk=market.pk).is_over:
        raise Conflict("The market has just been resolved")


def _check(trade: Trade, market: Market) -> None:
    if trade.status != Trade.Status.FILLED:
        raise Conflict(f"The trade is {trade.status}")
    if market.is_over:
        raise Conflict(f"The market is {market.status}")
    later = Trade.objects.filter(
        player_id=trade.player_id, market_id=trade.market_id, outcome=trade.outcome, side=Side.SELL
    ).exclude(status=Trade.Status.CANCELLED)
    if later.filter(created_at__gte=trade.created_at).exclude(pk=trade.pk).exists():
        raise Conflict("The user has sold this outcome since")


def _undone(trade: Trade, position: Position) -> Holding:
    holding = Holding(position.quantity, position.cost_basis_usd, position.bought_quantity, position.realized_pnl_usd)
    try:
        if trade.side == Side.BUY:
            return positions.buy_cancelled(holding, trade.quantity, trade.cost_usd)
        return positions.sell_cancelled(holding, trade.quantity, trade.cost_usd, trade.pnl_usd or ZERO)
    except ValueError as error:
        raise Conflict(str(error)) from None


def _postings(trade: Trade, player: Player, reason: str, actor: AdminUser) -> list[ledger.Posting]:
    """The cost back (or the proceeds taken), and the fee back; a credit first repays a debt."""
    sign = 1 if trade.side == Side.BUY else -1
    amounts = {"cost": sign * trade.cost_usd, "fee": trade.fee_usd}
    found = [
        ledger.Posting(
            type=LedgerEntry.Type.ADJUSTMENT,
            amount_usd=amount,
            reference_type=LedgerEntry.Reference.TRADE,
            reference_id=trade.id,
            key=ledger.own_key("cancel", name, trade.id),
            actor=f"admin:{actor.id}",
            description=f"Cancelled trade: {name} ({reason})",
            metadata={"cause": "trade_cancelled", "part": name},
        )
        for name, amount in amounts.items()
        if amount
    ]
    if trade.side == Side.SELL:
        found.reverse()  # the fee back first: it helps to cover the proceeds
    return ledger.with_repayment(
        found, debt_usd=player.debt_usd, balance_usd=player.balance_usd, key=f"cancel:{trade.id}"
    )


def _write_position(trade: Trade, position: Position, after: Holding, now: datetime) -> int:
    """Whether the position is held after and was before, as the change of the count of open ones."""
    was_open = position.quantity > 0
    position.quantity, position.cost_basis_usd = after.quantity, after.cost_basis_usd
    position.bought_quantity, position.realized_pnl_usd = after.bought_quantity, after.realized_pnl_usd
    average = positions.avg_price(after)
    position.avg_price = average if average is not None else position.avg_price
    is_open = after.quantity > 0
    position.status = Position.Status.OPEN if is_open else Position.Status.CLOSED
    position.closed_at = None if is_open else now
    position.save()
    return int(is_open) - int(was_open)


def _exposure_change(trade: Trade) -> Decimal:
    return trade.quantity if trade.side == Side.SELL else -trade.quantity


def _write_player(trade: Trade, player: Player, positions_change: int, repaid: Decimal, now: datetime) -> None:
    sold = trade.side == Side.SELL
    pnl = trade.pnl_usd or ZERO
    Player.objects.filter(pk=player.pk).update(
        trade_count=F("trade_count") - 1,
        volume_usd=F("volume_usd") - trade.cost_usd,
        realized_pnl_usd=F("realized_pnl_usd") - (pnl if sold else ZERO),
        resolved_count=F("resolved_count") - int(sold),
        winning_count=F("winning_count") - int(sold and pnl > 0),
        open_positions=F("open_positions") + positions_change,
        exposure_usd=F("exposure_usd") + _exposure_change(trade),
        debt_usd=F("debt_usd") - repaid,
        updated_at=now,
    )


def _take_back(trade: Trade, positions_change: int, now: datetime) -> None:
    """Revenue, volume and count back on today's date; the counters last."""
    RevenueFact.objects.create(
        at=now,
        kind=RevenueFact.Kind.CANCEL,
        operator_id=trade.operator_id,
        player_id=trade.player_id,
        market_id=trade.market_id,
        trade=trade,
        category=trade.category,
        share_pct=trade.share_pct,
        spread_usd=-trade.spread_usd,
        fee_usd=-trade.fee_usd,
        volume_usd=-trade.cost_usd,
        trade_count=-1,
    )
    change = _exposure_change(trade)
    moved = exposure.Change(
        yes_usd=change if trade.outcome == "yes" else ZERO,
        no_usd=change if trade.outcome == "no" else ZERO,
        positions=positions_change,
        trades=-1,
        volume_usd=-trade.cost_usd,
    )
    exposure.move(market_id=trade.market_id, category=trade.category, by_operator={trade.operator_id: moved}, now=now)


def _tell(
    trade: Trade,
    player: Player,
    market: Market,
    reason: str,
    actor: AdminUser,
    before: Decimal,
    pnl: Decimal | None,
    now: datetime,
) -> None:
    told: dict[str, Any] = {"operator_id": trade.operator_id, "user_id": player.id, "test": trade.is_test, "now": now}
    callbacks.queue(
        event=CallbackEvent.Event.TRADE_CANCELLED,
        subject_id=trade.id,
        payload={
            "trade_id": trade.id,
            "user_id": player.id,
            "external_id": player.external_id,
            "market_id": market.id,
            "market_title": market.title,
            "outcome": trade.outcome,
            "side": trade.side,
            "quantity": trade.quantity,
            "cost_usd": trade.cost_usd,
            "fee_usd": trade.fee_usd,
            "reason": reason,
            "balance_usd": player.balance_usd,
        },
        **told,
    )
    if player.balance_usd != before:
        callbacks.queue(
            event=CallbackEvent.Event.BALANCE_CHANGED,
            payload={
                "user_id": player.id,
                "external_id": player.external_id,
                "previous_balance_usd": before,
                "new_balance_usd": player.balance_usd,
                "amount_usd": player.balance_usd - before,
                "reason": "trade_cancelled",
                "reference_id": trade.id,
            },
            **told,
        )
    audit.record(
        actor=actor,
        action="trade.cancel",
        object_type="trade",
        object_id=trade.id,
        changes={"status": {"from": "filled", "to": "cancelled"}, "pnl_usd": {"from": pnl, "to": None}},
        reason=reason,
        now=now,
    )
    activity.record(
        type="trade",
        severity="warning",
        title="Trade cancelled",
        description=f"A trade of {{{player.id}}} in '{market.title}' was cancelled: {reason}",
        operator_id=trade.operator_id,
        user_id=player.id,
        market_id=market.id,
        metadata={"trade_id": trade.id, "amount_usd": trade.cost_usd},
        now=now,
    )


def trade_id_of(text: str) -> str:
    """The id in a path. Raises NotFound for anything that is none."""
    try:
        ids.decode("trd", text)
    except ValueError:
        raise NotFound("No such trade") from None
    return text
