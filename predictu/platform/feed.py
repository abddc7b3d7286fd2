"""Reading the activity feed: newest first, by the numbers the relay gave, with a cursor that is a position."""

import base64
import binascii
from dataclasses import dataclass

import orjson
from django.db.models import QuerySet

from predictu.errors import BadRequest
from predictu.platform.models import ActivityEvent

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines; None is no condition."""

    type: str | None = None
    operator_id: str | None = None


def page(wanted: Filter, *, cursor: str | None, limit: int) -> tuple[list[ActivityEvent], str | None]:
    """At most ``limit`` lines older than ``cursor``, and the cursor of what follows (None at the end).

    Only numbered lines are read, and numbers are given in order of commit: a line that arrives later is newer than
    every line read before, so nothing is skipped or repeated. Raises BadRequest for a cursor that is none.
    """
    found = _matching(wanted)
    if cursor is not None:
        found = found.filter(number__lt=position(cursor))
    rows = list(found.order_by("-number")[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, _cursor(rows[-1]) if more else None


def _matching(wanted: Filter) -> QuerySet[ActivityEvent]:
    found = ActivityEvent.objects.filter(number__isnull=False)
    if wanted.type is not None:
        found = found.filter(type=wanted.type)
    if wanted.operator_id is not None:
        found = found.filter(operator_id=wanted.operator_id)
    return found


def _cursor(event: ActivityEvent) -> str:
    return base64.urlsafe_b64encode(orjson.dumps({"before": event.number})).decode()


def position(cursor: str) -> int:
    """The number a cursor stands before. Raises BadRequest."""
    try:
        decoded = orjson.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
        number = decoded["before"]
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _LARGEST:
            raise ValueError
    except (ValueError, KeyError, TypeError, UnicodeEncodeError, binascii.Error):
        raise BadRequest("cursor is not one of ours", details={"cursor": ["is not a cursor of this feed"]}) from None
    return number
