"""The audit trail in Django admin: who did what, from where and why, with what changed side by side."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import orjson
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.utils import parse_datetime_str

from predictu.admin_acts import ActingAdmin
from predictu.admin_base import among, linked, page_of
from predictu.platform import models

# What the audit trail tells of.
OBJECTS = (
    *("admin", "approval", "circuit_breaker", "config", "delivery", "export", "file", "invoice", "ledger", "market"),
    *("month", "operator", "operator_key", "player", "report", "risk_event", "schedule", "settlement", "trade", "user"),
)
_IN_A_LINE = 3
_NOT_KEPT = "changed, not kept"


class BetweenTimes(RangeDateTimeFilter):
    """From a time and to a time, both UTC; a day without a time begins at midnight."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for end, lookup in (("from", "gte"), ("to", "lte")):
            day = self.used_parameters.get(f"{self.parameter_name}_{end}_0")
            time = self.used_parameters.get(f"{self.parameter_name}_{end}_1")
            moment = parse_datetime_str(f"{day} {time or '00:00:00'}") if day else None
            if moment is not None:
                queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": moment.replace(tzinfo=UTC)})
        return queryset


@admin.register(models.AuditEntry)
class AuditAdmin(ActingAdmin):
    list_display = ("created_at", "action", "actor_link", "reason", "changed", "object_link", "address")
    list_filter = (
        ("created_at", BetweenTimes),
        among("object_type", OBJECTS),
        ("actor", AutocompleteSelectFilter),
    )
    list_select_related = ("actor",)
    search_fields = ("action__startswith", "request_id__exact")
    search_help_text = "An action, the id of a thing or an admin, or a request id"
    id_fields = ("pk", "actor", "object_id")
    actor_link = linked("actor", text="email", title="Admin")

    @admin.display(description="Of")
    def object_link(self, row: models.AuditEntry) -> str:
        url = page_of(row.object_id)
        named = row.object_id or row.object_type
        return format_html('<a class="desk-link" href="{}">{}</a>', url, named) if url else named

    object_link.exported = ("object_id", None)  # type: ignore[attr-defined]

    @admin.display(description="Changed")
    def changed(self, row: models.AuditEntry) -> str:
        lines = [f"{name}: {before} → {after}" for name, before, after in changes(row)]
        more = len(lines) - _IN_A_LINE
        return "; ".join(lines[:_IN_A_LINE]) + (f"; and {more} more" if more > 0 else "")

    def page_facts(self, request: HttpRequest, row: models.AuditEntry) -> dict[str, Any]:
        return {
            "panel": "admin/audit_panel.html",
            "row": row,
            "changes": list(changes(row)),
            "more": [(name.replace("_", " ").capitalize(), worded(value)) for name, value in row.metadata.items()],
            "object_url": page_of(row.object_id),
            "actor_url": page_of(row.actor_id),
        }


def changes(row: models.AuditEntry) -> Iterator[tuple[str, str, str]]:
    """Each field with its value before and after; of personal data only that it changed was written."""
    for name, change in sorted(row.changes.items()):
        if "from" in change or "to" in change:
            yield name, worded(change.get("from")), worded(change.get("to"))
        else:
            yield name, _NOT_KEPT, _NOT_KEPT


def worded(value: Any) -> str:
    """A value of the trail as a person reads it."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(worded(each) for each in value) or "nothing"
    if isinstance(value, dict):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return str(value)
