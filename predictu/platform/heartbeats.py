"""When each periodic process was last seen alive."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from predictu.platform.models import Heartbeat


def seen(name: str, *, now: datetime, detail: Mapping[str, Any] | None = None) -> None:
    """``name`` is alive at ``now``."""
    Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": now, "detail": dict(detail or {})})
