"""What staff change of a user: tier, status, limit tier, restrictions. It binds the user's very next call."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Player
from operators.services import callbacks
from predictu.errors import NotFound
from predictu.platform import audit
from risk.services import events

RESTRICTIONS = ("max_bet_usd", "allowed_categories", "blocked_categories", "blocked_markets", "cooldown_until")
FIELDS = ("tier", "tier_expires_at", "status", "limit_tier", *RESTRICTIONS)
_SET_BY = {"tier": "tier_set_by", "status": "status_set_by", "limit_tier": "limit_tier_set_by"}
_TOLD = (Player.Tier.RESTRICTED, Player.Tier.BANNED)


@transaction.atomic
def change_by_staff(*, player_id: str, changes: Mapping[str, Any], actor: Any, reason: str, now: datetime) -> Player:
    """Set what ``changes`` names of ``FIELDS``.

    A tier set by staff stays until staff set it back to normal, which hands it back to scoring; normal with a
    ``tier_expires_at`` is a decision too, which scoring leaves alone until then. Leaving a tier takes with it only what
    came with the tier, never a restriction of its own. Raises NotFound.
    """
    player = (
        Player.objects.select_for_update(no_key=True, of=("self",)).select_related("operator").filter(pk=player_id)
    ).first()
    if player is None:
        raise NotFound("No such user")
    before = {name: getattr(player, name) for name in FIELDS}
    for name in FIELDS:
        setattr(player, name, changes.get(name, before[name]))
    if "tier" in changes:
        player.tier_expires_at = changes.get("tier_expires_at")
    for name, set_by in _SET_BY.items():
        if name in changes:
            setattr(player, set_by, Player.Actor.STAFF)
    if player.tier == Player.Tier.NORMAL and player.tier_expires_at is None:
        player.tier_set_by = Player.Actor.SYSTEM
    player.updated_at = now
    player.save(update_fields=[*FIELDS, *_SET_BY.values(), "updated_at"])
    difference = audit.difference(before, {name: getattr(player, name) for name in FIELDS})
    if difference:
        audit.record(
            actor=actor, action="user.change", object_type="user", object_id=player.id, changes=difference,
            reason=reason, now=now,
        )  # fmt: skip
    if player.tier != before["tier"]:
        tier_changed(player, previous=before["tier"], by="staff", now=now)
    return player


def tier_changed(player: Player, *, previous: str, by: str, now: datetime) -> None:
    """Tell of a tier that was set on a player whose row is held: the desk always, the operator when it restricts."""
    if player.is_test:
        return
    events.tier_changed(player, previous=previous, by=by, now=now)
    if player.tier in _TOLD:
        callbacks.queue(
            operator_id=player.operator_id,
            event="USER_RESTRICTED",
            payload={
                "user_id": player.id,
                "external_id": player.external_id,
                "score": player.score or 0,
                "classification": player.tier,
            },
            user_id=player.id,
            subject_id=player.id,
            test=player.is_test,
            now=now,
        )
