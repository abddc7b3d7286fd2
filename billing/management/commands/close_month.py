"""``manage.py close_month --month 2026-02``: whether the month can be closed; exits non-zero if it cannot."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import months
from billing.services import month_close
from predictu import clock


class Command(BaseCommand):
    help = "Check whether a month can be closed: ledger, callbacks, invoices, amounts, seals and mails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--month", help="as in 2026-02 (the month before this one)")

    def handle(self, *, month: str | None, **options: Any) -> None:
        now = clock.now()
        try:
            wanted = months.parse(month) if month else months.before(now)
        except ValueError as problem:
            raise CommandError(str(problem)) from problem
        checks = month_close.check(month=wanted, now=now, verify=True)
        for one in checks:
            self.stdout.write(f"{'ok     ' if one.ok else 'NOT OK '} {one.title}")
            for line in one.findings:
                self.stdout.write(f"        {line}")
            if one.explanation:
                self.stdout.write(f"        Explained: {one.explanation}")
        failed = sum(not one.ok for one in checks)
        if failed:
            raise CommandError(f"{wanted:%Y-%m} cannot be closed: {failed} checks failed")
        self.stdout.write(f"{wanted:%Y-%m} can be closed")
