"""What reports keep: to read."""

from django.contrib import admin

from predictu.admin_base import ReadOnlyAdmin, among, linked
from reports.admin.reports import INSIDE
from reports.models import Export, StandingAlert, StoredForecast


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


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "format", "status", "progress_pct", "row_count", "requester", "created_at")
    list_filter = ("status", "type", "format", "include_pii")
    list_select_related = ("requested_by",)
    search_help_text = "The id of an export, operator or admin"
    id_fields = ("pk", "operator", "requested_by")
    hidden_fields = INSIDE
    requester = linked("requested_by", text="email")
