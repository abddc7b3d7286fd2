"""What reports keep: to read."""

from django.contrib import admin

from predictu.admin_base import ReadOnlyAdmin, among
from reports.models import StoredForecast


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
