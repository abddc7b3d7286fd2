"""Players: registration, money in and out, and what their operator may change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from accounts import restrictions
from accounts.models import LedgerEntry, Player
from accounts.services import ledger
from operators.models import Operator
from operators.services import callbacks, gate
from predictu import clock, ids
from predictu.errors import Conflict, DebtOpen, InsufficientBalance, NotFound, ValidationFailed
from predictu.platform import activity, config

_MOVED = "BALANCE_CHANGED"


@dataclass(frozen=True)
class Moved:
    """Money moved: the ledger row, and the balance after everything that came of it."""

    entry: LedgerEntry
    balance_usd: Decimal


def standing(player: Player, operator: Operator) -> restrictions.Standing:
    """The player's standing as plain values."""
    return restrictions.Standing(
        status=player.status,
        is_test=player.is_test,
        operator_is_live=operator.is_live,
        tier=player.tier,
        self_excluded_until=player.self_excluded_until,
        cooldown_until=player.cooldown_until,
        allowed_categories=player.allowed_categories,
        blocked_categories=player.blocked_categories,
        blocked_markets=player.blocked_markets,
    )


@transaction.atomic
def register(
    *, operator_id: str, external_id: str, username: str, email: str | None, channel: str, now: datetime
) -> tuple[Player, bool]:
    """Register a player, or find the one with this ``external_id``; the second value says whether it is new.

    Raises OperatorInactive, or FeatureDisabled when registration is switched off.
    """
    operator = gate.enter(operator_id)
    gate.require_open(operator, config.current())
    player, created = Player.objects.get_or_create(
        operator=operator,
        external_id=external_id,
        defaults={
            "id": ids.new("usr", now),
            "username": username,
            "email": email,
            "channel": channel,
            "is_test": not operator.is_live,
            "created_at": now,
            "updated_at": now,
        },
    )
    if created:
        _tell_registered(player, operator, now)
    return player, created


def _tell_registered(player: Player, operator: Operator, now: datetime) -> None:
    callbacks.queue(
        operator_id=operator.id,
        event="USER_REGISTERED",
        payload={
            "user_id": player.id,
            "external_id": player.external_id,
            "registered_at": clock.milliseconds(now),
        },
        user_id=player.id,
        subject_id=player.id,
        test=player.is_test,
        now=now,
    )
    if not player.is_test:
        activity.record(
            type="user_signup",
            title="New user",
            description=f"{{{player.id}}} signed up at {{{operator.id}}}",
            operator_id=operator.id,
            user_id=player.id,
            now=now,
        )


def locked(*, operator: Operator, player_id: str) -> Player:
    """The operator's own player with its row locked. Raises NotFound for anyone else's."""
    player = (
        Player.objects.for_operator(operator).select_for_update(no_key=True, of=("self",)).filter(pk=player_id).first()
    )
    if player is None:
        raise NotFound("No such user")
    return player


@transaction.atomic
def move_money(
    *,
    operator_id: str,
    player_id: str,
    kind: str,
    amount_usd: Decimal,
    key: str,
    reference: str | None,
    transaction_id: str | None,
    actor: str,
    now: datetime,
) -> Moved:
    """A deposit or withdrawal (``kind``) of ``amount_usd`` > 0. The caller keeps it from happening twice.

    Raises OperatorInactive, NotFound, UserRestricted, DebtOpen, InsufficientBalance, and Conflict for a
    ``transaction_id`` that names something else.
    """
    operator = gate.enter(operator_id)
    gate.require_active(operator)
    player = locked(operator=operator, player_id=player_id)
    wake(player)
    deposit = kind == LedgerEntry.Type.DEPOSIT
    refusal = restrictions.money_refusal(standing(player, operator), deposit=deposit, now=now)
    if refusal is not None and not (refusal == "inactive" and not deposit):
        raise restrictions.refused(refusal)
    fee = Decimal(0) if deposit else config.current()["fees.withdrawal_fee_usd"]
    if not deposit and player.debt_usd > 0:
        raise DebtOpen(details={"debt_usd": player.debt_usd})
    if not deposit and player.balance_usd < amount_usd + fee:
        raise InsufficientBalance(details={"balance_usd": player.balance_usd, "needed_usd": amount_usd + fee})
    postings = _money_postings(kind, amount_usd, fee, key, reference, actor, now)
    postings = ledger.with_repayment(postings, debt_usd=player.debt_usd, balance_usd=player.balance_usd, key=key)
    before = player.balance_usd
    entry = ledger.post(player=player, postings=postings, now=now)[0]
    if transaction_id is not None:
        reference_once(operator=operator, transaction_id=transaction_id, object_id=entry.id, now=now)
    total = "deposited_usd" if deposit else "withdrawn_usd"
    Player.objects.filter(pk=player.pk).update(
        **{total: F(total) + amount_usd},
        debt_usd=F("debt_usd") - ledger.repaid_usd(postings),
        status=player.status,
        last_active_at=now,
        updated_at=now,
    )
    tell_balance_changed(
        player, before=before, amount=entry.amount_usd, reason=_REASONS[kind], reference=entry.reference_id, now=now
    )
    return Moved(entry, player.balance_usd)


_REASONS = {"deposit": "deposit", "withdraw": "withdrawal"}


def _money_postings(
    kind: str, amount: Decimal, fee: Decimal, key: str, reference: str | None, actor: str, now: datetime
) -> list[ledger.Posting]:
    entry_id = ids.new("ldg", now)
    main = ledger.Posting(
        id=entry_id,
        type=kind,
        amount_usd=amount if kind == "deposit" else -amount,
        reference_type=kind,
        reference_id=reference or entry_id,
        key=key,
        actor=actor,
        description="Deposit" if kind == "deposit" else "Withdrawal",
    )
    if not fee:
        return [main]
    charge = ledger.Posting(
        type=LedgerEntry.Type.FEE,
        amount_usd=-fee,
        reference_type=kind,
        reference_id=entry_id,
        key=ledger.own_key("withdrawal_fee", entry_id),
        actor="system",
        description="Withdrawal fee",
    )
    return [main, charge]


def tell_balance_changed(
    player: Player, *, before: Decimal, amount: Decimal, reason: str, reference: str, now: datetime
) -> None:
    """BALANCE_CHANGED for a player whose row is locked and up to date."""
    callbacks.queue(
        operator_id=player.operator_id,
        event=_MOVED,
        payload=balance_payload(
            user_id=player.id,
            external_id=player.external_id,
            before=before,
            after=player.balance_usd,
            amount=amount,
            reason=reason,
            reference=reference,
        ),
        user_id=player.id,
        subject_id=reference if len(reference) <= 40 else "",
        test=player.is_test,
        now=now,
    )


def balance_payload(
    *, user_id: str, external_id: str, before: Decimal, after: Decimal, amount: Decimal, reason: str, reference: str
) -> dict[str, Any]:
    """The payload of BALANCE_CHANGED."""
    return {
        "user_id": user_id,
        "external_id": external_id,
        "previous_balance_usd": before,
        "new_balance_usd": after,
        "amount_usd": amount,
        "reason": reason,
        "reference_id": reference,
    }


def reference_once(*, operator: Operator, transaction_id: str, object_id: str, now: datetime) -> None:
    """Tie the operator's own reference to what it names. Raises Conflict when it already names something."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO operators_transactionreference (operator_id, transaction_id, object_id, created_at)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [ids.decode("op", operator.pk), transaction_id, object_id, now],
        )
        if cursor.rowcount == 0:
            raise transaction_id_taken()


def transaction_id_taken() -> Conflict:
    return Conflict(
        "This transaction_id was used before",
        code="TRANSACTION_ID_EXISTS",
        details={"transaction_id": ["already names another transaction"]},
    )


def wake(player: Player) -> None:
    """A call of the user's ends the inactivity that only idleness brought (never that of staff or go-live)."""
    if player.status == Player.Status.INACTIVE and player.status_set_by == Player.Actor.SYSTEM and not player.is_test:
        player.status = Player.Status.ACTIVE


@transaction.atomic
def change_by_operator(*, operator_id: str, player_id: str, changes: Mapping[str, Any], now: datetime) -> Player:
    """What an operator may change of its own player: username, email, limit tier, status, self-exclusion.

    Raises NotFound, ValidationFailed for what is not its to change.
    """
    operator = gate.enter(operator_id)
    gate.require_active(operator)
    player = locked(operator=operator, player_id=player_id)
    problems: dict[str, list[str]] = {}
    if "limit_tier" in changes:
        if changes["limit_tier"] == Player.LimitTier.VIP and not operator.can_promote_vip:
            problems["limit_tier"] = ["vip is given by Predictu's staff"]
        player.limit_tier, player.limit_tier_set_by = changes["limit_tier"], Player.Actor.OPERATOR
    if "status" in changes:
        problems |= _status_by_operator(player, changes["status"])
    if "self_excluded_until" in changes:
        problems |= _self_exclusion(player, changes["self_excluded_until"], now)
    if problems:
        raise ValidationFailed(details=problems)
    player.username = changes.get("username", player.username)
    player.email = changes.get("email", player.email)
    player.updated_at = now
    player.save(
        update_fields=[
            "limit_tier",
            "limit_tier_set_by",
            "status",
            "status_set_by",
            "self_excluded_until",
            "username",
            "email",
            "updated_at",
        ]
    )
    return player


def _status_by_operator(player: Player, status: str) -> dict[str, list[str]]:
    if status == player.status:
        return {}
    if status == Player.Status.SUSPENDED:
        player.status, player.status_set_by = status, Player.Actor.OPERATOR
        return {}
    if player.status == Player.Status.SUSPENDED and player.status_set_by == Player.Actor.OPERATOR:
        player.status, player.status_set_by = Player.Status.ACTIVE, Player.Actor.OPERATOR
        return {}
    return {"status": ["an operator lifts only a suspension of its own"]}


def _self_exclusion(player: Player, until: datetime | None, now: datetime) -> dict[str, list[str]]:
    running = player.excluded(now)
    if until is None or until <= now:
        return {"self_excluded_until": ["must lie in the future"]}
    if running and player.self_excluded_until is not None and until < player.self_excluded_until:
        return {"self_excluded_until": ["a self-exclusion can only be prolonged"]}
    player.self_excluded_until = until
    return {}


def retire_test_users(*, operator_id: str, now: datetime) -> int:
    """At go-live every test user becomes inactive; how many were not yet. Whoever calls holds the operator's gate shut.

    Rows are locked by id, as everywhere.
    """
    open_ones = Player.objects.filter(operator_id=operator_id, is_test=True).exclude(status=Player.Status.INACTIVE)
    locked_ids = list(
        open_ones.select_for_update(no_key=True, of=("self",)).order_by("id").values_list("id", flat=True)
    )
    return Player.objects.filter(pk__in=locked_ids).update(
        status=Player.Status.INACTIVE, status_set_by=Player.Actor.SYSTEM, updated_at=now
    )
