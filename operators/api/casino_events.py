"""The Casino API's own view of callbacks: pull the events, look at the deliveries, ask for one again."""

from django.db.models import Max, Min
from rest_framework.request import Request
from rest_framework.response import Response

from operators import delivery_lists
from operators.delivery_lists import EVENTS
from operators.models import CallbackEvent, Delivery
from operators.services import replays
from predictu import clock, ids
from predictu.api import pages
from predictu.api.views import DataView, Nothing
from predictu.errors import Gone, NotFound

_MOST, _DEFAULT = 200, 100
_LARGEST = 10**12 - 1


class EventsView(DataView):
    def get(self, request: Request) -> Response:
        """Read your events in order, whether or not they were delivered.

        Ask again with ``next_after_sequence``. Events are kept 13 months: older numbers are answered with 410 and
        ``details.oldest_sequence``.
        """
        query = self.query
        after = query.integer("after_sequence", 0, least=0, most=_LARGEST)
        limit = query.integer("limit", _DEFAULT, least=1, most=_MOST)
        event = query.choice("event", EVENTS)
        numbered = CallbackEvent.objects.filter(operator_id=self.operator.id, sequence__isnull=False)
        # Before the rows: what is numbered meanwhile is read the next time.
        ends = numbered.aggregate(oldest=Min("sequence"), newest=Max("sequence"))
        oldest, newest = ends["oldest"] or 0, ends["newest"] or 0
        if after + 1 < oldest:
            raise Gone("Events that old are not kept", details={"oldest_sequence": oldest})
        found = numbered.filter(sequence__gt=after, sequence__lte=newest).order_by("sequence")
        found = found.filter(event=event) if event else found
        rows = list(found[: limit + 1])
        more, rows = len(rows) > limit, rows[:limit]
        following = rows[-1].sequence if more else max(after, newest)
        return self.answer(
            [delivery_lists.event_row(row) for row in rows], next_after_sequence=following, has_more=more
        )


class DeliveriesView(DataView):
    def get(self, request: Request) -> Response:
        """List your deliveries, newest event first, with their attempts."""
        page = pages.page(self.query)
        wanted = delivery_lists.of_query(self.query, self.operator.id)
        return Response(page.envelope(*delivery_lists.page(wanted, page)))


class ReplayView(DataView):
    def post(self, request: Request, delivery_id: str) -> Response:
        """Have a delivery sent to you again, under the same id."""
        self.body(Nothing)
        mine = Delivery.objects.select_related("operator").filter(operator_id=self.operator.id)
        found = mine.filter(event__id=delivery_id).first() if ids.is_one("dlv", delivery_id) else None
        if found is None:
            raise NotFound("No such delivery")
        replays.one(found, now=clock.now())
        return self.answer(delivery_lists.rows([found.pk])[0], status=202)
