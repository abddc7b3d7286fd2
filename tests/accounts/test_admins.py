"""Staff accounts: the service and the command."""

import pytest
from django.core.management import CommandError, call_command

from accounts import roles
from accounts.models import AdminUser, system_admin
from accounts.services import admins, two_factor
from predictu.errors import NotFound, ValidationFailed
from predictu.platform.models import AuditEntry
from tests.factories import PASSWORD, make_admin, now

pytestmark = pytest.mark.django_db


def run(*arguments):
    return call_command("admin", *arguments)


def test_create(capsys):
    run(
        "create",
        "--email=Rita@Predictu.com",
        f"--password={PASSWORD}",
        "--group=Risk",
        "--group=Finance",
        "--name=Rita",
    )
    admin = AdminUser.objects.get(is_system=False)
    assert capsys.readouterr().out == f"{admin.id} created\n"
    assert (admin.email, admin.name, admin.is_active) == ("rita@predictu.com", "Rita", True)
    assert roles.held_by(admin) == ("Risk", "Finance")
    assert admin.password.startswith("argon2$argon2id$v=19$m=47104,t=1,p=1$") and admin.check_password(PASSWORD)
    row = AuditEntry.objects.get()
    assert (row.actor, row.action, row.object_id) == (system_admin(), "admin.create", admin.id)
    assert PASSWORD not in str(row.__dict__)


def test_the_password_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PREDICTU_ADMIN_PASSWORD", PASSWORD)
    run("create", "--email=rita@predictu.com", "--group=Admin")
    assert AdminUser.objects.get(is_system=False).check_password(PASSWORD)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--email=rita@predictu.com"], "Give --password or set PREDICTU_ADMIN_PASSWORD"),
        (["--email=rita@predictu.com", "--password=short"], "password: This password is too short"),
        (["--email=rita@predictu.com", "--password=rita@predictu.com"], "too similar"),
        (["--email=rita", f"--password={PASSWORD}"], "email: Enter a valid email address."),
        (["--email=TAKEN@predictu.com", f"--password={PASSWORD}"], "An admin with this e-mail already exists"),
    ],
)
def test_refusals(arguments, message, monkeypatch):
    monkeypatch.delenv("PREDICTU_ADMIN_PASSWORD", raising=False)
    make_admin(email="taken@predictu.com")
    before = AdminUser.objects.count()
    with pytest.raises(CommandError, match=message):
        run("create", "--group=Admin", *arguments)
    assert (AdminUser.objects.count(), AuditEntry.objects.count()) == (before, 0)


def test_an_unknown_group_is_refused():
    with pytest.raises(CommandError):
        run("create", "--email=rita@predictu.com", f"--password={PASSWORD}", "--group=Root")
    with pytest.raises(ValidationFailed):
        admins.create(email="r@predictu.com", password=PASSWORD, groups=["Root"], actor=system_admin(), now=now())
    with pytest.raises(ValidationFailed):
        admins.create(email="r@predictu.com", password=PASSWORD, groups=[], actor=system_admin(), now=now())


def test_the_other_commands(capsys):
    admin = make_admin(email="rita@predictu.com")
    two_factor.begin(admin=admin)
    said = []
    for arguments in (
        ["password", "--password=another fine phrase"],
        ["deactivate"],
        ["deactivate"],
        ["activate"],
        ["roles", "--group=Read-only"],
        ["roles", "--group=Read-only"],
        ["logout-everywhere"],
        ["two-factor-reset"],
        ["two-factor-reset"],
    ):
        run(arguments[0], "--email=rita@predictu.com", *arguments[1:])
        said.append(capsys.readouterr().out.strip().removeprefix(f"{admin.id} "))
    assert said == [
        "has a new password; every session is over",
        "deactivated",
        "was deactivated already",
        "activated",
        "has new roles",
        "had these roles already",
        "is logged out everywhere",
        "has no second factor any more; every session is over",
        "had no second factor",
    ]
    admin = AdminUser.objects.get(pk=admin.pk)
    assert (admin.token_version, admin.is_active, roles.held_by(admin)) == (4, True, ("Read-only",))
    assert admin.check_password("another fine phrase")
    assert list(AuditEntry.objects.order_by("created_at", "id").values_list("action", flat=True)) == [
        "admin.password",
        "admin.deactivate",
        "admin.activate",
        "admin.roles",
        "admin.logout_everywhere",
        "admin.two_factor_off",
    ]


@pytest.mark.parametrize("email", ["nobody@predictu.com", AdminUser.SYSTEM_EMAIL])
def test_the_system_and_strangers_are_nobodys_to_change(email):
    with pytest.raises(CommandError, match="There is no admin with this e-mail"):
        run("password", f"--email={email}", f"--password={PASSWORD}")
    with pytest.raises(NotFound):
        admins.log_out_everywhere(admin=system_admin(), actor=system_admin(), now=now())


def test_nobody_takes_their_own_access_away_but_may_add_to_it():
    admin = make_admin(roles.RISK)
    with pytest.raises(admins.OwnAccess):
        admins.set_active(admin=admin, active=False, actor=admin, now=now())
    with pytest.raises(admins.OwnAccess):
        admins.set_roles(admin=admin, groups=["Finance"], actor=admin, now=now())
    assert admins.set_roles(admin=admin, groups=["Risk", "Finance"], actor=admin, now=now())
    assert AuditEntry.objects.count() == 1
