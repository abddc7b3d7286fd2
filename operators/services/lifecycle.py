"""Operators: made, changed, suspended, brought to life. One call for both APIs and the admin.

``risk.services.operator_changes`` wraps these calls with what stands above (limits, test users); edges call that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from operators import terms
from operators.errors import DomainTaken, NameTaken, SlugTaken
from operators.models import Operator, PingResult, default_branding
from operators.services import facts, gate, standing
from predictu import ids
from predictu.errors import ValidationFailed
from predictu.platform import activity, audit, config, notices

# A PING made before the URL was saved proves it just as well, if it is not long ago.
_PING_COUNTS_FOR = timedelta(hours=1)
_CONSTRAINTS = {"operator_name_unique": NameTaken, "operator_domain_unique": DomainTaken}

# What a call may ask of the status.
SUSPEND, RESUME, ACTIVATE, ONBOARD = "suspend", "resume", "activate", "onboard"


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update came to. ``changes`` is the diff, dotted shared names to ``{"from", "to"}``, God Mode's words."""

    operator: Operator
    changes: dict[str, dict[str, Any]]
    went_live: bool = False


@transaction.atomic
def create(*, values: Mapping[str, Any], slug: str | None, actor: Any, now: datetime) -> Operator:
    """A new operator in stage pending with default branding, ``values`` (nested, shared names) on top.

    Without ``slug`` one is made of the name. Raises NameTaken, DomainTaken, SlugTaken, ValidationFailed.
    """
    operator = Operator(
        id=ids.new("op", now),
        branding=default_branding(values["name"]),
        predictu_share_pct=100 - config.current()["defaults.operator_revenue_share_pct"],
        created_at=now,
        updated_at=now,
    )
    terms.write(operator, values)
    operator.billing_email = operator.billing_email or operator.contact_email
    _check(operator)
    _insert(operator, slug)
    facts.establish(operator_id=operator.id, name="create_record", now=now)
    _establish(operator, {name: value for name, value in values.items() if name != "revenue_share_predictu"}, now)
    shown = audit.difference({}, terms.snapshot(operator) | {"slug": operator.slug})
    audit.record(
        actor=actor, action="operator.create", object_type="operator", object_id=operator.id, changes=shown, now=now
    )
    activity.record(
        type="operator_event",
        title="Operator created",
        description=f"{{{operator.id}}} was created",
        operator_id=operator.id,
        now=now,
    )
    return operator


def _insert(operator: Operator, slug: str | None) -> None:
    base, number = slug or _slug_of(operator.name), 1
    while True:
        operator.slug = base if number == 1 else f"{base[:58]}-{number}"
        try:
            with transaction.atomic():
                operator.save(force_insert=True)
            return
        except IntegrityError as error:
            _refuse_taken(error, operator)
            if slug is not None:
                raise SlugTaken(details={"slug": ["is taken"]}) from None
        number += 1


def _slug_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64].strip("-") or "operator"


def _refuse_taken(error: IntegrityError, operator: Operator) -> None:
    """Raise what a unique constraint of name or domain means; a taken slug is left to the caller.

    Where the slug fails first, the name it was made of may be taken as well: the name is what the caller can see.
    """
    constraint = error.__cause__.diag.constraint_name if error.__cause__ else ""  # type: ignore[attr-defined]
    if constraint in _CONSTRAINTS:
        taken = _CONSTRAINTS[constraint]
        raise taken(details={"name" if taken is NameTaken else "domain": ["is taken"]}) from None
    if "slug" not in (constraint or ""):
        raise error
    if Operator.objects.filter(name__iexact=operator.name).exclude(pk=operator.pk).exists():
        raise NameTaken(details={"name": ["is taken"]}) from None


@transaction.atomic
def update(
    *,
    operator_id: str,
    changes: Mapping[str, Any],
    status: str | None = None,
    reason: str = "",
    actor: Any,
    now: datetime,
) -> Updated:
    """Change what is named (nested, shared names), then the status; all or nothing.

    Raises NotFound, NameTaken, DomainTaken, Conflict, ValidationFailed; nothing has changed then.
    """
    operator = gate.shut(operator_id)
    before, previous = terms.snapshot(operator), operator.status
    diff = apply(operator, changes, before=before, actor=actor, now=now)
    went_live = _set_status(operator, status, reason=reason, actor=actor, now=now)
    if operator.status != previous:
        diff["status"] = {"from": previous, "to": operator.status}
    if diff:
        operator.updated_at = now
        _save(operator)
        skipped = {"skipped_steps": skipped_steps(operator)} if went_live else None
        audit.record(
            actor=actor,
            action="operator.update",
            object_type="operator",
            object_id=operator.id,
            changes=diff,
            reason=reason,
            metadata=skipped,
            now=now,
        )
        standing.announce(operator, previous=previous, reason=reason, actor=actor, now=now)
        notify(operator, diff, actor=actor, reason=reason, now=now)
    return Updated(operator, {name: _plain(change) for name, change in sorted(diff.items())}, went_live)


def apply(
    operator: Operator, changes: Mapping[str, Any], *, before: Mapping[str, Any], actor: Any, now: datetime
) -> dict[str, dict[str, Any]]:
    """Put ``changes`` into the operator, record the facts they make true, and answer the diff; saves no row of it."""
    terms.write(operator, changes)
    _check(operator)
    diff = audit.difference(before, terms.snapshot(operator))
    if "callback_url" in diff:
        _callback_url_changed(operator, actor=actor, now=now)
    _establish(operator, changes, now)
    return diff


def _check(operator: Operator) -> None:
    problems = terms.problems(terms.snapshot(operator))
    if problems:
        raise ValidationFailed(details=problems)


def _establish(operator: Operator, changes: Mapping[str, Any], now: datetime) -> None:
    """The facts that naming something makes true, whether or not its value is another than before."""
    if "revenue_share_predictu" in changes:
        facts.establish(operator_id=operator.id, name="configure_revenue", now=now)
    if changes.get("branding"):
        facts.establish(operator_id=operator.id, name="configure_branding", now=now)
    for name, fact in (("callback_url", "set_callback"), ("embed_origins", "whitelist_origins")):
        if name in changes and changes[name]:
            facts.establish(operator_id=operator.id, name=fact, now=now)
        elif name in changes:
            facts.withdraw(operator_id=operator.id, name=fact)


def _callback_url_changed(operator: Operator, *, actor: Any, now: datetime) -> None:
    """Only a PING to the saved URL counts; a live operator whose new one is untested is a critical event."""
    facts.withdraw(operator_id=operator.id, name="test_ping")
    last = PingResult.objects.filter(operator=operator, url=operator.callback_url).first()
    if last is not None and last.success and now - last.created_at <= _PING_COUNTS_FOR:
        facts.establish(operator_id=operator.id, name="test_ping", evidence={"ping": last.id}, now=last.created_at)
    elif operator.is_live:
        activity.record(
            type="operator_event",
            title="Callback URL not tested",
            description=f"The callback URL of {{{operator.id}}} changed; no PING to the new one has succeeded yet",
            severity="critical",
            operator_id=operator.id,
            metadata={"actor": actor.pk},
            now=now,
        )


def _set_status(operator: Operator, wanted: str | None, *, reason: str, actor: Any, now: datetime) -> bool:
    """Whether the operator went live by it."""
    if wanted == SUSPEND:
        standing.suspend(operator, actor=actor, reason=reason, now=now)
    elif wanted == RESUME:
        standing.resume(operator)
    elif wanted == ONBOARD:
        standing.back_to_onboarding(operator)
    elif wanted == ACTIVATE:
        return standing.activate(operator, actor=actor, now=now)
    return False


def _save(operator: Operator) -> None:
    try:
        with transaction.atomic():
            operator.save(force_update=True)
    except IntegrityError as error:
        _refuse_taken(error, operator)
        raise


def skipped_steps(operator: Operator) -> list[str]:
    """God Mode's steps that were skipped."""
    return list(operator.onboarding_steps.filter(skipped=True).values_list("step", flat=True))


def notify(
    operator: Operator, diff: Mapping[str, Mapping[str, Any]], *, actor: Any, reason: str = "", now: datetime
) -> None:
    """Tell all admins of what is sensitive in ``diff``: a line of the feed and an e-mail."""
    names = terms.notified(diff)
    if not names:
        return
    lines = [f"{name}: {_said(diff[name]['from'])} → {_said(diff[name]['to'])}" for name in names]
    if names != ["status"]:  # of a status the feed has its own line
        activity.record(
            type="config_change",
            title="Operator settings changed",
            description=f"{{{operator.id}}}: " + ", ".join(name for name in names if name != "status"),
            operator_id=operator.id,
            metadata={"changes": {name: _plain(diff[name]) for name in names}, "actor": actor.pk},
            now=now,
        )
    by = [f"Changed by {actor.pk}"] + ([f"Reason: {reason}"] if reason else [])
    subject = f"Predictu: {operator.name}: {', '.join(names)} changed"
    notices.tell_admins(subject=subject, text="\n".join([*lines, "", *by]), now=now)


def _said(value: Any) -> str:
    plain = audit.plain(value)
    return ", ".join(map(str, plain)) if isinstance(plain, list) else str(plain)


def _plain(change: Mapping[str, Any]) -> dict[str, Any]:
    return {"from": audit.plain(change["from"]), "to": audit.plain(change["to"])}
