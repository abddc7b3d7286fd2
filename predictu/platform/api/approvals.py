"""God Mode's approvals: what waits for a second admin, and the second admin's word."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from predictu import clock, ids
from predictu.api import pages
from predictu.api.fields import TextField
from predictu.api.views import DataView
from predictu.errors import NotFound
from predictu.platform import approvals
from predictu.platform.models import Approval

_STATUSES = tuple(Approval.Status.values)


class DecisionBody(serializers.Serializer):
    decision = serializers.ChoiceField(["approve", "reject"])
    reason = TextField(max_length=1000)


class ApprovalsView(DataView):
    def get(self, request: Request) -> Response:
        """What waits, or waited, for a second admin; newest first."""
        page = pages.page(self.query)
        found = Approval.objects.order_by("-created_at", "-id")
        status = self.query.choice("status", _STATUSES)
        if status is not None:
            found = found.filter(status=status)
        rows = found[page.offset : page.offset + page.limit]
        return Response(page.envelope([_row(each) for each in rows], found.count()))


class ApprovalView(DataView):
    """The admin who decides needs the permission of what waits, and must not be the one who asked."""

    permissions = {"POST": "predictu.decide_approvals"}

    @extend_schema(request=DecisionBody)
    def post(self, request: Request, approval_id: str) -> Response:
        body = self.body(DecisionBody)
        try:
            ids.decode("apr", approval_id)
        except ValueError:
            raise NotFound("No such approval") from None
        decided = approvals.decide(
            approval_id=approval_id,
            approve=body["decision"] == "approve",
            reason=body["reason"],
            actor=self.admin,
            now=clock.now(),
        )
        return self.answer(_row(decided.approval))


def _row(approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "action": approval.action,
        "object_id": approval.object_id,
        "permission": approval.permission,
        "arguments": approval.arguments,
        "reason": approval.reason,
        "status": approval.status,
        "asked_by": approval.asked_by_id,
        "decided_by": approval.decided_by_id,
        "decision_reason": approval.decision_reason or None,
        "result": approval.result,
        "created_at": clock.seconds(approval.created_at),
        "expires_at": clock.seconds(approval.expires_at),
        "decided_at": clock.seconds(approval.decided_at),
    }
