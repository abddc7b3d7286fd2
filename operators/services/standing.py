"""An operator's status: suspended, resumed, live. Whoever calls holds the operator behind its shut gate."""

from datetime import datetime
from typing import Any

from operators import steps
from operators.models import OnboardingFact, OnboardingStep, Operator
from operators.services import callbacks, facts
from predictu.errors import Conflict, ValidationFailed
from predictu.platform import activity

_TITLES = {"suspended": "Operator suspended", "live": "Operator live"}


def suspend(operator: Operator, *, actor: Any, reason: str, now: datetime) -> None:
    """Stop registration, money and trades from the next call on; open positions stay and settle."""
    if operator.suspended_at is None:
        operator.suspended_at, operator.suspended_by, operator.suspension_reason = now, actor, reason


def resume(operator: Operator) -> None:
    """Back to the stage held before the suspension."""
    operator.suspended_at, operator.suspended_by, operator.suspension_reason = None, None, ""


def back_to_onboarding(operator: Operator) -> None:
    """Raises Conflict once live; else only a suspension can stand in the way, and ends."""
    if operator.is_live:
        raise Conflict("A live operator cannot go back to onboarding", details={"status": ["the operator is live"]})
    resume(operator)


def activate(operator: Operator, *, actor: Any, now: datetime) -> bool:
    """S2S ``active``: end a suspension, or go live when all else is complete; whether it went live.

    What is left of God Mode's steps counts as completed, a test trade that never was as skipped. Raises
    ValidationFailed naming the missing steps.
    """
    if operator.suspended_at is not None:
        resume(operator)
        return False
    if operator.is_live:
        return False
    missing = steps.missing_for_activation(facts.of(operator, now))
    if missing:
        sentences = [f"{name}: {steps.sentence(name)}" for name in missing]
        raise ValidationFailed("The onboarding is not complete", details={"status": sentences})
    proven = OnboardingFact.objects.filter(operator=operator, name="test_trades").exists()
    for step in steps.STEPS:
        OnboardingStep.objects.get_or_create(
            operator=operator,
            step=step,
            defaults={"skipped": step == "test_trades" and not proven, "actor": actor, "completed_at": now},
        )
    go_live(operator, now=now)
    return True


def go_live(operator: Operator, *, now: datetime) -> None:
    """The operator is live, for good; whoever calls has seen to everything before."""
    operator.stage, operator.onboarded_at = Operator.Stage.LIVE, now
    facts.establish(operator_id=operator.id, name=steps.ACTIVATE, now=now)


def announce(operator: Operator, *, previous: str, reason: str, actor: Any, now: datetime) -> None:
    """Tell the operator (in S2S words) and the feed that its status is another than ``previous``, a God Mode word."""
    status = operator.status
    if status == previous:
        return
    before, after = steps.s2s_status(previous), steps.s2s_status(status)
    if before != after:
        callbacks.queue(
            operator_id=operator.id,
            event="OPERATOR_STATUS_CHANGED",
            payload={"previous_status": before, "new_status": after, "reason": reason},
            subject_id=operator.id,
            now=now,
        )
    activity.record(
        type="operator_event",
        title=_TITLES.get(status, "Operator status changed"),
        description=f"{{{operator.id}}} is {status} (was {previous})",
        severity="warning" if status == "suspended" else "info",
        operator_id=operator.id,
        metadata={"previous_status": previous, "new_status": status, "actor": actor.pk, "reason": reason},
        now=now,
    )
