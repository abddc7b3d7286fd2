"""The body of every callback: five keys around an event's payload, as the documented PING shows them. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from predictu import clock


def encode(*, event: str, operator_id: str, at: datetime, test: bool, payload: Mapping[str, Any]) -> bytes:
    """The exact bytes to store, sign and send. ``payload`` holds JSON values only, in the order they shall have."""
    return orjson.dumps(
        {
            "event": event,
            "operator_id": operator_id,
            "timestamp": clock.milliseconds(at),
            "test": test,
            "payload": payload,
        }
    )
