"""God Mode's circuit breakers: the list, and what the desk does with them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from predictu import clock, ids
from predictu.api import pages
from predictu.api.fields import NumberField, SwitchField, TextField
from predictu.api.views import DataView
from predictu.errors import NotFound
from reports.queries import breakers as rows
from risk.models import CircuitBreaker
from risk.services import desk

_PERMISSION = "risk.manage"
_SCOPES = tuple(scope for scope, _ in CircuitBreaker.SCOPES)
_LONGEST_COOLDOWN = 60 * 24 * 30


class BreakerChange(serializers.Serializer):
    trigger_threshold = NumberField(places=2, least=0, most=10**9, required=False)
    cooldown_minutes = NumberField(places=0, least=0, most=_LONGEST_COOLDOWN, required=False)
    auto_reset = SwitchField(required=False)
    buys_only = SwitchField(required=False)
    is_enabled = SwitchField(required=False)
    follows_config = SwitchField(required=False)
    reason = TextField(max_length=1000)

    def validate_trigger_threshold(self, value: Any) -> Any:
        if value <= 0:
            raise serializers.ValidationError("must be above 0")
        return value


class BreakerBody(serializers.Serializer):
    scope = serializers.ChoiceField(_SCOPES)
    scope_id = TextField(required=False, allow_null=True, max_length=40)
    trigger_type = serializers.ChoiceField(
        CircuitBreaker.Trigger.values, required=False, default=CircuitBreaker.Trigger.EXPOSURE_PCT
    )
    trigger_threshold = NumberField(places=2, least=0, most=10**9)
    cooldown_minutes = NumberField(places=0, least=0, most=_LONGEST_COOLDOWN, required=False, default=60)
    auto_reset = SwitchField(required=False, default=True)
    buys_only = SwitchField(required=False, default=False)
    reason = TextField(max_length=1000)

    def validate_trigger_threshold(self, value: Any) -> Any:
        if value <= 0:
            raise serializers.ValidationError("must be above 0")
        return value


class ReasonBody(serializers.Serializer):
    reason = TextField(max_length=1000)


class BreakersView(DataView):
    permissions = {"POST": _PERMISSION}

    def get(self, request: Request) -> Response:
        """Circuit breakers with their current values."""
        found = CircuitBreaker.objects.order_by("created_at", "id")
        scope, status = self.query.choice("scope", _SCOPES), self.query.choice("status", ("armed", "tripped"))
        if scope is not None:
            found = found.filter(scope=scope)
        if status is not None:
            found = found.filter(status=status)
        page = pages.optional_page(self.query)
        page_rows = found if page is None else found[page.offset : page.offset + page.limit]
        return self.answer(rows.shown(list(page_rows)), total=found.count())

    @extend_schema(request=BreakerBody)
    def post(self, request: Request) -> Response:
        """Make a circuit breaker."""
        body = self.body(BreakerBody)
        breaker = desk.create_breaker(
            scope=body["scope"],
            scope_id=rows.known_scope_id(body["scope"], body.get("scope_id")),
            trigger_type=body["trigger_type"],
            trigger_threshold=body["trigger_threshold"],
            cooldown_minutes=int(body["cooldown_minutes"]),
            auto_reset=body["auto_reset"],
            buys_only=body["buys_only"],
            actor=self.admin,
            reason=body["reason"],
            now=clock.now(),
        )
        return self.answer(rows.shown([breaker])[0], status=201)


class BreakerView(DataView):
    permissions = {"PATCH": _PERMISSION}

    def get(self, request: Request, breaker_id: str) -> Response:
        """One circuit breaker."""
        breaker = CircuitBreaker.objects.filter(pk=_breaker_id(breaker_id)).first()
        if breaker is None:
            raise NotFound("No such circuit breaker")
        return self.answer(rows.shown([breaker])[0])

    @extend_schema(request=BreakerChange)
    def patch(self, request: Request, breaker_id: str) -> Response:
        """Change a circuit breaker: only what is named changes, with a reason."""
        body = self.body(BreakerChange)
        reason = body.pop("reason")
        breaker = desk.change_breaker(
            breaker_id=_breaker_id(breaker_id), changes=body, actor=self.admin, reason=reason, now=clock.now()
        )
        return self.answer(rows.shown([breaker])[0])


class BreakerResetView(DataView):
    permissions = {"POST": _PERMISSION}

    @extend_schema(request=ReasonBody)
    def post(self, request: Request, breaker_id: str) -> Response:
        """Arm a tripped circuit breaker again."""
        reason = self.body(ReasonBody)["reason"]
        breaker = desk.reset_breaker(
            breaker_id=_breaker_id(breaker_id), actor=self.admin, reason=reason, now=clock.now()
        )
        return self.answer(rows.shown([breaker])[0])


class BreakerTripView(DataView):
    permissions = {"POST": _PERMISSION}

    @extend_schema(request=ReasonBody)
    def post(self, request: Request, breaker_id: str) -> Response:
        """Trip a circuit breaker: new trades in its scope are rejected until it is reset."""
        reason = self.body(ReasonBody)["reason"]
        breaker = desk.trip_breaker(
            breaker_id=_breaker_id(breaker_id), actor=self.admin, reason=reason, now=clock.now()
        )
        return self.answer(rows.shown([breaker])[0])


def _breaker_id(text: str) -> str:
    try:
        ids.decode("cb", text)
    except ValueError:
        raise NotFound("No such circuit breaker") from None
    return text
