"""Onboarding facts: recorded when they come true, read as they are now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from operators import steps
from operators.models import OnboardingFact, Operator
from operators.services import keys

Name = OnboardingFact.Name


def establish(
    *, operator_id: str, name: str, now: datetime, evidence: Mapping[str, Any] | None = None, skipped: bool = False
) -> None:
    """Record that ``name`` holds. What was already known keeps its time; a skip never hides the real thing."""
    fact, created = OnboardingFact.objects.get_or_create(
        operator_id=operator_id,
        name=name,
        defaults={"completed_at": now, "skipped": skipped, "evidence": dict(evidence or {})},
    )
    if not created and fact.skipped and not skipped:
        fact.skipped, fact.completed_at, fact.evidence = False, now, dict(evidence or {})
        fact.save(update_fields=["skipped", "completed_at", "evidence"])


def withdraw(*, operator_id: str, name: str) -> None:
    """``name`` holds no longer."""
    OnboardingFact.objects.filter(operator_id=operator_id, name=name).delete()


def of(operator: Operator, now: datetime) -> dict[str, steps.Fact]:
    """The facts that hold at ``now``: what was recorded, minus what has lapsed since (the last key expired, say)."""
    rows = OnboardingFact.objects.filter(operator=operator)
    facts = {row.name: steps.Fact(row.completed_at, row.skipped) for row in rows}
    holds = {
        Name.GENERATE_KEYS: keys.newest_active(operator, now) is not None,
        Name.SET_CALLBACK: bool(operator.callback_url),
        Name.WHITELIST_ORIGINS: bool(operator.embed_origins) or _skipped(facts, Name.WHITELIST_ORIGINS),
    }
    return {name: fact for name, fact in facts.items() if holds.get(Name(name), True)}


def _skipped(facts: Mapping[str, steps.Fact], name: str) -> bool:
    return name in facts and facts[name].skipped
