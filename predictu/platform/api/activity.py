"""God Mode's activity feed."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from operators import queries as operators
from operators.models import Operator
from predictu import clock
from predictu.api.views import DataView
from predictu.platform import feed
from predictu.platform.models import ActivityEvent
from trading.queries import names

_TYPES = tuple(ActivityEvent.Type.values)


class ActivityView(DataView):
    def get(self, request: Request) -> Response:
        """What happened, newest first; rows arriving meanwhile are neither skipped nor repeated."""
        limit = self.query.integer("limit", 50, least=1, most=200)
        operator = operators.of_query(self.query)
        wanted = feed.Filter(
            type=self.query.choice("type", _TYPES), operator_id=operator.id if operator is not None else None
        )
        events, cursor = feed.page(wanted, cursor=self.query.text("cursor"), limit=limit)
        return self.answer(shown(events), next_cursor=cursor)


def shown(events: list[ActivityEvent]) -> list[dict[str, Any]]:
    """Lines in the document's words, with today's names in them."""
    texts = names.fill([event.description for event in events])
    wanted = {event.operator_id for event in events} - {""}
    slugs = dict(Operator.objects.filter(pk__in=wanted).values_list("pk", "slug"))
    return [
        {
            "id": event.id,
            "type": event.type,
            "title": event.title,
            "description": text,
            "operator_slug": slugs.get(event.operator_id),
            "user_id": event.user_id or None,
            "market_id": event.market_id or None,
            "severity": event.severity,
            "metadata": event.metadata,
            "created_at": clock.seconds(event.created_at),
        }
        for event, text in zip(events, texts, strict=True)
    ]
