"""``manage.py admin …``: Predictu's own staff accounts from the shell."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import roles
from accounts.models import AdminUser, system_admin
from accounts.services import admins, two_factor
from predictu import clock
from predictu.errors import PredictuError

PASSWORD_VARIABLE = "PREDICTU_ADMIN_PASSWORD"  # noqa: S105 the name of a variable


class Command(BaseCommand):
    help = "Make an admin, change a password, deactivate, log out everywhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, help_text in (
            ("create", "make an admin"),
            ("password", "set a new password, which ends every session"),
            ("deactivate", "shut an admin out"),
            ("activate", "let a deactivated admin in again"),
            ("roles", "give exactly these groups"),
            ("logout-everywhere", "end every session of an admin"),
            ("two-factor-reset", "take an admin's second factor away, which ends every session"),
        ):
            action = actions.add_parser(name, help=help_text)
            action.add_argument("--email", required=True)
            if name in ("create", "password"):
                action.add_argument("--password", help=f"default: the variable {PASSWORD_VARIABLE}")
            if name == "create":
                action.add_argument("--name", default="")
            if name in ("create", "roles"):
                action.add_argument("--group", action="append", required=True, choices=roles.ROLES)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(_run(options))
        except PredictuError as error:
            what = [f"{field}: {' '.join(wrongs)}" for field, wrongs in (error.details or {}).items()]
            raise CommandError("; ".join([error.message, *what])) from None


def _run(options: dict[str, Any]) -> str:
    action, who = options["action"], {"actor": system_admin(), "now": clock.now()}
    if action == "create":
        admin = admins.create(
            email=options["email"], password=_password(options), groups=options["group"], name=options["name"], **who
        )
        return f"{admin.id} created"
    admin = admins.by_email(options["email"])
    return f"{admin.id} {_change(action, admin, options, who)}"


def _change(action: str, admin: AdminUser, options: dict[str, Any], who: dict[str, Any]) -> str:
    if action == "password":
        admins.set_password(admin=admin, password=_password(options), **who)
        return "has a new password; every session is over"
    if action == "logout-everywhere":
        admins.log_out_everywhere(admin=admin, **who)
        return "is logged out everywhere"
    if action == "two-factor-reset":
        taken = two_factor.reset(admin=admin, **who)
        return "has no second factor any more; every session is over" if taken else "had no second factor"
    if action == "roles":
        changed = admins.set_roles(admin=admin, groups=options["group"], **who)
        return "has new roles" if changed else "had these roles already"
    changed = admins.set_active(admin=admin, active=action == "activate", **who)
    return f"{action}d" if changed else f"was {action}d already"


def _password(options: dict[str, Any]) -> str:
    password = options["password"] or os.environ.get(PASSWORD_VARIABLE)
    if not password:
        raise CommandError(f"Give --password or set {PASSWORD_VARIABLE}")
    return password
