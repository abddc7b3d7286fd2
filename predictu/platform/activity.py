"""The activity feed: rows are written in the fact's transaction and become readable when the relay numbers them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from predictu import jobs
from predictu.platform import relay
from predictu.platform.audit import plain
from predictu.platform.models import ActivityEvent


def record(
    *,
    type: str,
    title: str,
    now: datetime,
    description: str = "",
    severity: str = ActivityEvent.Severity.INFO,
    operator_id: str = "",
    user_id: str = "",
    market_id: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> ActivityEvent:
    """Add a line. ``description`` names users, operators and markets as ``{id}``; names are put in when it is read."""
    event = ActivityEvent.objects.create(
        type=type,
        severity=severity,
        title=title,
        description=description,
        operator_id=operator_id,
        user_id=user_id,
        market_id=market_id,
        metadata=plain(dict(metadata or {})),
        created_at=now,
    )
    jobs.ring(relay.ACTIVITY)
    return event
