"""The body of every callback: five keys around an event's payload, as the documented PING shows them. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from predictu import clock


def encode(*, event: str, operator_id: str, at: datetime, test: bool, payload: Mapping[str, Any]) -> bytes:
    """The exact bytes to store, sign and send. ``payload`` holds JSON values and Decimals, in their order."""
    return orjson.dumps(
        {
            "event": event,
            "operator_id": operator_id,
            "timestamp": clock.milliseconds(at),
            "test": test,
            "payload": payload,
        },
        default=_number,
    )


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
