"""``manage.py bill --month 2026-02 [--operator SLUG]``: the monthly run, for any month that is over."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import months
from billing.services import invoices
from operators import queries as operators
from predictu import clock
from predictu.errors import PredictuError


class Command(BaseCommand):
    help = "Make and send a month's invoices. Safe to repeat: what is billed stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--month", help="as in 2026-02 (the month before this one)")
        parser.add_argument("--operator", metavar="SLUG", help="this operator only")

    def handle(self, *, month: str | None, operator: str | None, **options: Any) -> None:
        now = clock.now()
        try:
            wanted = months.parse(month) if month else months.before(now)
            ids = [operators.by_slug(operator).id] if operator else None
            run = invoices.run_month(month=wanted, now=now, operator_ids=ids)
        except (ValueError, PredictuError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(
            f"{wanted:%Y-%m}: {len(run.made)} invoices made, {len(run.sent)} sent, {len(run.carried)} months carried on"
        )
