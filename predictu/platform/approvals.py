"""Calls that wait for a second admin: asked for by one, decided by another within 24 hours, carried out once.

Only where ``PREDICTU_TWO_PERSON`` is on. What is carried out is a service named by its dotted path, which takes
``arguments`` (JSON), ``asked_by``, ``decided_by``, ``reason`` and ``now`` and answers what the caller would have got.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from predictu import clock
from predictu.errors import Conflict, Forbidden, NotFound
from predictu.platform import audit
from predictu.platform.models import Approval

LIFE = timedelta(hours=24)


@dataclass(frozen=True)
class Decided:
    """A decided approval, and what carrying it out answered."""

    approval: Approval
    result: Any


def required() -> bool:
    """Whether rules that ask for a second admin are in force."""
    return settings.PREDICTU_TWO_PERSON


@transaction.atomic
def ask(
    *,
    action: str,
    permission: str,
    object_id: str,
    arguments: Mapping[str, Any],
    reason: str,
    actor: Any,
    now: datetime,
) -> Approval:
    """Have ``action`` (a dotted path) wait for another admin who holds ``permission``; nothing else happens."""
    approval = Approval.objects.create(
        action=action,
        permission=permission,
        object_id=object_id,
        arguments=dict(arguments),
        reason=reason,
        asked_by=actor,
        created_at=now,
        expires_at=now + LIFE,
    )
    audit.record(
        actor=actor, action="approval.ask", object_type="approval", object_id=approval.id, reason=reason,
        metadata={"action": action, "object_id": object_id}, now=now,
    )  # fmt: skip
    return approval


def waiting(approval: Approval) -> dict[str, Any]:
    """What a call answers (202) that now waits."""
    return {
        "approval_id": approval.id,
        "status": approval.status,
        "expires_at": clock.seconds(approval.expires_at),
    }


def decide(*, approval_id: str, approve: bool, reason: str, actor: Any, now: datetime) -> Decided:
    """Approve or reject, once. A refusal of the action itself leaves the approval waiting.

    Raises NotFound; Forbidden for who asked and for who lacks the permission; Conflict when it is decided or expired.
    """
    with transaction.atomic():
        approval = Approval.objects.select_for_update(no_key=True, of=("self",)).filter(pk=approval_id).first()
        if approval is None:
            raise NotFound("No such approval")
        if not actor.has_perm(approval.permission):
            raise Forbidden(f"This needs the permission {approval.permission}")
        if approval.asked_by_id == actor.pk:
            raise Forbidden("Another admin has to decide this")
        if approval.status == Approval.Status.WAITING and now < approval.expires_at:
            return _decide(approval, approve, reason, actor, now)
    expire(now=now)
    raise Conflict(f"This approval is {'expired' if approval.status == Approval.Status.WAITING else approval.status}")


def expire(*, now: datetime) -> int:
    """Mark what nobody decided in time; how many those were."""
    return Approval.objects.filter(status=Approval.Status.WAITING, expires_at__lte=now).update(
        status=Approval.Status.EXPIRED
    )


def _decide(approval: Approval, approve: bool, reason: str, actor: Any, now: datetime) -> Decided:
    result: Any = None
    if approve:
        carry_out: Callable[..., Any] = import_string(approval.action)
        result = carry_out(
            arguments=approval.arguments,
            asked_by=approval.asked_by,
            decided_by=actor,
            reason=approval.reason,
            now=now,
        )
    approval.status = Approval.Status.APPROVED if approve else Approval.Status.REJECTED
    approval.decided_by, approval.decision_reason, approval.decided_at = actor, reason, now
    approval.result = audit.plain(result) if isinstance(result, Mapping) else {}
    approval.save(update_fields=["status", "decided_by", "decision_reason", "decided_at", "result"])
    audit.record(
        actor=actor, action=f"approval.{'approve' if approve else 'reject'}", object_type="approval",
        object_id=approval.id, reason=reason, metadata={"action": approval.action, "object_id": approval.object_id},
        now=now,
    )  # fmt: skip
    return Decided(approval, result)
