"""The desk's verdict on a user that scoring has flagged: the tier staff decide on, and the flags it answers.

A user waits for review while a ``sharp_detection`` warning of theirs is open. Every verdict answers all of them with
its reason.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Min, QuerySet

from accounts.models import Player
from risk.models import RiskEvent
from risk.services import desk, users


def waiting() -> QuerySet[Any]:
    """Users waiting for a verdict, by ``player_id``: ``since`` when and for how many ``flags``."""
    return _open().values("player_id").annotate(since=Min("created_at"), flags=Count("pk")).order_by("player_id")


def _open() -> QuerySet[RiskEvent]:
    return RiskEvent.objects.filter(
        type=RiskEvent.Type.SHARP_DETECTION,
        severity=RiskEvent.Severity.WARNING,
        resolved_at__isnull=True,
        player__isnull=False,
    )


def flags_of(player_id: str) -> QuerySet[RiskEvent]:
    """The open flags of one user, oldest first."""
    return _open().filter(player_id=player_id).order_by("created_at", "id")


@transaction.atomic
def decide(*, player_id: str, tier: str, expires_at: datetime | None, reason: str, actor: Any, now: datetime) -> Player:
    """Set the tier by staff, until ``expires_at`` where it is given, and answer the user's flags.

    The normal tier without an end hands the user back to scoring; with one it leaves them alone until then. Raises
    NotFound.
    """
    player = users.change_by_staff(
        player_id=player_id,
        changes={"tier": tier, "tier_expires_at": expires_at},
        actor=actor,
        reason=reason,
        now=now,
    )
    for event_id in list(flags_of(player_id).values_list("pk", flat=True)):
        desk.resolve_event(event_id=event_id, note=reason, actor=actor, now=now)
    return player
