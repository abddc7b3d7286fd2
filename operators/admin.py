"""Operators in Django admin. Secrets have no column here, and bodies that may hold personal data are left out."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from operators import models
from predictu import clock
from predictu.admin_base import ReadOnlyAdmin, among, linked

BY_OPERATOR = ("operator", AutocompleteSelectFilter)


@admin.register(models.Operator)
class OperatorAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "status", "domain", "risk_tier", "predictu_share_pct", "s2s_enabled", "created_at")
    list_filter = ("stage", ("suspended_at", admin.EmptyFieldListFilter), "risk_tier", "s2s_enabled")
    search_fields = ("name", "slug", "domain")
    search_help_text = "A name, slug, domain or id"
    personal_fields = ("contact_email", "contact_name", "billing_email")


@admin.register(models.OperatorKey)
class OperatorKeyAdmin(ReadOnlyAdmin):
    list_display = ("public_key", "operator_link", "label", "state", "created_at", "expires_at", "revoked_at")
    list_filter = (BY_OPERATOR, ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("operator",)
    search_fields = ("public_key__startswith", "label")
    search_help_text = "A public key, a label or an id"
    id_fields = ("pk", "operator")
    hidden_fields = ("secret_encrypted",)
    operator_link = linked("operator", text="name")

    @admin.display(description="Status")
    def state(self, row: models.OperatorKey) -> str:
        return row.status(clock.now())


@admin.register(models.KeyUse)
class KeyUseAdmin(ReadOnlyAdmin):
    list_display = ("key_link", "last_used_at")
    list_select_related = ("key",)
    ordering = ("-last_used_at",)
    id_fields = ("key",)
    key_link = linked("key", text="public_key")


@admin.register(models.PingResult)
class PingResultAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "operator_link", "success", "error", "http_status", "latency_ms", "actor_link")
    list_filter = (BY_OPERATOR, "success")
    list_select_related = ("operator", "actor")
    id_fields = ("pk", "operator", "actor")
    operator_link = linked("operator", text="name")
    actor_link = linked("actor", text="email", title="Admin")


@admin.register(models.OnboardingFact)
class OnboardingFactAdmin(ReadOnlyAdmin):
    list_display = ("operator_link", "name", "completed_at", "skipped")
    list_filter = (BY_OPERATOR, "name", "skipped")
    list_select_related = ("operator",)
    ordering = ("-completed_at",)
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.OnboardingStep)
class OnboardingStepAdmin(ReadOnlyAdmin):
    list_display = ("operator_link", "step", "completed_at", "skipped", "actor_link", "notes")
    list_filter = (BY_OPERATOR, "skipped")
    list_select_related = ("operator", "actor")
    ordering = ("-completed_at",)
    id_fields = ("operator", "actor")
    operator_link = linked("operator", text="name")
    actor_link = linked("actor", text="email", title="Admin")


@admin.register(models.CallbackEvent)
class CallbackEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "operator_link", "event", "subject_id", "user_id", "sequence", "test", "created_at")
    list_filter = (BY_OPERATOR, "event", "test")
    list_select_related = ("operator",)
    ordering = ("-ordinal",)
    search_help_text = "The id of an event, operator, user, trade, settlement or market"
    id_fields = ("id", "operator", "user_id", "subject_id")
    operator_link = linked("operator", text="name")


@admin.register(models.Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        *("event_link", "operator_link", "state", "attempts", "due_at", "last_attempt_at", "last_error"),
        "confirmed_at",
    )
    list_filter = (BY_OPERATOR, "state")
    list_select_related = ("event", "operator")
    search_help_text = "The id of an operator or user"
    id_fields = ("operator", "user_id")
    event_link = linked("event", text="id")
    operator_link = linked("operator", text="name")


@admin.register(models.Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "delivery_link", "operator_link", "number", "confirmed", "http_status", "error", "latency_ms")
    list_filter = (BY_OPERATOR, "confirmed")
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    hidden_fields = ("request_headers", "response_headers")
    delivery_link = linked("delivery")
    operator_link = linked("operator", text="name")


@admin.register(models.Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    list_display = ("operator_link", "url", "failures", "failing_since", "last_success_at", "paused_until")
    list_filter = (("failing_since", admin.EmptyFieldListFilter),)
    list_select_related = ("operator",)
    search_fields = ("url",)
    search_help_text = "A part of the URL, or an operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "operator_link", "kind", "key", "status", "created_at")
    list_filter = (BY_OPERATOR, among("kind", ("register", "deposit", "withdraw", "trade")))
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    hidden_fields = ("answer", "fingerprint")
    operator_link = linked("operator", text="name")


@admin.register(models.TransactionReference)
class TransactionReferenceAdmin(ReadOnlyAdmin):
    list_display = ("transaction_id", "operator_link", "object_id", "created_at")
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_fields = ("transaction_id__exact",)
    search_help_text = "A whole transaction id, or an operator's, trade's or entry's id"
    id_fields = ("operator", "object_id")
    operator_link = linked("operator", text="name")
