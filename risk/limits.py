"""Which limit binds which scope. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# An operator's exposure limit by risk tier, overridable per operator.
BY_RISK_TIER = {"standard": Decimal(50_000), "premium": Decimal(100_000), "elite": Decimal(250_000)}


@dataclass(frozen=True, slots=True)
class OperatorLimits:
    """What of an operator decides its limits: its risk tier and what overrides it."""

    risk_tier: str
    exposure_limit_usd: Decimal | None
    category_limits: Mapping[str, Any]


def operator_limit(limits: OperatorLimits) -> Decimal:
    """Wall 4: the operator's own limit, else its risk tier's."""
    return limits.exposure_limit_usd if limits.exposure_limit_usd is not None else BY_RISK_TIER[limits.risk_tier]


def operator_category_limit(
    limits: OperatorLimits, category: str, *, category_limit: Decimal, global_limit: Decimal
) -> Decimal:
    """The operator's part of wall 3: its limit × category limit ÷ global limit, unless overridden."""
    override = limits.category_limits.get(category)
    if override is not None:
        return Decimal(str(override))
    return operator_limit(limits) * category_limit / global_limit
