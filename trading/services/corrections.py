"""Correcting a wrong resolution: once, by staff, with a reason and, where that is in force, a second admin."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import AdminUser
from accounts.services import ledger_batch
from predictu import clock, ids
from predictu.errors import Conflict
from predictu.platform import activity, approvals, audit
from risk.services import breakers, exposure
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
    after a correction, and for the result it has.
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
    return row


@transaction.atomic
def _correct(market_id: str, outcome: str, reason: str, actor: AdminUser, now: datetime) -> Settlement:
    row = _correctable(market_id, outcome, held=True)
    market = markets.by_id(market_id, held=True)
    before = {name: getattr(row, name) for name in _FIGURES}
    row.resolution, row.resolution_source, row.version = outcome, Market.Source.CORRECTION, 2
    row.reason, row.corrected_at = reason, now
    work = Correction(row, market, now, before=before["resolution"], actor=actor)
    work.stage()
    work.move()
    statement = work.completeness()
    SettlementPart.objects.filter(settlement=row).delete()
    figures = work.figures()
    row.versions = [audit.plain(before | {"settled_at": row.settled_at})]
    row.completeness = statement
    figures.note_on(row)
    row.save()
    market.status = Market.Status.CANCELLED if work.void else Market.Status.RESOLVED
    market.resolution, market.resolution_source, market.updated_at = outcome, Market.Source.CORRECTION, now
    market.save(update_fields=["status", "resolution", "resolution_source", "updated_at"])
    _tell(row, market, before["resolution"], figures, reason, actor, now)
    work.move_counters()
    return row


class Correction(Work):
    """The statements of a correction with what they are given, in the order they run."""

    def __init__(self, row: Settlement, market: Market, now: datetime, *, before: str, actor: AdminUser) -> None:
        super().__init__(row, market, now)
        self.void_before = before == Market.Resolution.CANCELLED
        self.before = sql.UNDONE if self.void_before else sql.SETTLED
        self.told, self.restored = 0, list[tuple[Any, ...]]()
        self.given |= {
            "void_before": self.void_before,
            "settled_at": row.settled_at,
            "actor": f"admin:{actor.id}",
        }

    def stage(self) -> None:
        """Work everything out, update the trades and tell of the positions; no user waits yet."""
        self.begin()
        self.run(sql.POSITIONS, paid=self.paid(self.before))
        self.run(settlement_sql.KNOW_POSITIONS)
        if self.void:
            self.run(settlement_sql.VOIDED, before=self.before)
        else:
            self.run(settlement_sql.BUYS, before=self.before)
        if self.void_before:
            self.restored = self.rows(sql.RESTORED_VOLUME, before=self.before)
        trades = sql.OF_VOIDED if self.void else sql.OF_RESTORED if self.void_before else sql.OF_BUYS
        self.run(sql.PLAYERS, trades=trades.format(before=self.before))
        for statement in (settlement_sql.TOLD, sql.ENTRIES, sql.DUE):
            self.run(statement)
        self.settle_trades(self.before)
        self.run(sql.FEE_FACTS)
        if self.void:
            self.run(settlement_sql.VOID_FACTS)
        if self.void_before:
            self.run(sql.RESTORED_FACTS)
        self.told = self.tell_users(more=sql.MORE)

    def move(self) -> None:
        """Hold the users, correct their positions, post to their ledgers, count, and tell of their balances."""
        for statement in (
            settlement_sql.HOLD, sql.OWED, sql.REVERSALS, sql.OWE, sql.CORRECT_POSITIONS, ledger_batch.POST,
        ):  # fmt: skip
            self.run(statement)
        self.run(sql.BALANCE_EVENTS, posted=settlement_sql.POSTED)

    def move_counters(self) -> None:
        """Trades and their volume, where a cancelled market has or had undone them; then what the house lost."""
        moved = (
            [(key, -count, -volume) for key, count, volume in self.rows(settlement_sql.VOIDED_VOLUME)]
            if self.void
            else []
        )
        changes = {
            ids.encode("op", key): exposure.Change(trades=count, volume_usd=volume)
            for key, count, volume in (*moved, *self.restored)
        }
        if changes and self.market.category:
            exposure.move(market_id=self.market.id, category=self.market.category, by_operator=changes, now=self.now)
        assert self.row.settled_at is not None
        if self.row.settled_at > self.now - LOSS_WINDOW:
            parts = SettlementPart.objects.filter(settlement=self.row).order_by("operator_id")
            breakers.settled(self.losses(list(parts.values_list("operator_id", flat=True))), now=self.now)

    def completeness(self) -> dict[str, Any]:
        """What it came to, held against what it should."""
        [(positions, wanted, posted, owed, entries)] = self.rows(sql.STATEMENT, posted=settlement_sql.POSTED)
        found = {
            "positions": positions,
            "positions_settled": positions,
            "corrected_usd": str(wanted),
            "ledger_usd": str(posted),
            "owed_usd": str(owed),
            "ledger_rows": entries,
            # Those of the first settlement are no longer counted in their table, which forgets what is old.
            "callbacks": self.row.completeness["callbacks"] + self.told,
        }
        assert wanted == posted - owed and self.told == positions, found
        return found


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
