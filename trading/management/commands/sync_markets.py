"""Take over markets from the source, or from recorded answers."""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from predictu import clock
from trading import source
from trading.polymarket import recorded
from trading.polymarket.errors import SourceError
from trading.polymarket.source import SourceMarket
from trading.services import prices, sync


class Command(BaseCommand):
    help = "Walks the source's catalogue and reads the mids that matter, or takes over recorded answers from files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from-file", nargs="+", type=Path, metavar="FILE", help="recorded answers instead")
        parser.add_argument("--prices-only", action="store_true", help="read mids, leave the catalogue")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["from_file"]:
            for path in options["from_file"]:
                self._from_file(path)
            return
        try:
            with source.client() as client:
                if not options["prices_only"]:
                    self._walk(client)
                self.stdout.write(f"mids read: {prices.read_mids(client, now=clock.now())}")
                self.stdout.write(f"histories taken over: {prices.take_histories(client, now=clock.now())}")
        except SourceError as error:
            raise CommandError(str(error)) from error

    def _walk(self, client: Any) -> None:
        run = sync.catalogue_walk(client, now=clock.now())
        if run is None:
            raise CommandError("Another walk through the catalogue is under way")
        self._say("catalogue", run.seen, run.new, run.changed, run.resolved, Counter(run.skipped), run.skips)

    def _from_file(self, path: Path) -> None:
        """A recorded price is as old as its row says; without a date it is no price of today."""
        try:
            report = sync.take_over(recorded.from_file(path), now=clock.now(), priced_at=_recorded_at)
        except (OSError, ValueError) as error:
            raise CommandError(f"{path}: {error}") from error
        self._say(path.name, report.seen, report.new, report.changed, report.resolved, report.skipped, report.skips)

    def _say(
        self, name: str, seen: int, new: int, changed: int, resolved: int, skipped: Counter[str], skips: list[Any]
    ) -> None:
        self.stdout.write(
            f"{name}: seen {seen}, new {new}, changed {changed}, resolved {resolved}, skipped {sum(skipped.values())}"
        )
        for reason, count in sorted(skipped.items()):
            self.stdout.write(f"  {count} × {reason}")
        for skip in skips:
            self.stdout.write(f"    {skip['id'] or '(no id)'}: {skip['detail']}")


def _recorded_at(market: SourceMarket) -> Any:
    return min(market.updated_at, clock.now()) if market.updated_at else None
