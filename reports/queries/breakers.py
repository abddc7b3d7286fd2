"""Circuit breakers as their list shows them, and the scopes one may stand over."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from operators.models import CATEGORIES, Operator
from predictu import clock, ids, money
from predictu.errors import ValidationFailed
from predictu.platform import config
from risk import queries
from risk.models import CircuitBreaker, Scope
from trading.models import Market
from trading.queries import names


def shown(breakers: Sequence[CircuitBreaker]) -> list[dict[str, Any]]:
    """Breakers in the document's words; a threshold that follows the configuration is the configured one."""
    configuration = config.newest()[1]
    values = queries.current_values(breakers, configuration)
    labels = names.names({breaker.scope_id for breaker in breakers})
    return [_row(breaker, configuration, labels, values[breaker.id]) for breaker in breakers]


def _row(
    breaker: CircuitBreaker, configuration: config.Configuration, labels: dict[str, str], value: Decimal | None
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


def known_scope_id(scope: str, given: str | None) -> str:
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
