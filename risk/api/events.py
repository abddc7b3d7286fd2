"""God Mode's risk events."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from operators import queries as operators
from predictu import clock, ids
from predictu.api import lists, pages
from predictu.api.fields import TextField
from predictu.api.views import DataView
from predictu.errors import NotFound
from risk import queries
from risk.models import RiskEvent
from risk.services import desk
from trading.queries import names

_SEVERITIES, _TYPES = tuple(RiskEvent.Severity.values), tuple(RiskEvent.Type.values)


class NoteBody(serializers.Serializer):
    note = TextField(max_length=1000)


class EventsView(DataView):
    def get(self, request: Request) -> Response:
        """Risk events, newest first."""
        start, end = self.query.window()
        operator = operators.of_query(self.query)
        found = queries.events(
            queries.EventFilter(
                severity=self.query.choice("severity", _SEVERITIES),
                type=self.query.choice("type", _TYPES),
                operator_id=operator.id if operator is not None else None,
                player_id=self.query.type_id("user_id", "usr"),
                market_id=self.query.type_id("market_id", "mkt"),
                resolved=self.query.boolean("resolved"),
                start=start,
                end=end,
            )
        )
        page, total = pages.page(self.query), found.count()
        keys = lists.ids_of(found, lists.ordered("created_at", descending=True), page, total)
        by_key = RiskEvent.objects.select_related("operator").in_bulk(keys)
        return Response(page.envelope(shown([by_key[key] for key in keys]), total))


class EventResolveView(DataView):
    permissions = {"POST": "risk.manage"}

    @extend_schema(request=NoteBody)
    def post(self, request: Request, event_id: str) -> Response:
        """Say with a note that a risk event was dealt with."""
        note = self.body(NoteBody)["note"]
        try:
            ids.decode("evt", event_id)
        except ValueError:
            raise NotFound("No such risk event") from None
        event = desk.resolve_event(event_id=event_id, note=note, actor=self.admin, now=clock.now())
        return self.answer(shown([event])[0])


def shown(events: list[RiskEvent]) -> list[dict]:
    """Events with today's names in their messages."""
    messages = names.fill([event.message for event in events])
    return [queries.event_row(event, message) for event, message in zip(events, messages, strict=True)]
