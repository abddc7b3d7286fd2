"""Settling one resolved market: a single set-based transaction, all of it or nothing.

Amounts and payloads are staged, trades are updated and results are told of before a user is held; counters, which
every trade needs, are moved last of all. Run twice it changes nothing; killed anywhere it leaves no trace, and the
sweep takes it up again.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, Sum, Value, When

from accounts.models import LedgerEntry
from accounts.services import ledger_batch
from operators.models import CallbackEvent
from operators.services import callbacks
from predictu import clock, ids, jobs
from predictu.money import ZERO
from predictu.platform import activity, config
from risk.services import breakers, exposure
from trading.models import Market, Settlement, SettlementPart
from trading.services import settlement_sql as sql
from trading.services.settlements import PAYOUTS

log = logging.getLogger("predictu.settlements")

LOSS_WINDOW = clock.DAY


@dataclass(frozen=True, slots=True)
class Figures:
    """What one settlement came to, test users left out."""

    positions: int = 0
    winners: int = 0
    losers: int = 0
    payout_usd: Decimal = ZERO
    loss_usd: Decimal = ZERO
    basis_usd: Decimal = ZERO
    refund_usd: Decimal = ZERO

    def note_on(self, row: Settlement) -> None:
        row.winners, row.losers = self.winners, self.losers
        row.total_payout_usd, row.total_loss_usd = self.payout_usd, self.loss_usd
        row.net_pnl_usd = self.loss_usd - self.payout_usd
        row.house_pnl_usd = ZERO if self.refund_usd else self.basis_usd - self.payout_usd
        row.refund_usd = self.refund_usd


def settle(settlement_id: str, *, now: datetime) -> bool:
    """Pay out a resolved market; whether this call did it. False when it is done already, or is being done elsewhere.

    A failure is noted on the row, which the sweep comes back to, and raised.
    """
    if not _begin(settlement_id, now):
        return False
    try:
        return _settle(settlement_id, now)
    except Exception as error:
        Settlement.objects.filter(pk=settlement_id).exclude(status=Settlement.Status.COMPLETED).update(
            status=Settlement.Status.FAILED, error=f"{type(error).__name__}: {error}"[:2000]
        )
        raise


def _begin(settlement_id: str, now: datetime) -> bool:
    """Show that work has begun; whoever holds the row is at it already."""
    with transaction.atomic():
        row = Settlement.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=settlement_id).first()
        if row is None or row.status == Settlement.Status.COMPLETED:
            return False
        row.status, row.tried_at, row.error = Settlement.Status.PROCESSING, now, ""
        row.save(update_fields=["status", "tried_at", "error"])
        return True


@transaction.atomic
def _settle(settlement_id: str, now: datetime) -> bool:
    started = time.monotonic()
    row = Settlement.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=settlement_id).first()
    if row is None or row.status == Settlement.Status.COMPLETED:
        return False
    market = Market.objects.get(pk=row.market_id)
    work = Work(row, market, now)
    work.stage()
    figures = work.figures()
    work.tell_operators()
    work.tell_users()
    held_from = time.monotonic()
    work.move()
    _complete(row, figures, work.completeness(), now, started)
    _tell(row, market, figures, now)
    work.move_counters()
    transaction.on_commit(lambda: _log(row, started, held_from))
    return True


class Work:
    """The statements of one settlement with what they are given."""

    def __init__(self, row: Settlement, market: Market, now: datetime) -> None:
        self.row, self.market, self.now = row, market, now
        self.void = row.resolution == Market.Resolution.CANCELLED
        yes, no = PAYOUTS[row.resolution]
        self.given: dict[str, Any] = {
            "settlement": ids.decode("stl", row.id),
            "stl": row.id,
            "market": ids.decode("mkt", market.id),
            "mkt": market.id,
            "title": market.title,
            "category": market.category,
            "resolution": row.resolution,
            "void": self.void,
            "yes": None if self.void else yes,
            "no": None if self.void else no,
            "fee_bps": config.reread()["fees.settlement_fee_bps"],
            "version": row.version,
            "now": now,
            "stamp": clock.milliseconds(now),
            "cause": "market_cancelled" if self.void else "settlement",
            "credit_type": "adjustment" if self.void else "settlement",
            "credit_words": "Refund of a cancelled market: " if self.void else "Settlement: ",
            "reason": "refund" if self.void else "payout",
            "reference_type": LedgerEntry.Reference.SETTLEMENT,
            "reference_id": row.id,
            "actor": "system",
        }

    def run(self, statement: str, **spliced: str) -> int:
        """How many rows it wrote or found."""
        with connection.cursor() as cursor:
            cursor.execute(statement.format(**spliced) if "{" in statement else statement, self.given)
            return cursor.rowcount

    def rows(self, statement: str, **spliced: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement.format(**spliced) if "{" in statement else statement, self.given)
            return cursor.fetchall()

    def begin(self) -> None:
        """Tables to stage in, empty also where another settlement ran in the same transaction."""
        for statement in (sql.CLEAR, ledger_batch.CLEAR, ledger_batch.PLAYERS, ledger_batch.ENTRIES):
            self.run(statement)

    def stage(self) -> None:
        """Work everything out and update the trades; no user waits yet.

        References are checked as rows are written: at the commit all that was written would be, with everything held.
        """
        self.run("SET CONSTRAINTS ALL IMMEDIATE")
        self.begin()
        self.run(sql.POSITIONS, paid=self.paid(sql.FILLED))
        self.run(sql.KNOW_POSITIONS)
        if self.void:
            self.run(sql.VOIDED, before=sql.FILLED)
            self.run(sql.PLAYERS, trades=sql.OF_VOIDED)
        else:
            self.run(sql.BUYS, before=sql.FILLED)
            self.run(sql.PLAYERS, trades=sql.OF_BUYS)
        self.run(sql.TOLD)
        self.run("ANALYZE settling_told (id, player_id, entry_id, paid, fee)")
        self.run(sql.ENTRIES)
        self.run("ANALYZE ledger_batch (id, player_id, place); ANALYZE ledger_batch_player")
        self.settle_trades(sql.FILLED)
        self.run(sql.VOID_FACTS if self.void else sql.FEE_FACTS)

    def paid(self, before: str) -> str:
        """What a position gets, as an expression."""
        return sql.REFUNDED.format(before=before) if self.void else sql.PAID

    def settle_trades(self, before: str) -> None:
        """Give the trades their status, and the buys that count their results."""
        if self.void:
            self.run(sql.CANCEL_TRADES, before=before)
        else:
            self.run(sql.SETTLE_BUYS)
            self.run(sql.SETTLE_SELLS, before=before)

    def move(self) -> None:
        """Hold the users, settle their positions, post to their ledgers, count, and tell of their balances."""
        for statement in (sql.HOLD, sql.REPAYMENTS, sql.SETTLE_POSITIONS, ledger_batch.POST):
            self.run(statement)
        self.run(sql.BALANCE_EVENTS, posted=sql.POSTED)

    def figures(self) -> Figures:
        self.run(sql.PARTS)
        parts = list(SettlementPart.objects.filter(settlement=self.row))
        return Figures(
            positions=sum(part.positions for part in parts),
            winners=sum(part.winners for part in parts),
            losers=sum(part.losers for part in parts),
            payout_usd=sum((part.payout_usd for part in parts), ZERO),
            loss_usd=sum((part.loss_usd for part in parts), ZERO),
            basis_usd=sum((part.basis_usd for part in parts), ZERO),
            refund_usd=sum((part.refund_usd for part in parts), ZERO),
        )

    def tell_users(self, *, more: str = "''") -> int:
        """POSITION_RESOLVED of every position, with ``more`` in its payload; how many."""
        return self.run(sql.RESOLVED_EVENTS, more=more)

    def tell_operators(self) -> None:
        """MARKET_RESOLVED once for each operator whose users held something."""
        for key, only_tests, users, everyone in self.rows(sql.TOLD_OPERATORS):
            callbacks.queue(
                operator_id=ids.encode("op", key),
                event=CallbackEvent.Event.MARKET_RESOLVED,
                payload={
                    "market_id": self.market.id,
                    "market_title": self.market.title,
                    "outcome": self.row.resolution,
                    "affected_user_count": everyone if only_tests else users,
                },
                subject_id=self.market.id,
                test=only_tests,
                now=self.now,
            )

    def move_counters(self) -> None:
        """Give the exposure back and judge what the house lost; nothing is locked after these."""
        changes = {
            ids.encode("op", key): exposure.Change(yes_usd=-yes, no_usd=-no, positions=-count)
            for key, yes, no, count in self.rows(sql.EXPOSURE)
        }
        if self.void:
            for key, count, volume in self.rows(sql.VOIDED_VOLUME):
                operator_id = ids.encode("op", key)
                change = exposure.Change(trades=-count, volume_usd=-volume)
                changes[operator_id] = changes.get(operator_id, exposure.Change()) + change
        if changes and self.market.category:
            exposure.move(market_id=self.market.id, category=self.market.category, by_operator=changes, now=self.now)
            breakers.settled(self.losses(list(changes)), now=self.now)

    def losses(self, operators: list[str]) -> dict[tuple[str, str], Decimal]:
        """What the house lost by settlements of the last 24 hours, this one included, in each scope it touches."""
        recent = SettlementPart.objects.filter(settlement__settled_at__gt=self.now - LOSS_WINDOW)
        lost: dict[tuple[str, str], Decimal] = {}
        loss = Case(When(refund_usd=0, then=F("payout_usd") - F("basis_usd")), default=Value(ZERO))
        sums = recent.values_list("operator_id", "settlement__market_id", "settlement__market__category")
        for operator_id, market_id, category, amount in sums.annotate(loss=Sum(loss)):
            scopes = {"global": "", "category": category or "", "operator": operator_id, "market": market_id}
            for key in scopes.items():
                lost[key] = lost.get(key, ZERO) + amount
        touched = {("global", ""), ("category", self.market.category or ""), ("market", self.market.id)}
        touched |= {("operator", operator) for operator in operators}
        return {key: lost[key] for key in touched if key in lost}

    def completeness(self) -> dict[str, Any]:
        """What the rows say of themselves. Raises AssertionError when something is missing or twice."""
        [row] = self.rows(sql.COMPLETENESS, posted=sql.POSTED)
        wanted, settled, left, credits, credited, entries, posted, told = row
        statement = {
            "positions": wanted,
            "positions_settled": settled,
            "positions_open": left,
            "credits": credits,
            "credits_usd": str(credited),
            "ledger_rows": entries,
            "ledger_usd": str(posted),
            "callbacks": told,
        }
        assert wanted == settled == told and left == 0, statement
        assert credits == entries and credited == posted, statement
        return statement


def _complete(row: Settlement, figures: Figures, statement: dict[str, Any], now: datetime, started: float) -> None:
    row.status = Settlement.Status.COMPLETED
    row.settled_at = now
    row.positions_total = row.positions_settled = figures.positions
    figures.note_on(row)
    row.completeness = statement
    row.processing_time_ms = max(1, round((time.monotonic() - started) * 1000))
    row.save()


def _log(row: Settlement, started: float, held_from: float) -> None:
    """After the commit, which is part of what users wait for."""
    done = time.monotonic()
    log.info(
        "settled %s: %d positions in %d ms, users held %d ms",
        row.id, row.positions_settled, round((done - started) * 1000), round((done - held_from) * 1000),
    )  # fmt: skip


def _tell(row: Settlement, market: Market, figures: Figures, now: datetime) -> None:
    paid = figures.refund_usd if market.resolution == Market.Resolution.CANCELLED else figures.payout_usd
    activity.record(
        type="settlement",
        title="Market settled",
        description=(
            f"{{{market.id}}} settled {row.resolution.upper()}: {figures.positions} positions, ${paid:,.2f} paid out"
        ),
        market_id=market.id,
        metadata={
            "settlement_id": row.id,
            "resolution": row.resolution,
            "positions": figures.positions,
            "payout_usd": paid,
        },
        now=now,
    )
    ring(row)


def ring(row: Settlement) -> None:
    """Have the callbacks of a settlement numbered and sent once it has committed."""
    for operator_id in SettlementPart.objects.filter(settlement=row).values_list("operator_id", flat=True):
        jobs.ring(operator_id)
