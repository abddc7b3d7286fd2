"""What reports keep: to read."""

from django.contrib import admin

from predictu.admin_base import ReadOnlyAdmin, among, linked
from reports.models import Export, Report, ReportSchedule, StandingAlert, StoredForecast

# Who holds the work, and where the file lies: neither is for reading.
INSIDE = ("lease", "path")


@admin.register(StandingAlert)
class StandingAlertAdmin(ReadOnlyAdmin):
    list_display = ("raised_at", "severity", "name", "subject", "sentence", "cleared_at")
    list_filter = ("severity", ("cleared_at", admin.EmptyFieldListFilter))
    search_fields = ("name__exact", "subject__exact")
    search_help_text = "A rule's name or an operator's slug"
    id_fields = ()


@admin.register(StoredForecast)
class StoredForecastAdmin(ReadOnlyAdmin):
    list_display = (
        *("starts_on", "ends_on", "horizon_days", "model", "projected_usd", "low_usd", "high_usd", "actual_usd"),
        "scored_at",
    )
    list_filter = (among("horizon_days", (7, 14, 30)), ("scored_at", admin.EmptyFieldListFilter))
    search_fields = ("model__exact",)
    search_help_text = "A model's name"
    id_fields = ()


@admin.register(ReportSchedule)
class ReportScheduleAdmin(ReadOnlyAdmin):
    list_display = ("name", "type", "format", "frequency", "enabled", "next_run_at", "creator", "deleted_at")
    list_filter = ("type", "frequency", "enabled", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("created_by",)
    search_fields = ("name",)
    search_help_text = "Words of the name, or the id of a schedule or admin"
    id_fields = ("pk", "created_by")
    personal_fields = ("recipients",)
    creator = linked("created_by", text="email")


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "format", "status", "progress_pct", "row_count", "requester", "created_at")
    list_filter = ("status", "type", "format", "include_pii")
    list_select_related = ("requested_by",)
    search_help_text = "The id of a report, schedule or admin"
    id_fields = ("pk", "schedule", "requested_by")
    hidden_fields = INSIDE
    personal_fields = ("recipients", "delivered_to")
    requester = linked("requested_by", text="email")


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "format", "status", "progress_pct", "row_count", "requester", "created_at")
    list_filter = ("status", "type", "format", "include_pii")
    list_select_related = ("requested_by",)
    search_help_text = "The id of an export, operator or admin"
    id_fields = ("pk", "operator", "requested_by")
    hidden_fields = INSIDE
    requester = linked("requested_by", text="email")
