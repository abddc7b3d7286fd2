"""Money that staff give or take by hand: a ledger row, a reason, an audit row; from $500 a second admin."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import LedgerEntry, Player
from accounts.services import ledger, players
from predictu.errors import InsufficientBalance, NotFound
from predictu.platform import approvals, audit
from predictu.platform.models import Approval

PERMISSION = "accounts.adjust_balance"
SECOND_ADMIN_FROM_USD = Decimal(500)


@dataclass(frozen=True)
class Adjusted:
    """The ledger row, and the balance after it and after what it repaid of a debt."""

    entry: LedgerEntry
    balance_usd: Decimal


def request(*, player_id: str, amount_usd: Decimal, reason: str, actor: Any, now: datetime) -> Adjusted | Approval:
    """Adjust at once, or have it wait for a second admin where that is asked for. Raises as ``adjust``."""
    if approvals.required() and abs(amount_usd) >= SECOND_ADMIN_FROM_USD:
        return approvals.ask(
            action="accounts.services.adjustments.carry_out",
            permission=PERMISSION,
            object_id=player_id,
            arguments={"player_id": player_id, "amount_usd": str(amount_usd)},
            reason=reason,
            actor=actor,
            now=now,
        )
    return adjust(player_id=player_id, amount_usd=amount_usd, reason=reason, actor=actor, now=now)


def carry_out(
    *, arguments: Mapping[str, Any], asked_by: Any, decided_by: Any, reason: str, now: datetime
) -> dict[str, Any]:
    """What the second admin's word sets off."""
    done = adjust(
        player_id=arguments["player_id"],
        amount_usd=Decimal(arguments["amount_usd"]),
        reason=reason,
        actor=asked_by,
        approved_by=decided_by,
        now=now,
    )
    return {"ledger_id": done.entry.id, "balance_usd": done.balance_usd}


@transaction.atomic
def adjust(
    *,
    player_id: str,
    amount_usd: Decimal,
    reason: str,
    actor: Any,
    approved_by: Any = None,
    now: datetime,
) -> Adjusted:
    """Give (above 0) or take (below 0) ``amount_usd``; what is given repays an open debt first.

    Raises NotFound, and InsufficientBalance when the balance does not cover what is taken.
    """
    player = Player.objects.select_for_update(no_key=True, of=("self",)).filter(pk=player_id).first()
    if player is None:
        raise NotFound("No such user")
    if player.balance_usd + amount_usd < 0:
        raise InsufficientBalance(details={"balance_usd": player.balance_usd, "needed_usd": -amount_usd})
    entry = audit.record(
        actor=actor,
        action="user.adjust_balance",
        object_type="user",
        object_id=player.id,
        changes={"balance_usd": {"from": player.balance_usd, "to": player.balance_usd + amount_usd}},
        reason=reason,
        metadata={"amount_usd": amount_usd, **({"approved_by": approved_by.pk} if approved_by else {})},
        now=now,
    )
    before = player.balance_usd
    postings = ledger.with_repayment(
        [_posting(entry.id, amount_usd, actor)], debt_usd=player.debt_usd, balance_usd=before, key=entry.id
    )
    written = ledger.post(player=player, postings=postings, now=now)[0]
    Player.objects.filter(pk=player.pk).update(debt_usd=F("debt_usd") - ledger.repaid_usd(postings), updated_at=now)
    players.tell_balance_changed(
        player, before=before, amount=amount_usd, reason="adjustment", reference=entry.id, now=now
    )
    return Adjusted(written, player.balance_usd)


def _posting(audit_id: str, amount: Decimal, actor: Any) -> ledger.Posting:
    return ledger.Posting(
        type=LedgerEntry.Type.ADJUSTMENT,
        amount_usd=amount,
        reference_type=LedgerEntry.Reference.ADJUSTMENT,
        reference_id=audit_id,
        key=ledger.own_key("adjustment", audit_id),
        actor=actor.pk,
        description="Adjustment by staff",
        metadata={"cause": "staff"},
    )
