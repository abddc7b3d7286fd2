"""God Mode's circuit breakers: the list, and what the desk does with them."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from operators.models import CATEGORIES, Operator
from predictu import clock, ids, money
from predictu.api import pages
from predictu.api.fields import NumberField, SwitchField, TextField
from predictu.api.views import DataView
from predictu.errors import NotFound, ValidationFailed
from predictu.platform import config
from risk import queries
from risk.models import CircuitBreaker, Scope
from risk.services import desk
from trading.models import Market
from trading.queries import names

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
        found = CircuitBreaker.objects.order_by("created_at", "id")
        scope, status = self.query.choice("scope", _SCOPES), self.query.choice("status", ("armed", "tripped"))
        if scope is not None:
            found = found.filter(scope=scope)
        if status is not None:
            found = found.filter(status=status)
        page = pages.optional_page(self.query)
        rows = found if page is None else found[page.offset : page.offset + page.limit]
        return self.answer(shown(list(rows)), total=found.count())

    def post(self, request: Request) -> Response:
        body = self.body(BreakerBody)
        breaker = desk.create_breaker(
            scope=body["scope"],
            scope_id=_scope_id(body["scope"], body.get("scope_id")),
            trigger_type=body["trigger_type"],
            trigger_threshold=body["trigger_threshold"],
            cooldown_minutes=int(body["cooldown_minutes"]),
            auto_reset=body["auto_reset"],
            buys_only=body["buys_only"],
            actor=self.admin,
            reason=body["reason"],
            now=clock.now(),
        )
        return self.answer(shown([breaker])[0], status=201)


class BreakerView(DataView):
    permissions = {"PATCH": _PERMISSION}

    def get(self, request: Request, breaker_id: str) -> Response:
        breaker = CircuitBreaker.objects.filter(pk=_breaker_id(breaker_id)).first()
        if breaker is None:
            raise NotFound("No such circuit breaker")
        return self.answer(shown([breaker])[0])

    def patch(self, request: Request, breaker_id: str) -> Response:
        body = self.body(BreakerChange)
        reason = body.pop("reason")
        breaker = desk.change_breaker(
            breaker_id=_breaker_id(breaker_id), changes=body, actor=self.admin, reason=reason, now=clock.now()
        )
        return self.answer(shown([breaker])[0])


class BreakerResetView(DataView):
    permissions = {"POST": _PERMISSION}

    def post(self, request: Request, breaker_id: str) -> Response:
        reason = self.body(ReasonBody)["reason"]
        breaker = desk.reset_breaker(
            breaker_id=_breaker_id(breaker_id), actor=self.admin, reason=reason, now=clock.now()
        )
        return self.answer(shown([breaker])[0])


class BreakerTripView(DataView):
    permissions = {"POST": _PERMISSION}

    def post(self, request: Request, breaker_id: str) -> Response:
        reason = self.body(ReasonBody)["reason"]
        breaker = desk.trip_breaker(
            breaker_id=_breaker_id(breaker_id), actor=self.admin, reason=reason, now=clock.now()
        )
        return self.answer(shown([breaker])[0])


def shown(breakers: Sequence[CircuitBreaker]) -> list[dict[str, Any]]:
    """Breakers in the document's words; a threshold that follows the configuration is the configured one."""
    configuration = config.newest()[1]
    values = queries.current_values(breakers, configuration)
    labels = names.names({breaker.scope_id for breaker in breakers})
    return [_row(breaker, configuration, labels, values[breaker.id]) for breaker in breakers]


def _row(
    breaker: CircuitBreaker, configuration: config.Configuration, labels: dict[str, str], value: Any
) -> dict[str, Any]:
    threshold = breaker.trigger_threshold
    if breaker.follows_config:
        threshold = configuration["risk.circuit_breaker_threshold_pct"]
    places = 2 if breaker.trigger_type == CircuitBreaker.Trigger.LOSS_USD_24H else 1
    return {
        "id": breaker.id,
        "scope": breaker.scope,
        "scope_id": breaker.scope_id or None,
        "scope_label": labels.get(breaker.scope_id, breaker.scope_id.capitalize()) if breaker.scope_id else "Global",
        "trigger_type": breaker.trigger_type,
        "trigger_threshold": threshold,
        "follows_config": breaker.follows_config,
        "current_value": None if value is None else money.rounded(value, places),
        "status": breaker.status,
        "buys_only": breaker.buys_only,
        "is_enabled": breaker.is_enabled,
        "cooldown_minutes": breaker.cooldown_minutes,
        "auto_reset": breaker.auto_reset,
        "tripped_at": clock.seconds(breaker.tripped_at),
        "tripped_reason": breaker.tripped_reason or None,
        "reset_at": clock.seconds(breaker.reset_at),
        "created_by": breaker.created_by_id,
        "created_at": clock.seconds(breaker.created_at),
        "updated_at": clock.seconds(breaker.updated_at),
    }


def _breaker_id(text: str) -> str:
    try:
        ids.decode("cb", text)
    except ValueError:
        raise NotFound("No such circuit breaker") from None
    return text


def _scope_id(scope: str, given: str | None) -> str:
    """The id of a scope that exists, operators also by slug. Raises ValidationFailed."""
    if scope == Scope.GLOBAL:
        if given:
            raise ValidationFailed(details={"scope_id": ["the global scope has none"]})
        return ""
    if scope == Scope.CATEGORY and given in CATEGORIES:
        return given
    if scope == Scope.OPERATOR and given:
        operator = Operator.objects.filter(slug=given).first() if not _is("op", given) else None
        if operator is not None or (_is("op", given) and Operator.objects.filter(pk=given).exists()):
            return operator.id if operator is not None else given
    if scope == Scope.MARKET and given and _is("mkt", given) and Market.objects.filter(pk=given).exists():
        return given
    raise ValidationFailed(details={"scope_id": [f"is not a {scope} we know"]})


def _is(prefix: str, text: str) -> bool:
    try:
        ids.decode(prefix, text)
    except ValueError:
        return False
    return True
