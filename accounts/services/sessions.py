"""Sessions of Predictu's own staff: who logs in, what a token is worth, and when it is dead."""

import logging
import math
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.models import Session as BrowserSession
from django.db import connection, transaction
from django.utils.crypto import constant_time_compare
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import roles, tokens
from accounts.models import AdminUser, RevokedToken
from accounts.services import lockout
from predictu import ids
from predictu.errors import Forbidden, OtpRequired, PredictuError, RateLimited, Unauthorized
from predictu.platform import audit, config

log = logging.getLogger("predictu.logins")

_WRONG = "Wrong e-mail or password"


@dataclass(frozen=True)
class Login:
    """An admin who has shown who they are, and the device that helped, if any."""

    admin: AdminUser
    device: Device | None


@dataclass(frozen=True)
class Session:
    """A token just made."""

    admin: AdminUser
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Identity:
    """The admin a live token stands for. ``admin.role_names`` came with it."""

    admin: AdminUser
    claims: tokens.Claims


def authenticate(
    *, email: str, password: str, otp: str | None, address: str, via: str, may_enrol: bool = False, now: datetime
) -> Login:
    """Check e-mail, password and, where a device is confirmed, the one-time password. ``via`` is for the audit.

    ``may_enrol`` lets an admin in who must have a device and has none yet: the caller lets them set it up, no more.

    Raises Unauthorized for a wrong e-mail, password or code, alike and in like time; OtpRequired when only the code is
    missing; RateLimited during a lock-out; Forbidden for a known admin without a role.
    """
    email = email.strip().lower()
    with transaction.atomic():
        outcome = _attempt(email=email, password=password, otp=otp, address=address, may_enrol=may_enrol, now=now)
        if isinstance(outcome, Login):
            admin = outcome.admin
            admin.last_login = now
            admin.save(update_fields=["last_login"])
            audit.record(
                actor=admin,
                action="admin.login",
                object_type="admin",
                object_id=admin.id,
                metadata={"via": via, "two_factor": outcome.device is not None},
                now=now,
            )
            return outcome
    log.info("login refused: %s", outcome.code, extra={"address": address})
    raise outcome


def log_in(*, email: str, password: str, otp: str | None, address: str, now: datetime) -> Session:
    """A new token for the API; raises what ``authenticate`` raises."""
    admin = authenticate(email=email, password=password, otp=otp, address=address, via="api", now=now).admin
    hours = int(config.current()["defaults.session_timeout_hours"])
    claims = tokens.Claims(
        admin_id=admin.id,
        jti=secrets.token_urlsafe(24),
        version=admin.token_version,
        issued_at=now,
        expires_at=now + timedelta(hours=hours),
    )
    return Session(admin, tokens.write(claims, keys=settings.PREDICTU_JWT_KEYS), claims.expires_at)


_IDENTIFY = """
SELECT {columns}, EXISTS (SELECT FROM accounts_revokedtoken WHERE jti = %(jti)s),
       ARRAY(SELECT role.name FROM accounts_adminuser_groups held JOIN auth_group role ON role.id = held.group_id
             WHERE held.adminuser_id = admin.id)
FROM accounts_adminuser admin WHERE admin.id = %(admin)s
"""


@cache
def _identification() -> tuple[str, list[str]]:
    """The statement, which every request asks, written once; and the fields of an admin in its order."""
    fields = AdminUser._meta.concrete_fields
    columns = ", ".join(f"admin.{connection.ops.quote_name(field.column)}" for field in fields)
    return _IDENTIFY.format(columns=columns), [field.attname for field in fields]


def identify(token: str) -> Identity:
    """Whose token it is. Raises Unauthorized when it is forged, expired, logged out or older than the version."""
    claims = tokens.read(token, keys=settings.PREDICTU_JWT_KEYS)
    statement, names = _identification()
    with connection.cursor() as cursor:
        cursor.execute(statement, {"jti": claims.jti, "admin": ids.decode("admin", claims.admin_id)})
        row = cursor.fetchone()
    if row is None:
        raise Unauthorized
    *values, logged_out, role_names = row
    admin = AdminUser.from_db(connection.alias, names, values)
    admin.id, admin.role_names = claims.admin_id, role_names
    if logged_out or admin.token_version != claims.version:
        raise Unauthorized
    return Identity(admin, claims)


def require_role(admin: AdminUser) -> None:
    """Raises Forbidden when the admin is deactivated or holds no role."""
    if not may_enter(admin):
        raise Forbidden("This account has no access")


def may_enter(admin: AdminUser) -> bool:
    return admin.is_active and not admin.is_system and bool(roles.held_by(admin))


@transaction.atomic
def log_out(identity: Identity, *, now: datetime) -> None:
    """Make this one token worthless. Twice is harmless."""
    claims = identity.claims
    _, new = RevokedToken.objects.get_or_create(jti=claims.jti, defaults={"expires_at": claims.expires_at})
    if new:
        _record_logout(identity.admin, now)


def forget_expired(*, now: datetime) -> None:
    """Delete what no longer matters: revoked tokens past their life, ended browser sessions and old failures."""
    RevokedToken.objects.filter(expires_at__lte=now).delete()
    BrowserSession.objects.filter(expire_date__lte=now).delete()
    lockout.forget(now=now)


def open_in_browsers(admins: Iterable[AdminUser], *, now: datetime) -> int:
    """How many browser sessions of these admins are good now; each row is read, of which there are few."""
    wanted = {admin.pk: admin.get_session_auth_hash() for admin in admins}
    held = (row.get_decoded() for row in BrowserSession.objects.filter(expire_date__gt=now).iterator())
    return sum(
        constant_time_compare(data.get(HASH_SESSION_KEY, ""), wanted[data[SESSION_KEY]])
        for data in held
        if data.get(SESSION_KEY) in wanted
    )


def _record_logout(admin: AdminUser, now: datetime) -> None:
    audit.record(actor=admin, action="admin.logout", object_type="admin", object_id=admin.id, now=now)


def _attempt(
    *, email: str, password: str, otp: str | None, address: str, may_enrol: bool, now: datetime
) -> Login | PredictuError:
    """The outcome as a value, so that a failure's row is committed before it is raised."""
    try:
        lockout.enter(email=email, address=address, now=now)
    except RateLimited as locked:
        return locked
    admin = AdminUser.objects.filter(email=email, is_system=False).first()
    if not _password_fits(admin, password):
        lockout.count(email=email, address=address, now=now)
        return Unauthorized(_WRONG)
    assert admin is not None
    if not may_enter(admin):
        return Forbidden("This account has no access")
    try:
        device = _verified_device(admin, otp, now)
    except (OtpRequired, RateLimited) as refusal:
        return refusal
    except Unauthorized as wrong:
        lockout.count(email=email, address=address, now=now)
        return wrong
    if device is None and settings.PREDICTU_ADMIN_OTP_REQUIRED and not may_enrol:
        return OtpRequired("This account must set up a second factor first")
    return Login(admin, device)


def _password_fits(admin: AdminUser | None, password: str) -> bool:
    """Always one Argon2 verification, whether or not there is an account to verify against."""
    if admin is None or not admin.has_usable_password():
        check_password(password, _nobodys_hash())
        return False
    _nobodys_hash()
    return admin.check_password(password)


@cache
def _nobodys_hash() -> str:
    return make_password(secrets.token_urlsafe(32))


def _verified_device(admin: AdminUser, otp: str | None, now: datetime) -> Device | None:
    """The device that accepts ``otp``; None when the admin has none.

    Rows are locked, so that one code opens one session. Six or eight digits go to the authenticators, anything else to
    the recovery codes. Raises OtpRequired, Unauthorized, or RateLimited while a device recovers from wrong codes.
    """
    authenticators = list(_devices(TOTPDevice, admin))
    if not authenticators:
        return None
    otp = (otp or "").replace(" ", "")
    if not otp:
        raise OtpRequired
    is_code = otp.isascii() and otp.isdigit()
    devices: list[Any] = authenticators if is_code else list(_devices(StaticDevice, admin))
    waits = []
    for device in devices:
        allowed, why = device.verify_is_allowed()
        if not allowed:
            waits.append((why or {}).get("locked_until", now))
        elif device.verify_token(otp if is_code else otp.lower()):
            return device
    if waits and len(waits) == len(devices):
        raise RateLimited(
            "Too many wrong one-time passwords; try again in a moment", retry_after=_seconds_to(waits, now)
        )
    raise Unauthorized("Wrong one-time password")


def _devices(model: type[Device], admin: AdminUser) -> Any:
    return model.objects.select_for_update().filter(user=admin, confirmed=True).order_by("pk")


def _seconds_to(moments: list[Any], now: datetime) -> int:
    return max(1, math.ceil((min(moments) - now).total_seconds()))
