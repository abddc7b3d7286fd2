"""Correcting a wrong resolution: once, by staff, with a reason and, where that is in force, a second admin."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import AdminUser
from predictu import clock
from predictu.errors import Conflict
from predictu.money import ZERO
from predictu.platform import activity, approvals, audit
from risk.services import breakers
from trading.models import Market, Settlement, SettlementPart
from trading.services import correction_sql as sql
from trading.services import markets, settlement_sql
from trading.services.settlements import PERMISSION, Resolved
from trading.services.settling import LOSS_WINDOW, Figures, Work, ring

CORRECT_ACTION = "trading.services.corrections.carry_out"
_FIGURES = (
    "resolution", "resolution_source", "positions_settled", "winners", "losers", "total_payout_usd", "total_loss_usd",
    "net_pnl_usd", "house_pnl_usd", "refund_usd", "completeness", "reason",
)  # fmt: skip


def correct(*, market_id: str, outcome: str, reason: str, actor: AdminUser, now: datetime) -> Resolved:
    """Pay out what is right and take back what was wrong; what a balance cannot cover becomes a debt.

    The row shows the corrected result, the first stays in ``versions``. Raises NotFound; Conflict before it is settled,
    after a correction, for the result it has, and for a cancelled market, whose trades are undone for good.
    """
    _correctable(market_id, outcome)
    if approvals.required():
        approval = approvals.ask(
            action=CORRECT_ACTION,
            permission=PERMISSION,
            object_id=market_id,
            arguments={"market_id": market_id, "outcome": outcome},
            reason=reason,
            actor=actor,
            now=now,
        )
        return Resolved(None, approval=approval)
    return Resolved(_correct(market_id, outcome, reason, actor, now))


def carry_out(
    *, arguments: dict[str, Any], asked_by: AdminUser, decided_by: AdminUser, reason: str, now: datetime
) -> dict[str, Any]:
    """A correction that a second admin approved."""
    row = _correct(arguments["market_id"], arguments["outcome"], reason, asked_by, now)
    return {"settlement_id": row.id, "resolution": row.resolution}


def _correctable(market_id: str, outcome: str, *, held: bool = False) -> Settlement:
    markets.by_id(market_id)
    found = Settlement.objects.select_for_update(no_key=True) if held else Settlement.objects.all()
    row = found.filter(market_id=market_id).first()
    if row is None or row.status != Settlement.Status.COMPLETED:
        raise Conflict("The market is not settled")
    if row.version > 1:
        raise Conflict("A resolution is corrected once, and this one has been")
    if row.resolution == outcome:
        raise Conflict(f"The market was resolved {outcome}")
    if Market.Resolution.CANCELLED in (row.resolution, outcome):
        raise Conflict("A cancelled market undoes its trades for good: it is neither corrected nor a correction")
    return row


@transaction.atomic
def _correct(market_id: str, outcome: str, reason: str, actor: AdminUser, now: datetime) -> Settlement:
    row = _correctable(market_id, outcome, held=True)
    market = markets.by_id(market_id, held=True)
    before = {name: getattr(row, name) for name in _FIGURES}
    row.resolution, row.resolution_source, row.version = outcome, Market.Source.CORRECTION, 2
    row.reason = reason
    work = Work(row, market, now)
    work.given["actor"] = f"admin:{actor.id}"
    statement = _move(work)
    SettlementPart.objects.filter(settlement=row).delete()
    figures = work.figures()
    row.versions = [audit.plain(before | {"settled_at": row.settled_at})]
    _note(row, figures, statement)
    if row.settled_at is not None and row.settled_at > now - LOSS_WINDOW:
        breakers.settled(work.losses(_operators(row)), now=now)
    market.resolution, market.resolution_source, market.updated_at = outcome, Market.Source.CORRECTION, now
    market.save(update_fields=["resolution", "resolution_source", "updated_at"])
    _tell(row, market, before["resolution"], figures, reason, actor, now)
    return row


def _operators(row: Settlement) -> list[str]:
    return list(
        SettlementPart.objects.filter(settlement=row).order_by("operator_id").values_list("operator_id", flat=True)
    )


def _move(work: Work) -> dict[str, Any]:
    """The statements in their order; what they came to, held against what they should."""
    work.run(settlement_sql.CLEAR)
    work.run(sql.POSITIONS)
    work.run("CREATE INDEX ON settling_position (player_id, outcome); ANALYZE settling_position")
    work.run(settlement_sql.BUYS, settled_before="'settled'")
    work.run(sql.PLAYERS)
    work.run(settlement_sql.TOLD)
    work.run(settlement_sql.MOVED)
    work.run(settlement_sql.SETTLE_BUYS)
    work.run(sql.FEE_FACTS)
    told = work.tell_users(more=sql.MORE)
    for statement in (
        settlement_sql.HOLD, sql.OWED, sql.CORRECT_POSITIONS, sql.POST, sql.COUNT_PLAYERS, sql.BALANCE_EVENTS,
    ):  # fmt: skip
        work.run(statement)
    [(positions, wanted, posted, owed, entries)] = work.rows(sql.STATEMENT)
    found = {
        "positions": positions,
        "positions_settled": positions,
        "corrected_usd": str(wanted),
        "ledger_usd": str(posted),
        "owed_usd": str(owed),
        "ledger_rows": entries,
        # Those of the first settlement are no longer counted in their table, which forgets what is old.
        "callbacks": work.row.completeness["callbacks"] + told,
    }
    assert wanted == posted - owed and told == positions, found
    return found


def _note(row: Settlement, figures: Figures, statement: dict[str, Any]) -> None:
    row.winners, row.losers = figures.winners, figures.losers
    row.total_payout_usd, row.total_loss_usd = figures.payout_usd, figures.loss_usd
    row.net_pnl_usd = figures.loss_usd - figures.payout_usd
    row.house_pnl_usd, row.refund_usd = figures.basis_usd - figures.payout_usd, ZERO
    row.completeness = statement
    row.save()


def _tell(
    row: Settlement, market: Market, before: str, figures: Figures, reason: str, actor: AdminUser, now: datetime
) -> None:
    audit.record(
        actor=actor,
        action="market.correct",
        object_type="market",
        object_id=market.id,
        changes={"resolution": {"from": before, "to": row.resolution}},
        reason=reason,
        metadata={"settlement_id": row.id},
        now=now,
    )
    activity.record(
        type="settlement",
        severity="warning",
        title="Settlement corrected",
        description=f"{{{market.id}}} corrected from {before.upper()} to {row.resolution.upper()}: {reason}",
        market_id=market.id,
        metadata={"settlement_id": row.id, "payout_usd": figures.payout_usd, "at": clock.seconds(now)},
        now=now,
    )
    ring(row)
