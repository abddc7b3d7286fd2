"""Reports and schedules in Django admin: what they hold, how far they are, their files and runs, and what to do."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from predictu import clock, shown
from predictu.admin_acts import Act, ActingAdmin, Given
from predictu.admin_base import linked, url_of
from reports.admin.forms import DAYS
from reports.admin.pages import PERMISSION
from reports.models import Report, ReportSchedule, Status
from reports.services import runs, schedules
from reports.tables import filters

# Who holds the work, and where the file lies: neither is for reading.
INSIDE = ("lease", "path")
_RUNS = 20


def _rule(row: ReportSchedule) -> str:
    time = schedules.shown_time(row)
    if row.day_of_week is not None:
        return f"every {DAYS[row.day_of_week]} at {time} UTC"
    if row.day_of_month is not None:
        return f"on day {row.day_of_month} of every month at {time} UTC"
    return f"every day at {time} UTC"


def _what_runs(row: ReportSchedule) -> list[tuple[str, Any]]:
    return [
        ("Runs", _rule(row)),
        ("Next run", f"{shown.instant(row.next_run_at)} UTC" if row.next_run_at else "none"),
        ("Recipients", f"{len(row.recipients):,}"),
        ("Reports made so far", f"{row.runs.count():,}"),  # type: ignore[attr-defined]
    ]


def _switch(enabled: bool) -> Any:
    def run(given: Given) -> str:
        schedules.change(
            schedule=given.row, actor=given.actor, values={"enabled": enabled}, reason=given.reason, now=given.now
        )
        return f"{given.row.name} {'runs again' if enabled else 'runs no more'}."

    return run


def _delete(given: Given) -> str:
    schedules.delete(schedule=given.row, actor=given.actor, reason=given.reason, now=given.now)
    return f"{given.row.name} is deleted; its reports stay."


SCHEDULE_ACTS = (
    Act(
        name="disable",
        label="Disable",
        permission=PERMISSION,
        run=_switch(False),
        consequences=_what_runs,
        possible=lambda row: row.enabled and row.deleted_at is None,
    ),
    Act(
        name="enable",
        label="Enable",
        permission=PERMISSION,
        run=_switch(True),
        consequences=_what_runs,
        possible=lambda row: not row.enabled and row.deleted_at is None,
    ),
    Act(
        name="delete",
        label="Delete",
        permission=PERMISSION,
        run=_delete,
        consequences=_what_runs,
        possible=lambda row: row.deleted_at is None,
        dangerous=True,
    ),
)


@admin.register(ReportSchedule)
class ReportScheduleAdmin(ActingAdmin):
    acts = SCHEDULE_ACTS
    list_display = ("name", "type", "format", "rule", "enabled", "next_run_at", "creator", "deleted_at")
    list_filter = ("type", "frequency", "enabled", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("created_by",)
    search_fields = ("name",)
    search_help_text = "Words of the name, or the id of a schedule or admin"
    id_fields = ("pk", "created_by")
    personal_fields = ("recipients",)
    creator = linked("created_by", text="email")
    rule = admin.display(description="Runs")(lambda _admin, row: _rule(row))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, _with_new(request, "schedule_new", "New schedule", extra_context))

    def page_facts(self, request: HttpRequest, row: ReportSchedule) -> dict[str, Any]:
        made = row.runs.order_by("-due_at")[:_RUNS]  # type: ignore[attr-defined]
        return {
            "panel": "admin/schedule_panel.html",
            "row": row,
            "rule": _rule(row),
            "recipients": row.recipients if self.sees_personal(request) else None,
            "filters": sorted(row.filters.items()),
            "runs": [(each, url_of(Report, each.pk)) for each in made],
        }


def _cancel(given: Given) -> str:
    runs.cancel(report=given.row, actor=given.actor, reason=given.reason, now=given.now)
    return "The report is cancelled."


def _revoke(given: Given) -> str:
    runs.revoke_link(report=given.row, actor=given.actor, reason=given.reason, now=given.now)
    return "The e-mailed link leads nowhere any more."


def _of_report(row: Report) -> list[tuple[str, Any]]:
    return [
        ("Report", f"{row.type}, {row.format}"),
        ("Status now", row.status),
        ("Rows", f"{row.row_count or 0:,}"),
        ("Sent to", shown.counted(len(row.recipients), "address", "addresses")),
    ]


def _link_in_force(row: Report) -> bool:
    return row.link_revoked_at is None and row.link_expires_at is not None and row.link_expires_at > clock.now()


REPORT_ACTS = (
    Act(
        name="cancel",
        label="Cancel",
        permission=PERMISSION,
        run=_cancel,
        consequences=_of_report,
        possible=lambda row: row.is_processing,
    ),
    Act(
        name="revoke-link",
        label="Revoke the e-mailed link",
        permission=PERMISSION,
        run=_revoke,
        consequences=_of_report,
        possible=_link_in_force,
        dangerous=True,
    ),
)


@admin.register(Report)
class ReportAdmin(ActingAdmin):
    acts = REPORT_ACTS
    list_display = ("id", "type", "format", "status", "progress_pct", "row_count", "file", "requester", "created_at")
    list_filter = ("status", "type", "format", "include_pii")
    list_select_related = ("requested_by",)
    search_help_text = "The id of a report, schedule or admin"
    id_fields = ("pk", "schedule", "requested_by")
    hidden_fields = INSIDE
    personal_fields = ("recipients", "delivered_to")
    requester = linked("requested_by", text="email")

    @admin.display(description="File")
    def file(self, row: Report) -> str:
        if not is_there(row):
            return "-"
        return format_html('<a class="desk-link" href="{}">Download</a>', reverse("admin:report_file", args=[row.pk]))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, _with_new(request, "report_new", "New report", extra_context))

    def page_facts(self, request: HttpRequest, row: Report) -> dict[str, Any]:
        return {
            "panel": "admin/report_panel.html",
            "row": row,
            "filters": [(name.replace("_", " "), value) for name, value in filters.shown(row.filters).items()],
            "file_url": reverse("admin:report_file", args=[row.pk]) if is_there(row) else None,
            "schedule_url": url_of(ReportSchedule, row.schedule_id) if row.schedule_id else None,
        }


def is_there(row: Report) -> bool:
    """Whether the file can be fetched, by whoever may."""
    return row.status == Status.READY and not row.has_expired(clock.now())


def _with_new(request: HttpRequest, name: str, label: str, extra: dict[str, Any] | None) -> dict[str, Any]:
    """The list's own button, for who may use it."""
    may = request.user.has_perm(PERMISSION)  # type: ignore[union-attr]
    return {**(extra or {}), "new": (reverse(f"admin:{name}"), label) if may else None}
