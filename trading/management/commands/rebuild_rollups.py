"""``manage.py rebuild_rollups``: make the revenue rollups anew from the facts; the sums are the same to the cent."""

from typing import Any

from django.core.management.base import BaseCommand

from trading.services import rollups


class Command(BaseCommand):
    help = "Make the revenue rollups anew from the facts."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{rollups.rebuild():,} facts rolled up")
