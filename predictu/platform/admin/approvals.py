"""What waits for a second admin, and their decision."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from predictu import clock, shown
from predictu.admin_acts import Act, ActingAdmin, Facts, Given
from predictu.admin_base import linked
from predictu.platform import approvals, models

DECIDE = "predictu.decide_approvals"


def _asked(row: models.Approval) -> Facts:
    return [
        ("What", row.action.rpartition(".")[2].replace("_", " ")),
        ("Of", row.object_id),
        *((name.replace("_", " "), value) for name, value in sorted(row.arguments.items())),
        ("Asked by", row.asked_by.email),
        ("Because", row.reason),
        ("Until", f"{shown.instant(row.expires_at)} UTC"),
    ]


def _decide(*, approve: bool, said: str) -> Callable[[Given], str]:
    def run(given: Given) -> str:
        approvals.decide(
            approval_id=given.row.id, approve=approve, reason=given.reason, actor=given.actor, now=given.now
        )
        return said

    return run


def _waits(row: models.Approval) -> bool:
    return row.status == models.Approval.Status.WAITING and clock.now() < row.expires_at


@admin.register(models.Approval)
class ApprovalAdmin(ActingAdmin):
    acts = (
        Act(
            name="approve",
            label="Approve",
            permission=DECIDE,
            run=_decide(approve=True, said="It is approved and carried out."),
            consequences=_asked,
            possible=_waits,
            dangerous=True,
        ),
        Act(
            name="reject",
            label="Reject",
            permission=DECIDE,
            run=_decide(approve=False, said="It is rejected; nothing was done."),
            consequences=_asked,
            possible=_waits,
        ),
    )
    list_display = ("created_at", "action", "object_id", "status", "asker", "decider", "expires_at")
    list_filter = ("status",)
    list_select_related = ("asked_by", "decided_by")
    search_fields = ("action__startswith",)
    search_help_text = "An action, or the id of a thing or an admin"
    id_fields = ("pk", "object_id", "asked_by", "decided_by")
    asker = linked("asked_by", text="email")
    decider = linked("decided_by", text="email")

    def _offered(self, request: HttpRequest, row: Any) -> list[Act]:
        """Nobody decides what they asked for themselves."""
        return [] if row.asked_by_id == request.user.pk else super()._offered(request, row)
