"""Players, their ledger and what guards the door, in Django admin: to read, all of it."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts import models
from predictu.admin_base import ReadOnlyAdmin, linked


@admin.register(models.Player)
class PlayerAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "username", "external_id", "operator_link", "status", "tier", "limit_tier", "balance_usd"),
        *("trade_count", "volume_usd", "score", "created_at"),
    )
    list_filter = (("operator", AutocompleteSelectFilter), "status", "tier", "limit_tier", "is_test")
    list_select_related = ("operator",)
    search_fields = ("username", "email", "external_id")
    search_help_text = "A user name, e-mail, external id or id"
    id_fields = ("pk", "operator")
    personal_fields = ("username", "email", "external_id")
    operator_link = linked("operator", text="name")


@admin.register(models.LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "player_link", "type", "amount_usd", "balance_before_usd", "balance_after_usd"),
        *("reference_type", "reference_id", "created_at"),
    )
    list_filter = ("type", "reference_type")
    search_help_text = "The id of an entry, user, trade, settlement or adjustment"
    id_fields = ("pk", "player", "reference_id")
    player_link = linked("player", title="User")


@admin.register(models.LoginFailure)
class LoginFailureAdmin(ReadOnlyAdmin):
    list_display = ("at", "address")
    ordering = ("-id",)
    search_fields = ("address__startswith",)
    search_help_text = "The beginning of an address"
    id_fields = ()
    hidden_fields = ("email_hash",)


@admin.register(models.RevokedToken)
class RevokedTokenAdmin(ReadOnlyAdmin):
    list_display = ("jti", "expires_at")
    ordering = ("-expires_at",)
    search_fields = ("jti__exact",)
    search_help_text = "A token's id"
    id_fields = ()
