"""Players, their ledger and what guards the door, in Django admin: to read, all of it."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts import models
from accounts.admin import acts, case_file
from operators.models import Operator
from predictu import clock
from predictu.admin_acts import ActingAdmin
from predictu.admin_base import ReadOnlyAdmin, linked, url_of


@admin.register(models.Player)
class PlayerAdmin(ActingAdmin):
    acts = acts.ACTS
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

    def page_facts(self, request: HttpRequest, row: models.Player) -> dict[str, Any]:
        kind, before = request.GET.get("kind", ""), _instant(request.GET.get("before", ""))
        return {
            "panel": "admin/case_file.html",
            "row": row,
            "operator_url": url_of(Operator, row.operator_id),
            "facts": case_file.facts(row),
            "kinds": case_file.KINDS,
            "kind": kind,
            "before": before,
            "file": case_file.timeline(row, kind=kind, before=before),
            "may_print": self.sees_personal(request),
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.case_file_pdf)
        return [path("<path:object_id>/change/case-file.pdf", view, name="case_file_pdf"), *super().get_urls()]

    def case_file_pdf(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The case file on paper; names the person, so it asks for the permission that personal data needs."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not self.sees_personal(request):
            raise PermissionDenied
        document = case_file.printed(row, actor=request.user, now=clock.now())
        answer = HttpResponse(document, content_type="application/pdf")
        answer["Content-Disposition"] = f'attachment; filename="case-file-{row.id}.pdf"'
        return answer


def _instant(text: str) -> datetime | None:
    """An aware instant; None for anything else, which shows the newest."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


@admin.register(models.SignupDay)
class SignupDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "operator_link", "users")
    list_filter = (("operator", AutocompleteSelectFilter),)
    list_select_related = ("operator",)
    ordering = ("-day", "-id")
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.SignupChannel)
class SignupChannelAdmin(ReadOnlyAdmin):
    list_display = ("operator_link", "channel", "users")
    list_filter = (("operator", AutocompleteSelectFilter),)
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "An operator's id"
    id_fields = ("operator",)
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
