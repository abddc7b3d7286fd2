"""Risk's tables in Django admin: to read, all of them; staff act on them at the risk desk."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from predictu.admin_acts import ActingAdmin
from predictu.admin_base import ReadOnlyAdmin, among, linked
from risk import models
from risk.admin.acts import BREAKER_ACTS, RESOLVE
from trading.queries import names


@admin.register(models.ExposureBucket)
class ExposureBucketAdmin(ReadOnlyAdmin):
    list_display = (
        *("scope", "scope_id", "exposure_usd", "yes_usd", "no_usd", "position_count", "trade_count", "volume_usd"),
        "alert_level",
    )
    list_filter = ("scope", among("alert_level", (0, 60, 85, 95, 100)))
    ordering = ("-exposure_usd",)
    search_fields = ("scope_id__exact",)
    search_help_text = "A category, or the id of an operator or market"
    id_fields = ("scope_id",)


@admin.register(models.CircuitBreaker)
class CircuitBreakerAdmin(ActingAdmin):
    acts = BREAKER_ACTS
    list_display = (
        *("id", "scope", "scope_id", "trigger_type", "trigger_threshold", "status", "is_enabled", "auto_reset"),
        "tripped_at",
    )
    list_filter = ("status", "scope", "trigger_type", "is_enabled")
    search_fields = ("scope_id__exact", "tripped_reason")
    search_help_text = "A category, an id, or words of why it tripped"
    id_fields = ("pk", "scope_id", "created_by")


@admin.register(models.RiskEvent)
class RiskEventAdmin(ActingAdmin):
    acts = (RESOLVE,)
    list_display = ("created_at", "severity", "type", "wall", "what", "operator_link", "player_link", "resolved_at")
    list_filter = ("severity", "type", among("wall", (1, 2, 3, 4, 5)), ("resolved_at", admin.EmptyFieldListFilter))
    list_select_related = ("operator",)
    search_help_text = "The id of an event, operator, user or market"
    id_fields = ("pk", "operator", "player", "market_id")
    hidden_fields = ("dedupe_key",)
    operator_link = linked("operator", text="name")
    player_link = linked("player", title="User")

    @admin.display(description="Message")
    def what(self, row: models.RiskEvent) -> str:
        return getattr(row, "told", row.message)

    what.exported = ("message", None)  # type: ignore[attr-defined]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the names of what the page's messages tell of, a query for each kind."""
        found = super().get_changelist_instance(request)
        found.result_list = list(found.result_list)
        told = names.fill([row.message for row in found.result_list], people=self.sees_personal(request))
        for row, text in zip(found.result_list, told, strict=True):
            row.told = text
        return found


@admin.register(models.PlayerScore)
class PlayerScoreAdmin(ReadOnlyAdmin):
    list_display = ("evaluated_at", "player_link", "score", "tier", "sample_size", "confidence")
    list_filter = ("tier",)
    ordering = ("-id",)
    search_help_text = "A user's id"
    id_fields = ("player",)
    player_link = linked("player", title="User")


@admin.register(models.AnomalyWatch)
class AnomalyWatchAdmin(ReadOnlyAdmin):
    list_display = ("kind", "subject_id", "last_at")
    ordering = ("-last_at",)
    search_help_text = "The id of a user or market"
    id_fields = ("subject_id",)


@admin.register(models.AnomalyWatchCursor)
class AnomalyWatchCursorAdmin(ReadOnlyAdmin):
    list_display = ("operator_link", "sequence")
    list_select_related = ("operator",)
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")
