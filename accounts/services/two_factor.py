"""The second factor of an admin: an authenticator app, and recovery codes for the day it is lost."""

from datetime import datetime

from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import AdminUser
from accounts.services import admins
from predictu.errors import Conflict, RateLimited, ValidationFailed
from predictu.platform import audit

RECOVERY_CODES = 10


def is_on(admin: AdminUser) -> bool:
    return TOTPDevice.objects.filter(user=admin, confirmed=True).exists()


@transaction.atomic
def begin(*, admin: AdminUser) -> TOTPDevice:
    """The authenticator to be confirmed: the one begun before, else a new one. Raises Conflict when one is on."""
    admins.locked(admin.pk)
    if is_on(admin):
        raise Conflict("A second factor is already on")
    begun = TOTPDevice.objects.filter(user=admin, confirmed=False).first()
    return begun or TOTPDevice.objects.create(user=admin, name="Authenticator", confirmed=False)


def confirm(*, admin: AdminUser, code: str, actor: AdminUser, now: datetime) -> tuple[TOTPDevice, list[str]]:
    """Turn the begun authenticator on with its first code. Answers the recovery codes, the only time they are shown.

    Raises Conflict when none was begun, ValidationFailed for a wrong code, RateLimited after wrong ones.
    """
    with transaction.atomic():
        admins.locked(admin.pk)
        device = TOTPDevice.objects.select_for_update().filter(user=admin, confirmed=False).first()
        if device is None or is_on(admin):
            raise Conflict("There is no second factor waiting for its first code")
        allowed, _ = device.verify_is_allowed()
        if allowed and device.verify_token(code.replace(" ", "")):
            return _turn_on(device, admin=admin, actor=actor, now=now)
    # Outside the transaction, so that the failure the device has counted stays.
    if not allowed:
        raise RateLimited("Too many wrong codes; try again in a moment", retry_after=1)
    raise ValidationFailed(details={"code": ["is wrong or worn out"]})


@transaction.atomic
def reset(*, admin: AdminUser, actor: AdminUser, reason: str = "", now: datetime) -> bool:
    """Take every device and recovery code away and end every session; whether there was anything to take."""
    admin = admins.locked(admin.pk)
    taken = [model.objects.filter(user=admin).delete()[0] for model in (TOTPDevice, StaticDevice)]
    if not any(taken):
        return False
    admin.token_version += 1
    admin.save(update_fields=["token_version"])
    audit.record(
        actor=actor, action="admin.two_factor_off", object_type="admin", object_id=admin.id, reason=reason, now=now
    )
    return True


def _turn_on(device: TOTPDevice, *, admin: AdminUser, actor: AdminUser, now: datetime) -> tuple[TOTPDevice, list[str]]:
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    StaticDevice.objects.filter(user=admin).delete()
    paper = StaticDevice.objects.create(user=admin, name="Recovery codes", confirmed=True)
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=paper, token=code) for code in codes)
    audit.record(actor=actor, action="admin.two_factor_on", object_type="admin", object_id=admin.id, now=now)
    return device, codes
