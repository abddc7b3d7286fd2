"""Forgetting a person: e-mail, user name and external id give way to a pseudonym; money and ledger stay as they are.

The ledger names users by id alone. What an operator wrote into its own words (``reference``, ``transaction_id``,
``Idempotency-Key``) and staff into theirs (reasons) is theirs, and stays: neither may name a person.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Player
from operators.services import forgetting, gate
from predictu.errors import Conflict, NotFound, ValidationFailed
from predictu.platform import audit

_DOMAIN = "forgotten.invalid"
_FIELDS = ["external_id", "username", "email", "status", "status_set_by", "updated_at"]


class StillNeeded(Conflict):
    code, message = "USER_STILL_NEEDED", "The user cannot be forgotten yet"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The pseudonym, and how many rows held something of the person; all 0 when it had been forgotten before."""

    user_id: str
    pseudonym: str
    users: int
    events: int
    attempts: int
    answers: int

    @property
    def changed(self) -> bool:
        return bool(self.users or self.events or self.attempts or self.answers)


def pseudonym_of(user_id: str) -> str:
    """The same for the same user, and nobody else's."""
    return f"forgotten-{user_id.removeprefix('usr_')}"


@transaction.atomic
def forget(*, player_id: str, reason: str, actor: Any, leave_money: bool = False, now: datetime) -> Forgotten:
    """Put a user under its pseudonym everywhere and close its account for good; audited without what it was called.

    Raises NotFound, ValidationFailed without a reason, and StillNeeded while positions are open, callbacks about it are
    on their way, or (unless ``leave_money``) it has a balance or a debt. Again is harmless.
    """
    if not reason.strip():
        raise ValidationFailed(details={"reason": ["is required"]})
    operator_id = Player.objects.filter(pk=player_id).values_list("operator_id", flat=True).first()
    if operator_id is None:
        raise NotFound("No such user")
    gate.enter(operator_id)
    player = Player.objects.select_for_update(no_key=True, of=("self",)).get(pk=player_id)
    _require_done(player, leave_money=leave_money)
    pseudonym = pseudonym_of(player.id)
    email = f"{pseudonym}@{_DOMAIN}"
    rewritten = forgetting.forget(operator_id, player.id, pseudonym=pseudonym, email=email)
    done = Forgotten(player.id, pseudonym, int(_rename(player, pseudonym, email, now)), **asdict(rewritten))
    if done.changed:
        audit.record(
            actor=actor,
            action="user.forget",
            object_type="user",
            object_id=player.id,
            changes={name: {"from": None, "to": None} for name in ("external_id", "username", "email")},
            reason=reason,
            metadata={"leave_money": leave_money, **asdict(rewritten)},
            now=now,
        )
    return done


def _require_done(player: Player, *, leave_money: bool) -> None:
    problems = []
    if player.open_positions:
        problems.append(f"{player.open_positions} positions are open: let them settle or sell them")
    if not leave_money and player.balance_usd:
        problems.append("there is a balance: have it withdrawn, or leave it")
    if not leave_money and player.debt_usd:
        problems.append("there is a debt: have it repaid, or leave it")
    if forgetting.is_being_told(player.operator_id, player.id):
        problems.append("callbacks about the user are on their way: let them arrive or die")
    if problems:
        raise StillNeeded(details={"user": problems})


def _rename(player: Player, pseudonym: str, email: str, now: datetime) -> bool:
    if player.external_id == pseudonym:
        return False
    player.external_id = player.username = pseudonym
    player.email = email if player.email else None
    player.status, player.status_set_by = Player.Status.INACTIVE, Player.Actor.STAFF
    player.updated_at = now
    player.save(update_fields=_FIELDS)
    return True
