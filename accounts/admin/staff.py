"""Predictu's own staff in Django admin. Every change goes through ``services.admins``, which audits it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts import roles
from accounts.models import AdminUser
from accounts.services import admins, two_factor
from predictu import clock
from predictu.errors import PredictuError

# Roles are fixed, and devices belong to their owner: neither has a page of its own.
for _model in (Group, TOTPDevice, StaticDevice):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


class StaffForm(forms.ModelForm):
    """An admin's name, roles and whether they are let in."""

    class Meta:
        model = AdminUser
        fields = ("name", "is_active", "groups")

    def clean_groups(self) -> QuerySet[Group]:
        groups = self.cleaned_data["groups"]
        if self.instance._state.adding and not groups:
            raise forms.ValidationError("An admin needs a role.")
        return groups


class NewStaffForm(StaffForm):
    """With the first password."""

    password = forms.CharField(widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}), strip=False)

    class Meta(StaffForm.Meta):
        fields = ("email", "name", "groups")

    def clean_email(self) -> str:
        return self.cleaned_data["email"].strip().lower()

    def clean_password(self) -> str:
        validate_password(self.cleaned_data["password"], AdminUser(email=self.cleaned_data.get("email", "")))
        return self.cleaned_data["password"]


@admin.register(AdminUser)
class StaffAdmin(ModelAdmin):
    list_display = ("email", "name", "role_list", "is_active", "second_factor", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("email", "name")
    ordering = ("email",)
    form = StaffForm
    actions = ("log_out_everywhere", "reset_second_factor")
    readonly_fields = ("email", "created_at", "last_login")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AdminUser]:
        device = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        return super().get_queryset(request).annotate(has_device=Exists(device)).prefetch_related("groups")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if change else {"form": NewStaffForm}) | kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("email", "name", "password", "groups")
        return ("email", "name", "is_active", "groups", "created_at", "last_login")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj is not None and obj.is_system)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody's: an admin is deactivated, because the audit trail names them."""
        return False

    @display(description="Roles")
    def role_list(self, obj: AdminUser) -> str:
        held = {group.name for group in obj.groups.all()}
        return ", ".join(role for role in roles.ROLES if role in held) or "none"

    @display(description="Second factor", boolean=True)
    def second_factor(self, obj: Any) -> bool:
        return obj.has_device

    def save_model(self, request: HttpRequest, obj: AdminUser, form: Any, change: bool) -> None:
        """Through the services; what they refuse is said and nothing else is saved."""
        given = form.cleaned_data
        who: dict[str, Any] = {"actor": request.user, "now": clock.now()}
        groups = [group.name for group in given["groups"]]
        if not change:
            made = admins.create(
                email=given["email"], password=given["password"], groups=groups, name=given["name"], **who
            )
            obj.pk, obj.created_at, obj.password = made.pk, made.created_at, made.password
            obj._state.adding = False
            return
        kept = AdminUser.objects.get(pk=obj.pk)
        admins.rename(admin=kept, name=given["name"], **who)
        admins.set_roles(admin=kept, groups=groups, **who)
        admins.set_active(admin=kept, active=given["is_active"], **who)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Roles were set with the rest."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except PredictuError as error:
            messages.error(request, error.message)
            return redirect(request.path)

    @admin.action(description="Log out everywhere", permissions=["change"])
    def log_out_everywhere(self, request: HttpRequest, queryset: QuerySet[AdminUser]) -> None:
        for each in queryset.filter(is_system=False):
            admins.log_out_everywhere(admin=each, actor=request.user, now=clock.now())
            messages.success(request, f"{each.email} is logged out everywhere.")

    @admin.action(description="Reset the second factor", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[AdminUser]) -> None:
        for each in queryset.filter(is_system=False):
            taken = two_factor.reset(admin=each, actor=request.user, now=clock.now())
            messages.success(request, f"{each.email} {'has' if taken else 'had'} no second factor.")
