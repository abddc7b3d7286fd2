"""The platform's tables in Django admin: to read, all of them."""

from django.contrib import admin

from predictu.admin_acts import ActingAdmin
from predictu.admin_base import ReadOnlyAdmin, linked
from predictu.platform import models
from predictu.platform.admin import configuration


@admin.register(models.ActivityEvent)
class ActivityAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "type", "severity", "title", "description")
    list_filter = ("type", "severity")
    search_help_text = "The id of an operator, user, market or line"
    id_fields = ("id", "operator_id", "user_id", "market_id")


@admin.register(models.ConfigRevision)
class ConfigRevisionAdmin(ActingAdmin):
    acts = (configuration.REVERT,)
    list_display = ("number", "created_at", "actor_link", "changed", "reason")
    list_select_related = ("actor",)
    search_fields = ("reason",)
    search_help_text = "Words of the reason"
    id_fields = ("actor", "audit")
    actor_link = linked("actor", text="email", title="Admin")

    @admin.display(description="Changed")
    def changed(self, row: models.ConfigRevision) -> str:
        return ", ".join(sorted(row.new_values))


@admin.register(models.StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    list_display = ("id", "category", "operator_slug", "content_type", "size_bytes", "uploader", "uploaded_at")
    list_filter = ("category",)
    list_select_related = ("uploaded_by",)
    search_fields = ("operator_slug__exact", "sha256__exact")
    search_help_text = "A file's or an admin's id, a slug or a checksum"
    id_fields = ("pk", "uploaded_by")
    uploader = linked("uploaded_by", text="email")


@admin.register(models.AdminNotice)
class AdminNoticeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "subject", "sent_at")
    list_filter = (("sent_at", admin.EmptyFieldListFilter),)
    search_fields = ("subject",)
    search_help_text = "Words of the subject"
    id_fields = ()
    personal_fields = ("recipients",)


@admin.register(models.RelayStream)
class RelayStreamAdmin(ReadOnlyAdmin):
    list_display = ("name", "last_number")
    search_fields = ("name__exact",)
    id_fields = ("name",)


@admin.register(models.Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "seen_at", "detail")
    search_fields = ("name",)
    search_help_text = "A name"
    id_fields = ()
