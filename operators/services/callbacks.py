"""What operators are told: written in the fact's own transaction, numbered by the relay after commit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from operators import envelope
from operators.models import CallbackEvent
from predictu import jobs


def queue(
    *,
    operator_id: str,
    event: str,
    payload: Mapping[str, Any],
    now: datetime,
    user_id: str = "",
    subject_id: str = "",
    test: bool = False,
) -> CallbackEvent:
    """Record an event for ``operator_id``. Whoever tells of a user holds that user's row, which keeps their order."""
    created = CallbackEvent.objects.create(
        operator_id=operator_id,
        event=event,
        user_id=user_id,
        subject_id=subject_id,
        body=envelope.encode(event=event, operator_id=operator_id, at=now, test=test, payload=payload),
        test=test,
        created_at=now,
    )
    jobs.ring(operator_id)
    return created
