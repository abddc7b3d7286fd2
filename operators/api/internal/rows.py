"""Operators as God Mode shows them."""

from datetime import datetime
from typing import Any

from operators import steps
from operators.api.metrics import Metrics
from operators.models import Operator, OperatorKey
from operators.services import health, onboarding
from operators.services.onboarding import Moved
from predictu import clock, money
from predictu.money import ZERO

_BRANDING = ("primary_color", "secondary_color", "logo_url", "favicon_url", "display_name")


def listed(operator: Operator, metrics: Metrics) -> dict[str, Any]:
    """A row of the list."""
    return {
        "id": operator.id,
        "slug": operator.slug,
        "name": operator.name,
        "status": operator.status,
        "logo_url": operator.branding.get("logo_url"),
        "primary_color": operator.branding.get("primary_color"),
        "s2s_enabled": operator.s2s_enabled,
        "callback_url": operator.callback_url or None,
        "embed_origins": operator.embed_origins,
        "user_count": metrics.user_count,
        "trade_count": metrics.trade_count,
        "revenue_total_usd": metrics.revenue_total_usd,
        "revenue_30d_usd": metrics.revenue_30d_usd,
        "created_at": clock.seconds(operator.created_at),
        "onboarded_at": clock.seconds(operator.onboarded_at),
    }


def detail(operator: Operator, metrics: Metrics) -> dict[str, Any]:
    """The whole profile."""
    callbacks = health.health_of([operator.id])[operator.id]
    return {
        "id": operator.id,
        "slug": operator.slug,
        "name": operator.name,
        "status": operator.status,
        "stage": operator.stage,
        "domain": operator.domain,
        "contact_email": operator.contact_email,
        "contact_name": operator.contact_name or None,
        "billing_email": operator.billing_email,
        "website_url": operator.website_url or None,
        "callback_url": operator.callback_url or None,
        "s2s_enabled": operator.s2s_enabled,
        "s2s_healthy": callbacks.is_healthy,
        "s2s_last_ping": clock.seconds(callbacks.last_success),
        "branding": {name: operator.branding.get(name) for name in _BRANDING},
        "embed_origins": operator.embed_origins,
        "config": config(operator),
        "revenue_share_predictu": operator.predictu_share_pct,
        "billing": billing(operator),
        "metrics": {
            "user_count": metrics.user_count,
            "active_users_24h": metrics.active_users_24h,
            "trade_count": metrics.trade_count,
            "trade_volume_usd": metrics.volume_usd,
            "revenue_total_usd": metrics.revenue_total_usd,
            "revenue_30d_usd": metrics.revenue_30d_usd,
            "avg_trade_usd": metrics.avg_trade_usd,
            "exposure_usd": metrics.exposure_usd,
        },
        "onboarding": onboarding_of(operator),
        "suspension": suspension(operator),
        "created_at": clock.seconds(operator.created_at),
        "updated_at": clock.seconds(operator.updated_at),
    }


def config(operator: Operator) -> dict[str, Any]:
    """God Mode's keys of the configuration."""
    return {
        "max_bet_usd": operator.max_bet_usd,
        "min_bet_usd": operator.min_bet_usd,
        "default_currency": operator.default_currency,
        "allowed_categories": operator.allowed_categories,
        "risk_tier": operator.risk_tier,
        "spread_override": operator.spread_override_bps,
        "custom_fees_bps": operator.custom_fees_bps,
        "exposure_limit_usd": operator.exposure_limit_usd,
        "category_limits": operator.category_limits,
    }


def billing(operator: Operator) -> dict[str, Any]:
    """What stands on invoices."""
    return {
        "legal_name": operator.legal_name,
        "billing_address": operator.billing_address,
        "tax_id": operator.tax_id,
        "tax_rate_pct": operator.tax_rate_pct,
        "payment_terms_days": operator.payment_terms_days,
        "po_reference": operator.po_reference,
    }


def suspension(operator: Operator) -> dict[str, Any] | None:
    if operator.suspended_at is None:
        return None
    return {
        "suspended_at": clock.seconds(operator.suspended_at),
        "suspended_by": operator.suspended_by_id,
        "reason": operator.suspension_reason,
    }


def onboarding_of(operator: Operator) -> dict[str, Any]:
    """``stage`` is the current step, ``complete`` when live."""
    done, skipped = onboarding.completed(operator)
    return {
        "stage": "complete" if operator.is_live else steps.current(done),
        "completed_steps": done,
        "skipped_steps": skipped,
        "onboarded_at": clock.seconds(operator.onboarded_at),
    }


def moved(outcome: Moved, *, notes: str, admin_id: str, now: datetime) -> dict[str, Any]:
    """The answer to a call of the onboarding."""
    done = outcome.completed
    return {
        "operator_id": outcome.operator.id,
        "current_step": outcome.current,
        "previous_step": outcome.left,
        "completed_steps": done,
        "skipped_steps": outcome.skipped,
        "remaining_steps": [step for step in steps.STEPS if step not in done],
        "status": outcome.operator.status,
        "progress_pct": int(money.rounded(money.percent(ZERO + len(done), ZERO + len(steps.STEPS)), 0)),
        "notes": notes,
        "updated_by": admin_id,
        "updated_at": clock.seconds(now),
    }


def key(row: OperatorKey, now: datetime) -> dict[str, Any]:
    """A key as it may be shown: never its secret."""
    use = getattr(row, "use", None)
    return {
        "key_id": row.id,
        "public_key": row.public_key,
        "label": row.label,
        "status": row.status(now),
        "created_at": clock.seconds(row.created_at),
        "expires_at": clock.seconds(row.expires_at),
        "revoked_at": clock.seconds(row.revoked_at),
        "last_used_at": clock.seconds(use.last_used_at if use else None),
    }
