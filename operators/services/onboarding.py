"""God Mode's five steps: advanced when their facts hold, rolled back until live, one of them skippable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from operators import steps, terms
from operators.errors import StepConflict
from operators.models import OnboardingStep, Operator
from operators.services import facts, gate, lifecycle, standing
from predictu.errors import ValidationFailed
from predictu.platform import audit


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the onboarding stands after a call. ``left`` is the step it was at before."""

    operator: Operator
    left: str | None
    completed: list[str]
    skipped: list[str]
    went_live: bool = False

    @property
    def current(self) -> str | None:
        return steps.current(self.completed)


@transaction.atomic
def advance(
    *,
    operator_id: str,
    step: str,
    changes: Mapping[str, Any],
    data: Mapping[str, Any],
    notes: str,
    actor: Any,
    now: datetime,
) -> Moved:
    """Save ``changes`` (``data`` under shared names) and pass the current step, which must be ``step``.

    Raises StepConflict for another step, ValidationFailed with ``unmet_requirements`` when its facts do not hold;
    nothing is saved then.
    """
    operator, done = _at(operator_id, step)
    before, previous = terms.snapshot(operator), operator.status
    diff = lifecycle.apply(operator, changes, before=before, actor=actor, now=now)
    unmet = steps.unmet(
        step,
        facts.of(operator, now),
        done=done,
        s2s_enabled=operator.s2s_enabled,
        suspended=operator.suspended_at is not None,
    )
    if unmet:
        raise ValidationFailed("The step's requirements are not met", details={"unmet_requirements": unmet})
    _take(operator, step, data=data, notes=notes, actor=actor, now=now)
    went_live = step == steps.LAST
    if went_live:
        standing.go_live(operator, now=now)
    return _finish(operator, step, "onboarding.advance", diff, previous, notes, actor, now, went_live=went_live)


@transaction.atomic
def skip(*, operator_id: str, step: str, notes: str, actor: Any, now: datetime) -> Moved:
    """Pass the one optional step without its fact. Raises StepConflict for any other."""
    operator, _ = _at(operator_id, step)
    if step != steps.OPTIONAL:
        raise StepConflict(f"The step {step} cannot be skipped", details={"step": ["cannot be skipped"]})
    previous = operator.status
    _take(operator, step, data={}, notes=notes, actor=actor, now=now, skipped=True)
    facts.establish(operator_id=operator.id, name="whitelist_origins", skipped=True, now=now)
    return _finish(operator, step, "onboarding.skip", {}, previous, notes, actor, now)


@transaction.atomic
def rollback(*, operator_id: str, step: str, notes: str, actor: Any, now: datetime) -> Moved:
    """Open the step before the current one again. Raises StepConflict at the first and once live."""
    operator, done = _at(operator_id, step)
    reopened = steps.before(step)
    if reopened is None:
        raise StepConflict("There is no step before the first", details={"step": ["is the first one"]})
    previous = operator.status
    row = operator.onboarding_steps.get(step=reopened)
    if row.skipped and not operator.embed_origins:
        facts.withdraw(operator_id=operator.id, name="whitelist_origins")
    row.delete()
    return _finish(operator, step, "onboarding.rollback", {}, previous, notes, actor, now)


def completed(operator: Operator) -> tuple[list[str], list[str]]:
    """The steps taken, in order, and which of them were skipped."""
    rows = {row.step: row for row in OnboardingStep.objects.filter(operator=operator)}
    done = [step for step in steps.STEPS if step in rows]
    return done, [step for step in done if rows[step].skipped]


def _at(operator_id: str, step: str) -> tuple[Operator, list[str]]:
    """The operator behind its shut gate, and the steps taken. Raises StepConflict unless it is at ``step``."""
    operator = gate.shut(operator_id)
    done, _ = completed(operator)
    at = steps.current(done)
    if operator.is_live:
        raise StepConflict("The operator is live: its onboarding is over", details={"step": ["onboarding is over"]})
    if step != at:
        raise StepConflict(f"The current step is {at}", details={"step": [f"the current step is {at}"]})
    return operator, done


def _take(
    operator: Operator,
    step: str,
    *,
    data: Mapping[str, Any],
    notes: str,
    actor: Any,
    now: datetime,
    skipped: bool = False,
) -> None:
    OnboardingStep.objects.create(
        operator=operator,
        step=step,
        skipped=skipped,
        notes=notes,
        data=audit.plain(dict(data)),
        actor=actor,
        completed_at=now,
    )


def _finish(
    operator: Operator,
    left: str,
    action: str,
    diff: dict[str, dict[str, Any]],
    previous: str,
    notes: str,
    actor: Any,
    now: datetime,
    *,
    went_live: bool = False,
) -> Moved:
    """Set the stage that follows, save, and tell everyone."""
    done, skipped = completed(operator)
    operator.stage, operator.updated_at = steps.stage(done), now
    if operator.status != previous:
        diff["status"] = {"from": previous, "to": operator.status}
    operator.save(force_update=True)
    audit.record(
        actor=actor,
        action=action,
        object_type="operator",
        object_id=operator.id,
        changes=diff,
        reason=notes,
        metadata={"step": left, "completed_steps": done},
        now=now,
    )
    standing.announce(operator, previous=previous, reason=notes, actor=actor, now=now)
    lifecycle.notify(operator, diff, actor=actor, reason=notes, now=now)
    return Moved(operator, left, done, skipped, went_live)
