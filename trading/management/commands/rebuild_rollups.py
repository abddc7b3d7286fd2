"""``manage.py rebuild_rollups``: make the rollups and counts by day anew from their rows; every sum stays the same."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import signups
from trading.services import rollups


class Command(BaseCommand):
    help = "Make the revenue rollups, the trades by day and the signups by day anew from facts and users."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{rollups.rebuild():,} facts rolled up")
        self.stdout.write(f"{signups.rebuild():,} users counted")
