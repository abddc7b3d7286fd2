"""Predictu's own staff in Django admin: who they are, and what is done about them, each with a reason."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import roles
from accounts.models import AdminUser
from accounts.services import admins, sessions, two_factor
from predictu import clock
from predictu.admin_acts import Act, ActingAdmin, Facts, Given, ReasonForm, act_on_chosen, answer

MANAGE = "accounts.manage_admins"
_site: Any = admin.site

# Roles are fixed, and devices belong to their owner: neither has a page of its own.
for _model in (Group, TOTPDevice, StaticDevice):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


class RolesForm(ReasonForm):
    """Exactly these roles."""

    roles = forms.MultipleChoiceField(
        choices=[(role, role) for role in roles.ROLES],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="None ticked: the admin gets in nowhere.",
    )


class NameForm(ReasonForm):
    """What an admin is called."""

    name = forms.CharField(required=False, max_length=100, widget=UnfoldAdminTextInputWidget())


class NewStaffForm(ReasonForm):
    """A new admin with the first password."""

    email = forms.EmailField(label="E-mail", max_length=254, widget=UnfoldAdminTextInputWidget())
    name = forms.CharField(required=False, max_length=100, widget=UnfoldAdminTextInputWidget())
    password = forms.CharField(
        label="First password",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        strip=False,
        help_text="To be changed by the admin, who sets up the second factor, too.",
    )
    roles = forms.MultipleChoiceField(
        choices=RolesForm.base_fields["roles"].choices,  # type: ignore[attr-defined]
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, AdminUser(email=self.cleaned_data.get("email", "")))
        return password


def _several(row: Any) -> list[AdminUser]:
    """One admin or the chosen ones; the system's own account is nobody's to act on."""
    return [each for each in ([row] if isinstance(row, AdminUser) else row) if not each.is_system]


def _with_device(rows: Iterable[AdminUser]) -> int:
    return TOTPDevice.objects.filter(user__in=rows, confirmed=True).values("user").distinct().count()


def _access(row: Any) -> Facts:
    """What somebody's access is, and what of it is in use."""
    rows = _several(row)
    return [
        ("Roles now", _roles(rows[0])) if len(rows) == 1 else ("Admins", f"{len(rows):,}"),
        ("With a second factor", f"{_with_device(rows):,}"),
        ("Browser sessions open now", f"{sessions.open_in_browsers(rows, now=clock.now()):,}"),
    ]


def _ends_sessions(row: Any) -> Facts:
    return [*_access(row), ("Every session and every token of theirs", "ends at once")]


def _loses_device(row: Any) -> Facts:
    return [*_ends_sessions(row), ("Their devices and recovery codes", "are worthless; they set up new ones")]


def _may_in(row: Any) -> Facts:
    return [*_access(row), ("May log in", "again, with the password they had")]


def _shut_out(row: Any) -> Facts:
    return [*_access(row), ("Every session", "ends at once"), ("Tokens", "are refused"), ("Logging in", "is refused")]


def _log_out(given: Given) -> str:
    rows = _several(given.row)
    for each in rows:
        admins.log_out_everywhere(admin=each, actor=given.actor, reason=given.reason, now=given.now)
    return f"{_named(rows)} logged out everywhere."


def _reset(given: Given) -> str:
    rows = _several(given.row)
    taken = [
        each for each in rows if two_factor.reset(admin=each, actor=given.actor, reason=given.reason, now=given.now)
    ]
    return f"{_named(taken)} without a second factor now." if taken else "There was no second factor to take."


def _named(rows: list[AdminUser]) -> str:
    return f"{rows[0].email} is" if len(rows) == 1 else f"{len(rows):,} admins are"


def _activate(active: bool) -> Callable[[Given], str]:
    def run(given: Given) -> str:
        admins.set_active(admin=given.row, active=active, actor=given.actor, reason=given.reason, now=given.now)
        return f"{given.row.email} is {'let in again' if active else 'shut out'}."

    return run


def _give_roles(given: Given) -> str:
    wanted = given.values["roles"]
    admins.set_roles(admin=given.row, groups=wanted, actor=given.actor, reason=given.reason, now=given.now)
    return f"{given.row.email} has the roles {', '.join(wanted) or 'none'}."


def _rename(given: Given) -> str:
    admins.rename(admin=given.row, name=given.values["name"], actor=given.actor, reason=given.reason, now=given.now)
    return f"{given.row.email} is called {given.values['name'] or 'by the e-mail'}."


def _create(given: Given) -> str:
    values = given.values
    made = admins.create(
        email=values["email"],
        password=values["password"],
        groups=values["roles"],
        name=values["name"],
        actor=given.actor,
        reason=given.reason,
        now=given.now,
    )
    return f"{made.email} may log in."


def _new(_: Any) -> Facts:
    active = AdminUser.objects.filter(is_active=True, is_system=False)
    return [("Admins now", f"{active.count():,}"), ("The new one", "may log in at once")]


LOG_OUT = Act(
    name="logout-everywhere",
    label="Log out everywhere",
    permission=MANAGE,
    run=_log_out,
    consequences=_ends_sessions,
    possible=lambda row: not row.is_system,
)
RESET = Act(
    name="reset-second-factor",
    label="Reset the second factor",
    permission=MANAGE,
    run=_reset,
    consequences=_loses_device,
    possible=lambda row: not row.is_system and two_factor.is_on(row),
    dangerous=True,
)
NEW = Act(name="new", label="Add", permission=MANAGE, run=_create, consequences=_new, form=NewStaffForm)
ACTS = (
    LOG_OUT,
    RESET,
    Act(
        name="roles",
        label="Give roles",
        permission=MANAGE,
        run=_give_roles,
        consequences=_access,
        possible=lambda row: not row.is_system,
        form=RolesForm,
        initial=lambda row: {"roles": roles.held_by(row)},
    ),
    Act(
        name="rename",
        label="Change the name",
        permission=MANAGE,
        run=_rename,
        consequences=_access,
        possible=lambda row: not row.is_system,
        form=NameForm,
        initial=lambda row: {"name": row.name},
    ),
    Act(
        name="deactivate",
        label="Shut out",
        permission=MANAGE,
        run=_activate(False),
        consequences=_shut_out,
        possible=lambda row: row.is_active and not row.is_system,
        dangerous=True,
    ),
    Act(
        name="activate",
        label="Let in again",
        permission=MANAGE,
        run=_activate(True),
        consequences=_may_in,
        possible=lambda row: not row.is_active and not row.is_system,
    ),
)


@_site.page("admins/new/", name="admin_new")
@sensitive_post_parameters("password")
def new_admin(request: HttpRequest) -> HttpResponse:
    """Somebody new on the staff; the first password is told them by whoever types it here."""
    back = reverse("admin:accounts_adminuser_changelist")
    return answer(request, admin.site, NEW, None, back=back, called="a new admin")


def _roles(row: AdminUser) -> str:
    held = {group.name for group in row.groups.all()}
    return ", ".join(role for role in roles.ROLES if role in held) or "none"


@admin.register(AdminUser)
class StaffAdmin(ActingAdmin):
    acts = ACTS
    list_display = ("email", "name", "role_list", "is_active", "second_factor", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("email", "name")
    search_help_text = "An e-mail, a name or an id"
    ordering = ("email",)
    actions = ("log_out_everywhere", "reset_second_factor")
    fields = ("id", "email", "name", "role_list", "is_active", "second_factor", "created_at", "last_login")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AdminUser]:
        device = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        return super().get_queryset(request).annotate(has_device=Exists(device)).prefetch_related("groups")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        new = (reverse("admin:admin_new"), "New admin") if self.has_manage_permission(request) else None
        return super().changelist_view(request, {**(extra_context or {}), "new": new})

    @display(description="Roles")
    def role_list(self, obj: AdminUser) -> str:
        return _roles(obj)

    @display(description="Second factor", boolean=True)
    def second_factor(self, obj: Any) -> bool:
        return obj.has_device

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MANAGE)

    @admin.action(description="Log out everywhere", permissions=["manage"])
    def log_out_everywhere(self, request: HttpRequest, queryset: QuerySet[AdminUser]) -> HttpResponse | None:
        return act_on_chosen(self, request, queryset, LOG_OUT)

    @admin.action(description="Reset the second factor", permissions=["manage"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[AdminUser]) -> HttpResponse | None:
        return act_on_chosen(self, request, queryset, RESET)
