"""What operators are told: written in the fact's own transaction, numbered by the relay after commit."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from operators.models import CallbackEvent
from predictu import clock, jobs


def body(*, event: str, operator_id: str, payload: Mapping[str, Any], test: bool, now: datetime) -> bytes:
    """The exact bytes that are stored, signed and sent, with the documented keys."""
    envelope = {
        "event": event,
        "operator_id": operator_id,
        "timestamp": clock.milliseconds(now),
        "test": test,
        "payload": payload,
    }
    return orjson.dumps(envelope, default=_number)


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
        body=body(event=event, operator_id=operator_id, payload=payload, test=test, now=now),
        test=test,
        created_at=now,
    )
    jobs.ring(operator_id)
    return created


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)
