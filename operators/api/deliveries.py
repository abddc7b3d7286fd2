"""``/api/internal/deliveries``: what operators were told, and telling them again."""

from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from operators import delivery_lists, queries
from operators.delivery_lists import EVENTS, STATUSES, DeliveryFilter
from operators.services import replays
from predictu import clock
from predictu.api import pages
from predictu.api.fields import IdField, InstantField, SwitchField, TextField
from predictu.api.views import DataView
from predictu.errors import ValidationFailed

_CRITERIA = ("id", "operator", "user_id", "event", "status", "since", "until")


class ReplayBody(serializers.Serializer):
    """Which deliveries; at least one criterion."""

    id = IdField("dlv", required=False)
    operator = TextField(required=False, max_length=64)
    user_id = IdField("usr", required=False)
    event = serializers.ChoiceField(EVENTS, required=False)
    status = serializers.ChoiceField(tuple(STATUSES), required=False)
    since = InstantField(required=False)
    until = InstantField(required=False)
    reason = TextField(required=False, max_length=500)
    dry_run = SwitchField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not set(_CRITERIA) & set(attrs):
            raise serializers.ValidationError({"filter": [f"give at least one of {', '.join(_CRITERIA)}"]})
        return attrs


class DeliveriesView(DataView):
    def get(self, request: Request) -> Response:
        """List callback deliveries, newest event first, with their attempts."""
        query, page = self.query, pages.page(self.query)
        operator = queries.of_query(query)
        wanted = delivery_lists.of_query(query, operator.id if operator else None)
        return Response(page.envelope(*delivery_lists.page(wanted, page)))


class ReplayView(DataView):
    permissions = {"POST": "predictu.replay_deliveries"}

    @extend_schema(request=ReplayBody)
    def post(self, request: Request) -> Response:
        """Send deliveries again, under the ids they had.

        Confirmed ones too, unless ``status`` says otherwise; what waits to be sent anyway is left alone. ``dry_run``
        only counts.
        """
        body = self.body(ReplayBody)
        found = delivery_lists.matching(_filter_of(body))
        if "id" in body:
            found = found.filter(event__id=body["id"])
        if body.get("dry_run"):
            return self.answer({"count": replays.replayable(found).count(), "dry_run": True})
        criteria = {name: body[name] for name in _CRITERIA if name in body}
        count = replays.many(found, actor=self.admin, criteria=criteria, reason=body.get("reason", ""), now=clock.now())
        return self.answer({"count": count, "dry_run": False}, status=202)


def _filter_of(body: dict[str, Any]) -> DeliveryFilter:
    names = ("user_id", "event", "status", "since", "until")
    wanted = DeliveryFilter(**{name: body[name] for name in names if name in body})
    if "operator" not in body:
        return wanted
    operator = queries.find(body["operator"])
    if operator is None:
        raise ValidationFailed(details={"operator": ["is not a known slug"]})
    return replace(wanted, operator_id=operator.id)
