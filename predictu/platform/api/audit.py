"""God Mode's audit trail: read only."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from predictu import clock
from predictu.api import lists, pages
from predictu.api.views import DataView
from predictu.errors import Forbidden
from predictu.platform.models import AuditEntry

_PERMISSION = "predictu.read_audit"
_COLUMNS = (
    "id actor_id actor__email address request_id action object_type object_id changes reason metadata created_at"
).split()


class AuditView(DataView):
    """Who changed what: by object, object type, actor, action and time, newest first."""

    def get(self, request: Request) -> Response:
        if not self.admin.has_perm(_PERMISSION):
            raise Forbidden(f"This needs the permission {_PERMISSION}")
        start, end = self.query.window()
        conditions = {
            "object_id": self.query.text("object", longest=64),
            "object_type": self.query.text("object_type", longest=32),
            "actor_id": self.query.type_id("actor", "admin"),
            "action": self.query.text("action", longest=64),
            "created_at__gte": start,
            "created_at__lt": end,
        }
        found = AuditEntry.objects.filter(**{name: value for name, value in conditions.items() if value is not None})
        page, total = pages.page(self.query), found.count()
        keys = lists.ids_of(found, lists.ordered("created_at", descending=True), page, total)
        rows = lists.in_order(list(AuditEntry.objects.filter(pk__in=keys).values(*_COLUMNS)), keys)
        return Response(page.envelope([_row(values) for values in rows], total))


def _row(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": values["id"],
        "actor_id": values["actor_id"],
        "actor_email": values["actor__email"],
        "address": values["address"],
        "request_id": values["request_id"] or None,
        "action": values["action"],
        "object_type": values["object_type"],
        "object_id": values["object_id"] or None,
        "changes": values["changes"],
        "reason": values["reason"] or None,
        "metadata": values["metadata"],
        "created_at": clock.seconds(values["created_at"]),
    }
