"""``manage.py forget_user``: put a user's e-mail, user name and external id under a pseudonym, for good."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import admins
from predictu import clock
from predictu.errors import PredictuError
from reports.services import expiry, forgetting


class Command(BaseCommand):
    help = (
        "Forget a person: a pseudonym takes the place of e-mail, user name and external id wherever they are stored; "
        "money and ledger stay. Cannot be undone. Repeating it is harmless."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="usr_…")
        parser.add_argument("--reason", required=True, help="goes into the audit trail; must not name the person")
        parser.add_argument("--admin", required=True, metavar="EMAIL", help="who does it")
        parser.add_argument("--leave-money", action="store_true", help="even with a balance or a debt")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *, user: str, reason: str, admin: str, leave_money: bool, yes: bool, **options: Any) -> None:
        if not yes and input(f"This cannot be undone. Type {user} to forget it: ").strip() != user:
            raise CommandError("Nothing was changed")
        now = clock.now()
        try:
            actor = admins.by_email(admin)
            done = forgetting.forget(player_id=user, reason=reason, actor=actor, leave_money=leave_money, now=now)
        except PredictuError as error:
            what = [text for texts in (error.details or {}).values() for text in texts]
            raise CommandError("; ".join([error.message, *what])) from None
        removed = expiry.sweep(now=now)
        if not done.changed:
            self.stdout.write(f"{user} had been forgotten already")
            return
        self.stdout.write(
            f"{user} is {done.pseudonym} now: {done.events} callbacks, {done.attempts} answers of the operator and "
            f"{done.answers} remembered answers rewritten, {removed} files removed"
        )
