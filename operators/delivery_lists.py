"""Deliveries as the two APIs and the admin list them: filters, exact totals, rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db.models import QuerySet

from operators.models import Attempt, CallbackEvent, Delivery
from predictu import clock
from predictu.api import lists
from predictu.api.pages import Page
from predictu.api.params import Query

State = Delivery.State

# The states as the APIs name them: what waits for an earlier event of its user simply waits.
STATUSES: dict[str, tuple[str, ...]] = {
    "waiting": (State.READY, State.BEHIND),
    "failed": (State.SLOW,),
    "dead": (State.DEAD,),
    "confirmed": (State.CONFIRMED,),
    "recorded": (State.RECORDED,),
}
WORDS = {state: word for word, states in STATUSES.items() for state in states}
EVENTS = tuple(name for name in CallbackEvent.Event.values if name != CallbackEvent.Event.PING)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries; None is no condition. ``since`` is inclusive, ``until`` exclusive, of the events' time."""

    operator_id: str | None = None
    user_id: str | None = None
    event: str | None = None
    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> dict[str, Any]:
        wanted = {
            "operator_id": self.operator_id,
            "user_id": self.user_id,
            "event__event": self.event,
            "state__in": STATUSES[self.status] if self.status else None,
            "event__created_at__gte": self.since,
            "event__created_at__lt": self.until,
        }
        return {name: value for name, value in wanted.items() if value is not None}


def of_query(query: Query, operator_id: str | None) -> DeliveryFilter:
    """The filter that query parameters name. Raises BadRequest naming the parameter."""
    return DeliveryFilter(
        operator_id=operator_id,
        user_id=query.type_id("user_id", "usr"),
        event=query.choice("event", EVENTS),
        status=query.choice("status", tuple(STATUSES)),
        since=query.instant("since", clock.parse_from),
        until=query.instant("until", clock.parse_to),
    )


def matching(wanted: DeliveryFilter) -> QuerySet[Delivery]:
    return Delivery.objects.filter(**wanted.conditions())


def page(wanted: DeliveryFilter, page: Page) -> tuple[list[dict[str, Any]], int]:
    """A page, newest event first, with each delivery's attempts; and how many there are in all."""
    found = matching(wanted)
    total = found.count()
    keys = lists.ids_of(found, lists.ordered("event_id", descending=True, tie="event_id"), page, total)
    return rows(keys), total


_COLUMNS = (
    "event_id event__id event__event event__sequence event__subject_id event__test event__created_at operator__slug "
    "user_id state due_at claim__until attempts last_attempt_at last_error confirmed_at"
).split()


def rows(ordinals: Sequence[int]) -> list[dict[str, Any]]:
    """The deliveries of these events, in this order, with their attempts."""
    found = list(Delivery.objects.filter(pk__in=ordinals).values(*_COLUMNS))
    attempts = _attempts(ordinals)
    ordered = lists.in_order(found, ordinals, key="event_id")
    return [_row(values, attempts.get(values["event_id"], [])) for values in ordered]


def _row(values: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "id": values["event__id"],
        "sequence": values["event__sequence"],
        "event": values["event__event"],
        "operator_slug": values["operator__slug"],
        "user_id": values["user_id"] or None,
        "subject_id": values["event__subject_id"] or None,
        "test": values["event__test"],
        "status": WORDS[values["state"]],
        "created_at": clock.seconds(values["event__created_at"]),
        "confirmed_at": clock.seconds(values["confirmed_at"]),
        "last_attempt_at": clock.seconds(values["last_attempt_at"]),
        "next_attempt_at": clock.seconds(None if values["claim__until"] else values["due_at"]),
        "attempt_count": values["attempts"],
        "error": values["last_error"] or None,
        "attempts": [_attempt(attempt) for attempt in attempts],
    }


def _attempts(ordinals: Iterable[int]) -> dict[int, list[Mapping[str, Any]]]:
    columns = "delivery_id number at confirmed http_status error cause latency_ms phases_ms".split()
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in Attempt.objects.filter(delivery__in=list(ordinals)).order_by("id").values(*columns):
        found.setdefault(row["delivery_id"], []).append(row)
    return found


def _attempt(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": row["number"],
        "at": clock.seconds(row["at"]),
        "confirmed": row["confirmed"],
        "http_status": row["http_status"],
        "error": row["error"] or None,
        "cause": row["cause"] or None,
        "latency_ms": row["latency_ms"],
        "phases_ms": row["phases_ms"],
    }


def event_row(event: CallbackEvent) -> dict[str, Any]:
    """An event as it is pulled: its number and id, and the body as it is sent."""
    return {"sequence": event.sequence, "id": event.id, **orjson.loads(bytes(event.body))}
