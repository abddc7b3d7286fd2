"""Verify the whole platform's money."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from predictu import clock
from trading.services import verification


class Command(BaseCommand):
    help = (
        "Checks chains, anchors, balances, trades, positions, counters, settlements and revenue; fails if any differ."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--anchor", action="store_true", help="anchor the ledger when everything holds")

    def handle(self, *args: Any, **options: Any) -> None:
        found = verification.verify()
        for finding in found:
            self.stdout.write(f"{finding.check}: {finding.count} wrong")
            for example in finding.examples:
                self.stdout.write(f"  {example}")
        if found:
            raise CommandError(f"{len(found)} checks do not hold")
        if options["anchor"]:
            self.stdout.write(f"anchored {verification.anchor(now=clock.now())}")
        self.stdout.write("Everything holds")
