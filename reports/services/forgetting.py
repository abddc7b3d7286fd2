"""Forgetting a person on the whole platform: its rows, and the files that may name it."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.services import forgetting
from accounts.services.forgetting import Forgotten, StillNeeded
from reports.models import Export, Report, Status

log = logging.getLogger("predictu.forgetting")


@transaction.atomic
def forget(*, player_id: str, reason: str, actor: Any, leave_money: bool = False, now: datetime) -> Forgotten:
    """Put a user under its pseudonym, and end every report and export that holds personal data: they can be made anew.

    Raises what ``accounts.services.forgetting.forget`` raises, and StillNeeded while such a file is being made.
    """
    personal = Q(include_pii=True)
    done = forgetting.forget(player_id=player_id, reason=reason, actor=actor, leave_money=leave_money, now=now)
    for model in (Report, Export):
        found = model._default_manager.filter(personal)
        if found.filter(status=Status.PROCESSING).exists():
            raise StillNeeded(details={"user": ["a file with personal data is being made: try again when it is done"]})
        if done.changed:
            found.filter(status=Status.READY, expires_at__gt=now).update(expires_at=now)
    if done.changed:
        Report.objects.filter(personal, delivery_due_at__isnull=False).update(
            delivery_due_at=None, delivery_error="a user in it was forgotten"
        )
        # The log outlives a restore to an earlier moment, after which the person has to be forgotten again.
        transaction.on_commit(lambda: log.warning("forgot %s", done.user_id))
    return done
