"""Changes of an operator with what stands above it: its breaker, its test users at go-live, limits that bind at once.

Every edge that changes an operator calls this, not ``operators.services.lifecycle``.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.services import players
from operators import terms
from operators.models import Operator
from operators.services import keys, lifecycle, onboarding
from risk.services import breakers, limits


@transaction.atomic
def create(
    *, values: Mapping[str, Any], slug: str | None = None, with_key: bool = False, actor: Any, now: datetime
) -> tuple[Operator, keys.NewPair | None]:
    """``lifecycle.create`` with the operator's circuit breaker; ``with_key`` makes the first key pair along."""
    operator = lifecycle.create(values=values, slug=slug, actor=actor, now=now)
    breakers.seed_for_operator(operator.id, now=now)
    pair = None
    if with_key:
        pair = keys.issue(operator=operator, label="API Key", grace=timedelta(0), actor=actor, now=now)
    return operator, pair


@transaction.atomic
def update(
    *,
    operator_id: str,
    changes: Mapping[str, Any],
    status: str | None = None,
    reason: str = "",
    actor: Any,
    now: datetime,
) -> lifecycle.Updated:
    """``lifecycle.update``; a new limit commits holding the operator's bucket and judges what is open."""
    previous_limit = limits.limit_of(operator_id)
    updated = lifecycle.update(
        operator_id=operator_id, changes=changes, status=status, reason=reason, actor=actor, now=now
    )
    if updated.went_live:
        players.retire_test_users(operator_id=operator_id, now=now)
    if terms.touches_limits(updated.changes):
        limits.operator_changed(operator_id=operator_id, previous_limit_usd=previous_limit, now=now)
    return updated


@transaction.atomic
def advance(*, operator_id: str, now: datetime, **terms_of_step: Any) -> onboarding.Moved:
    """``onboarding.advance``; going live retires the test users."""
    moved = onboarding.advance(operator_id=operator_id, now=now, **terms_of_step)
    if moved.went_live:
        players.retire_test_users(operator_id=operator_id, now=now)
    return moved
