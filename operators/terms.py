"""What of an operator can be changed, under the names both APIs and the audit trail share. Pure.

The names are dotted: ``branding.*`` and ``config.*`` as the documents nest them. Faces translate what they call
otherwise (S2S says ``allowed_origins``, ``branding.icon_url`` and puts ``allowed_categories`` on top).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from operators.models import Operator

# Shared name → attribute of the model.
TOP = {
    "name": "name",
    "domain": "domain",
    "website_url": "website_url",
    "contact_email": "contact_email",
    "contact_name": "contact_name",
    "billing_email": "billing_email",
    "callback_url": "callback_url",
    "s2s_enabled": "s2s_enabled",
    "embed_origins": "embed_origins",
    "revenue_share_predictu": "predictu_share_pct",
    "exposure_limit_usd": "exposure_limit_usd",
    "legal_name": "legal_name",
    "billing_address": "billing_address",
    "tax_id": "tax_id",
    "tax_rate_pct": "tax_rate_pct",
    "payment_terms_days": "payment_terms_days",
    "po_reference": "po_reference",
}
CONFIG = {
    "max_bet_usd": "max_bet_usd",
    "min_bet_usd": "min_bet_usd",
    "default_currency": "default_currency",
    "allowed_categories": "allowed_categories",
    "risk_tier": "risk_tier",
    "spread_override": "spread_override_bps",
    "custom_fees_bps": "custom_fees_bps",
    "new_tier_limit": "new_tier_limit",
    "regular_tier_limit": "regular_tier_limit",
    "vip_tier_limit": "vip_tier_limit",
    "auto_promote_enabled": "auto_promote_enabled",
    "auto_promote_days": "auto_promote_days",
    "auto_promote_trades": "auto_promote_trades",
    "daily_loss_limit_enabled": "daily_loss_limit_enabled",
    "daily_loss_limit_usd": "daily_loss_limit_usd",
    "can_promote_vip": "can_promote_vip",
}
BRANDING = (
    "primary_color",
    "secondary_color",
    "bg_primary",
    "bg_secondary",
    "logo_url",
    "favicon_url",
    "display_name",
)

_SETS = ("embed_origins", "allowed_categories")
_LIMITS = ("exposure_limit_usd", "config.risk_tier", "category_limits.")
_NOTIFIED = ("status", "revenue_share_predictu", "config.", *_LIMITS)


def snapshot(operator: Operator) -> dict[str, Any]:
    """Every changeable value of an operator, nested under the shared names."""
    values: dict[str, Any] = {name: getattr(operator, attribute) for name, attribute in TOP.items()}
    values["branding"] = dict(operator.branding)
    values["config"] = {name: getattr(operator, attribute) for name, attribute in CONFIG.items()}
    values["category_limits"] = dict(operator.category_limits)
    return {name: list(value) if isinstance(value, list) else value for name, value in values.items()}


def write(operator: Operator, changes: Mapping[str, Any]) -> None:
    """Put ``changes`` (nested, partial) into the operator's attributes. A set given in another order is no change."""
    for name, value in changes.items():
        if name == "branding":
            operator.branding = {**operator.branding, **value}
        elif name == "config":
            for key, item in value.items():
                _set(operator, key, CONFIG[key], item)
        elif name == "category_limits":
            merged = {**operator.category_limits, **{key: _number(item) for key, item in value.items()}}
            operator.category_limits = {key: item for key, item in merged.items() if item is not None}
        else:
            _set(operator, name, TOP[name], value)


def _set(operator: Operator, name: str, attribute: str, value: Any) -> None:
    if name in _SETS and set(value) == set(getattr(operator, attribute)):
        return
    setattr(operator, attribute, value)


def _number(value: Decimal | int | None) -> int | float | None:
    """A limit as JSON holds it: whole dollars and cents are exact in a float of this size."""
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def problems(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """What does not fit together in a whole snapshot, by shared name."""
    config, found = values["config"], {}
    if config["min_bet_usd"] > config["max_bet_usd"]:
        found["config.min_bet_usd"] = ["must not be above max_bet_usd"]
    if not config["new_tier_limit"] <= config["regular_tier_limit"] <= config["vip_tier_limit"]:
        found["config.regular_tier_limit"] = ["limits must rise from new to regular to vip"]
    if config["daily_loss_limit_enabled"] and config["daily_loss_limit_usd"] is None:
        found["config.daily_loss_limit_usd"] = ["is required while daily_loss_limit_enabled is true"]
    return found


def touches_limits(names: Mapping[str, Any]) -> bool:
    """Whether a diff moves a limit that risk holds the operator to."""
    return any(name.startswith(_LIMITS) for name in names)


def notified(names: Mapping[str, Any]) -> list[str]:
    """The changes of a diff that every admin is told of: status, share, configuration and limits."""
    return [name for name in names if name.startswith(_NOTIFIED)]
