"""Resolving markets, and seeing to it that every resolved market is settled.

Resolving is a short transaction of its own: settlement row, then the market's bucket, then the market. Whatever was
accepted before has committed by then, and nothing is accepted after it. The money moves in a job (``settling``).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.models import AdminUser, system_admin
from predictu import ids, jobs
from predictu.errors import Conflict, ValidationFailed
from predictu.money import ZERO
from predictu.platform import activity, approvals, audit, config
from predictu.platform.models import Approval
from risk.models import Scope
from risk.services import breakers
from trading.models import Market, Position, Settlement
from trading.services import markets

SETTLE_TASK = "trading.tasks.settle"
RESOLVE_ACTION = "trading.services.settlements.carry_out_resolve"
PERMISSION = "trading.settle_market"
RETRY_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The market's settlement, and whether this call began it; or the approval it waits for."""

    settlement: Settlement | None
    created: bool = False
    approval: Approval | None = None


def by_source(market_id: str, outcome: str, *, now: datetime) -> bool:
    """The oracle's result is final: resolve by it where that is switched on. Whether the market was resolved now.

    Staff settle what pays out more than a second admin must see.
    """
    if not config.current()["features.auto_settlement"]:
        return False
    if approvals.required() and payout_due(market_id, outcome) > settings.PREDICTU_SETTLEMENT_APPROVAL_USD:
        return False
    try:
        return _resolve(
            market_id=market_id,
            outcome=outcome,
            source=Market.Source.POLYMARKET_UMA,
            reason="",
            actor=system_admin(),
            now=now,
        ).created
    except Conflict:  # resolved another way by staff: theirs stands until they correct it
        return False


def resolve(*, market_id: str, outcome: str, reason: str, actor: AdminUser, now: datetime) -> Resolved:
    """Resolve by staff: close trading for good and have the market settled. Again the same way changes nothing.

    Above the configured payout a second admin decides first. Raises NotFound, Conflict if it was resolved another way.
    """
    known = Settlement.objects.filter(market_id=market_id).first()
    if known is None and approvals.required():
        markets.by_id(market_id)
        if payout_due(market_id, outcome) > settings.PREDICTU_SETTLEMENT_APPROVAL_USD:
            approval = approvals.ask(
                action=RESOLVE_ACTION,
                permission=PERMISSION,
                object_id=market_id,
                arguments={"market_id": market_id, "outcome": outcome},
                reason=reason,
                actor=actor,
                now=now,
            )
            return Resolved(None, approval=approval)
    return _resolve(
        market_id=market_id, outcome=outcome, source=Market.Source.STAFF, reason=reason, actor=actor, now=now
    )


def carry_out_resolve(
    *, arguments: dict[str, Any], asked_by: AdminUser, decided_by: AdminUser, reason: str, now: datetime
) -> dict[str, Any]:
    """A resolution that a second admin approved."""
    done = _resolve(
        market_id=arguments["market_id"],
        outcome=arguments["outcome"],
        source=Market.Source.STAFF,
        reason=reason,
        actor=asked_by,
        now=now,
    )
    assert done.settlement is not None
    return {"settlement_id": done.settlement.id, "resolution": done.settlement.resolution}


@transaction.atomic
def _resolve(*, market_id: str, outcome: str, source: str, reason: str, actor: AdminUser, now: datetime) -> Resolved:
    before = markets.by_id(market_id)
    wanted = Settlement(
        id=ids.new("stl", now),
        market_id=market_id,
        resolution=outcome,
        resolution_source=source,
        requested_by=actor,
        reason=reason,
        resolved_at=now,
    )
    Settlement.objects.bulk_create([wanted], ignore_conflicts=True)
    row = Settlement.objects.select_for_update(no_key=True).get(market_id=market_id)
    if row.id != wanted.id:
        if row.resolution != outcome:
            raise Conflict(f"The market was resolved {row.resolution}")
        return Resolved(row)
    breakers.hold_bucket(Scope.MARKET, market_id)
    market = markets.by_id(market_id, held=True)
    if market.is_over and market.resolution != outcome:
        raise Conflict(f"The market was resolved {market.resolution}")
    market.status = Market.Status.CANCELLED if outcome == Market.Resolution.CANCELLED else Market.Status.RESOLVED
    market.resolution, market.resolution_source, market.resolved_at = outcome, source, now
    market.tradeable, market.waiting_for, market.updated_at = False, "", now
    market.save(
        update_fields=[
            "status", "resolution", "resolution_source", "resolved_at", "tradeable", "waiting_for", "updated_at",
        ]
    )  # fmt: skip
    row.positions_total = Position.objects.filter(market_id=market_id, quantity__gt=0, is_test=False).count()
    row.save(update_fields=["positions_total"])
    _tell(row, market, before.status, reason, actor, now)
    jobs.enqueue(SETTLE_TASK, row.id)
    return Resolved(row, created=True)


def _tell(row: Settlement, market: Market, before: str, reason: str, actor: AdminUser, now: datetime) -> None:
    audit.record(
        actor=actor,
        action="market.resolve",
        object_type="market",
        object_id=market.id,
        changes={
            "status": {"from": before, "to": market.status},
            "resolution": {"from": None, "to": market.resolution},
        },
        reason=reason,
        metadata={"settlement_id": row.id, "source": row.resolution_source},
        now=now,
    )
    activity.record(
        type="settlement",
        title="Market resolved",
        description=f"{{{market.id}}} resolved {row.resolution.upper()}; {row.positions_total} positions to settle",
        market_id=market.id,
        metadata={"settlement_id": row.id, "resolution": row.resolution, "source": row.resolution_source},
        now=now,
    )


def ring_for_waiting(*, now: datetime) -> int:
    """Start what is resolved and not settled: jobs that were lost, and those that failed a while ago. How many."""
    waiting = Settlement.objects.exclude(status=Settlement.Status.COMPLETED).order_by("resolved_at", "id")
    due = [
        row.id
        for row in waiting
        if row.status != Settlement.Status.FAILED or row.tried_at is None or now - row.tried_at >= RETRY_AFTER
    ]
    with transaction.atomic():
        for settlement_id in due:
            jobs.enqueue(SETTLE_TASK, settlement_id)
    return len(due)


_DUE = """
SELECT operator.slug, position.operator_id, count(*), count(*) FILTER (WHERE paid > 0),
       count(*) FILTER (WHERE paid = 0),
       coalesce(sum(paid), 0), coalesce(sum(basis), 0)
FROM (
  SELECT operator_id, cost_basis_usd AS basis,
         trunc(quantity * CASE outcome WHEN 'yes' THEN %(yes)s ELSE %(no)s END, 2) AS paid
  FROM trading_position WHERE market_id = %(market)s AND status = 'open' AND quantity > 0 AND NOT is_test) AS position
JOIN operators_operator operator ON operator.id = position.operator_id
GROUP BY operator.slug, position.operator_id ORDER BY 6 DESC, position.operator_id
"""
_REFUND = """
SELECT position.operator_id, sum(div(200 * trade.fee_usd * position.quantity + position.bought_quantity,
                                     2 * position.bought_quantity) / 100)
FROM trading_position position
JOIN trading_trade trade ON trade.player_id = position.player_id AND trade.market_id = position.market_id
  AND trade.outcome = position.outcome AND trade.side = 'buy' AND trade.status = 'filled'
WHERE position.market_id = %(market)s AND position.status = 'open' AND position.quantity > 0 AND NOT position.is_test
GROUP BY position.operator_id
"""
PAYOUTS = {
    Market.Resolution.YES.value: (Decimal(1), ZERO),
    Market.Resolution.NO.value: (ZERO, Decimal(1)),
    Market.Resolution.SPLIT.value: (Decimal("0.5"), Decimal("0.5")),
    Market.Resolution.CANCELLED.value: (ZERO, ZERO),
}
"""Dollars a share of yes and of no pays."""


def preview(market_id: str, outcome: str) -> dict[str, Any]:
    """Who would get what, without moving anything. Raises NotFound, Conflict when it is settled already."""
    markets.by_id(market_id)
    if Settlement.objects.filter(market_id=market_id, status=Settlement.Status.COMPLETED).exists():
        raise Conflict("The market is settled")
    void = outcome == Market.Resolution.CANCELLED
    yes, no = PAYOUTS[outcome]
    with connection.cursor() as cursor:
        wanted = {"market": ids.decode("mkt", market_id), "yes": yes, "no": no}
        cursor.execute(_DUE, wanted)
        rows = cursor.fetchall()
        fees: dict[Any, Decimal] = {}
        if void:
            cursor.execute(_REFUND, wanted)
            fees = dict(cursor.fetchall())
    by_operator = [
        {
            "operator_slug": slug,
            "positions": count,
            "winners": 0 if void else winners,
            "losers": 0 if void else losers,
            "payout_usd": ZERO if void else paid,
            "refund_usd": basis + fees.get(key, ZERO) if void else ZERO,
        }
        for slug, key, count, winners, losers, paid, basis in rows
    ]
    return {
        "market_id": market_id,
        "outcome": outcome,
        "positions": sum(row["positions"] for row in by_operator),
        "winners": sum(row["winners"] for row in by_operator),
        "losers": sum(row["losers"] for row in by_operator),
        "total_payout_usd": sum((row["payout_usd"] for row in by_operator), ZERO),
        "refund_usd": sum((row["refund_usd"] for row in by_operator), ZERO),
        "by_operator": by_operator,
    }


def payout_due(market_id: str, outcome: str) -> Decimal:
    """What resolving this way would pay or give back, in dollars."""
    found = preview(market_id, outcome)
    return found["total_payout_usd"] + found["refund_usd"]


def require_outcome(value: str) -> str:
    """A resolution's word. Raises ValidationFailed."""
    if value not in PAYOUTS:
        raise ValidationFailed(details={"outcome": [f"must be one of {', '.join(PAYOUTS)}"]})
    return value
