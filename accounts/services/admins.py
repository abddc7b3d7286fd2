"""Predictu's own staff accounts: made, given roles, deactivated. Every change is audited."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts import roles
from accounts.models import AdminUser
from predictu.errors import Conflict, NotFound, ValidationFailed
from predictu.platform import audit


class OwnAccess(Conflict):
    code, message = "OWN_ACCESS", "Nobody takes their own access away"


class EmailTaken(Conflict):
    code, message = "EMAIL_EXISTS", "An admin with this e-mail already exists"


@transaction.atomic
def create(
    *,
    email: str,
    password: str,
    groups: Iterable[str],
    name: str = "",
    actor: AdminUser,
    reason: str = "",
    now: datetime,
) -> AdminUser:
    """A new admin who can log in. Raises ValidationFailed or EmailTaken."""
    admin = AdminUser(email=_checked_email(email), name=name.strip(), created_at=now)
    wanted = _groups(groups)
    _set_password(admin, password)
    try:
        with transaction.atomic():
            admin.save(force_insert=True)
    except IntegrityError:
        raise EmailTaken from None
    admin.groups.set(wanted)
    changes = {"roles": {"from": [], "to": sorted(group.name for group in wanted)}}
    _record(actor, "admin.create", admin, now, changes, reason=reason)
    return admin


@transaction.atomic
def set_password(*, admin: AdminUser, password: str, actor: AdminUser, now: datetime) -> None:
    """A new password; every token and browser session made before is worthless. Raises ValidationFailed."""
    admin = locked(admin.pk)
    _set_password(admin, password)
    admin.token_version += 1
    admin.save(update_fields=["password", "token_version"])
    _record(actor, "admin.password", admin, now, {"password": {"from": None, "to": None}})


@transaction.atomic
def log_out_everywhere(*, admin: AdminUser, actor: AdminUser, reason: str = "", now: datetime) -> None:
    """Make every token and browser session of this admin worthless."""
    admin = locked(admin.pk)
    admin.token_version += 1
    admin.save(update_fields=["token_version"])
    _record(actor, "admin.logout_everywhere", admin, now, reason=reason)


@transaction.atomic
def set_active(*, admin: AdminUser, active: bool, actor: AdminUser, reason: str = "", now: datetime) -> bool:
    """Deactivate or reactivate; whether that changed anything. Tokens live on, but answer 403 while deactivated.

    Raises OwnAccess for one's own account, so that the last admin cannot shut everyone out.
    """
    admin = locked(admin.pk)
    if admin.is_active == active:
        return False
    if admin == actor:
        raise OwnAccess
    admin.is_active = active
    admin.save(update_fields=["is_active"])
    _record(actor, "admin.activate" if active else "admin.deactivate", admin, now, reason=reason)
    return True


@transaction.atomic
def set_roles(*, admin: AdminUser, groups: Iterable[str], actor: AdminUser, reason: str = "", now: datetime) -> bool:
    """Give exactly these roles, or none; whether that changed anything.

    Raises ValidationFailed for an unknown one, OwnAccess when it would take a role from oneself.
    """
    admin = locked(admin.pk)
    wanted = _groups(groups, least=0)
    before = sorted(admin.groups.values_list("name", flat=True))
    after = sorted(group.name for group in wanted)
    if before == after:
        return False
    if admin == actor and not set(before) <= set(after):
        raise OwnAccess
    admin.groups.set(wanted)
    _record(actor, "admin.roles", admin, now, {"roles": {"from": before, "to": after}}, reason=reason)
    return True


@transaction.atomic
def rename(*, admin: AdminUser, name: str, actor: AdminUser, reason: str = "", now: datetime) -> bool:
    """A new name; whether that changed anything."""
    admin = locked(admin.pk)
    before, after = admin.name, name.strip()
    if before == after:
        return False
    admin.name = after
    admin.save(update_fields=["name"])
    _record(actor, "admin.rename", admin, now, {"name": {"from": before, "to": after}}, reason=reason)
    return True


def by_email(email: str) -> AdminUser:
    """Raises NotFound. The system's own account is nobody's to change."""
    admin = AdminUser.objects.filter(email=email.strip().lower(), is_system=False).first()
    if admin is None:
        raise NotFound("There is no admin with this e-mail")
    return admin


def locked(admin_id: str) -> AdminUser:
    """The admin's row, held to the end of the transaction. Raises NotFound."""
    admin = AdminUser.objects.select_for_update(no_key=True).filter(pk=admin_id, is_system=False).first()
    if admin is None:
        raise NotFound("There is no such admin")
    return admin


def _checked_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValidationFailed(details={"email": error.messages}) from None
    return email


def _set_password(admin: AdminUser, password: str) -> None:
    try:
        validate_password(password, admin)
    except ValidationError as error:
        raise ValidationFailed(details={"password": error.messages}) from None
    admin.set_password(password)


def _groups(names: Iterable[str], least: int = 1) -> list[Group]:
    wanted = set(names)
    unknown = sorted(wanted - set(roles.ROLES))
    if unknown or len(wanted) < least:
        raise ValidationFailed(details={"group": [f"must be one of {', '.join(roles.ROLES)}"]})
    return list(Group.objects.filter(name__in=wanted))


def _record(
    actor: AdminUser, action: str, admin: AdminUser, now: datetime, changes: Any = None, *, reason: str = ""
) -> None:
    audit.record(
        actor=actor, action=action, object_type="admin", object_id=admin.id, changes=changes, reason=reason, now=now
    )
