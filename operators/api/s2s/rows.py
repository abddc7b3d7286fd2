"""Operators as the S2S API shows them."""

from datetime import datetime
from typing import Any

from billing.models import Invoice
from operators import steps
from operators.api.metrics import Metrics
from operators.api.s2s import translate
from operators.models import Operator, OperatorKey
from operators.services import facts, health
from predictu import clock

_CONFIG = (
    "new_tier_limit",
    "regular_tier_limit",
    "vip_tier_limit",
    "auto_promote_enabled",
    "auto_promote_days",
    "auto_promote_trades",
    "daily_loss_limit_enabled",
    "daily_loss_limit_usd",
    "can_promote_vip",
)


def listed(operator: Operator, metrics: Metrics) -> dict[str, Any]:
    """A row of the list."""
    return {
        "id": operator.id,
        "name": operator.name,
        "domain": operator.domain,
        "status": steps.s2s_status(operator.status),
        "user_count": metrics.user_count,
        "active_user_count_24h": metrics.active_users_24h,
        "total_volume": metrics.volume_usd,
        "mtd_revenue": metrics.mtd_revenue_usd,
        "revenue_share_predictu": operator.predictu_share_pct,
        "onboarding_complete": operator.is_live,
        "created_at": clock.milliseconds(operator.created_at),
    }


def created(operator: Operator, now: datetime) -> dict[str, Any]:
    """The answer to a creation."""
    return {
        "id": operator.id,
        "name": operator.name,
        "domain": operator.domain,
        "status": steps.s2s_status(operator.status),
        "contact_email": operator.contact_email,
        "billing_email": operator.billing_email,
        "revenue_share_predictu": operator.predictu_share_pct,
        "revenue_share_operator": 100 - operator.predictu_share_pct,
        "onboarding_step": steps.leading(facts.of(operator, now), live=operator.is_live),
        "onboarding_complete": operator.is_live,
        "created_at": clock.milliseconds(operator.created_at),
    }


def model(operator: Operator, metrics: Metrics, now: datetime) -> dict[str, Any]:
    """The documented operator model."""
    callbacks = health.health_of([operator.id])[operator.id]
    return {
        "id": operator.id,
        "name": operator.name,
        "domain": operator.domain,
        "status": steps.s2s_status(operator.status),
        "contact_email": operator.contact_email,
        "billing_email": operator.billing_email,
        "callback_url": operator.callback_url or None,
        "callback_status": callbacks.status,
        "callback_last_success": clock.milliseconds(callbacks.last_success),
        "callback_failure_count": callbacks.failure_count,
        "revenue_share_predictu": operator.predictu_share_pct,
        "revenue_share_operator": 100 - operator.predictu_share_pct,
        "allowed_categories": operator.allowed_categories,
        "branding": translate.branding(operator.branding),
        "config": {name: getattr(operator, name) for name in _CONFIG},
        "onboarding_step": steps.leading(facts.of(operator, now), live=operator.is_live),
        "onboarding_complete": operator.is_live,
        "allowed_origins": operator.embed_origins,
        "user_count": metrics.user_count,
        "active_user_count_24h": metrics.active_users_24h,
        "total_volume": metrics.volume_usd,
        "mtd_revenue": metrics.mtd_revenue_usd,
        "created_at": clock.milliseconds(operator.created_at),
        "updated_at": clock.milliseconds(operator.updated_at),
    }


def checklist(operator: Operator, now: datetime) -> dict[str, Any]:
    """The eight entries as they are; a skipped one says so."""
    known = facts.of(operator, now)
    shown: dict[str, Any] = {}
    for name in steps.CHECKLIST:
        fact = known.get(name)
        complete = fact is not None and not fact.skipped
        shown[name] = {
            "complete": complete,
            "completed_at": clock.milliseconds(fact.completed_at if complete else None),
        }
        if fact is not None and fact.skipped:
            shown[name]["skipped"] = True
    return shown


def key(row: OperatorKey, now: datetime) -> dict[str, Any]:
    """A key as the detail lists it; when it ends is an addition."""
    use = getattr(row, "use", None)
    return {
        "key_id": row.id,
        "public_key": row.public_key,
        "label": row.label,
        "status": row.status(now),
        "created_at": clock.milliseconds(row.created_at),
        "last_used_at": clock.milliseconds(use.last_used_at if use else None),
        "expires_at": clock.milliseconds(row.expires_at),
    }


def invoice(row: Invoice) -> dict[str, Any]:
    """A month's invoice by its own gross revenue; the parties' shares add up to it."""
    return {
        "invoice_id": row.id,
        "period": f"{row.month:%Y-%m}",
        "gross_revenue": row.gross_usd,
        "predictu_share": row.share_usd,
        "operator_share": row.gross_usd - row.share_usd,
        "status": row.status,
    }
