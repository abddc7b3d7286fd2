"""Serve the invented source of markets until told to stop."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from predictu import clock
from trading.feed.server import FeedServer
from trading.feed.world import EPOCH, World


class Command(BaseCommand):
    help = "Serves invented markets in the shapes of Gamma and CLOB; the same seed is the same world, day after day."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--port", type=int, default=8090, help="0 takes a free one; the first line printed says which"
        )
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--epoch", default=clock.seconds(EPOCH), help="the instant at which markets are numbered 0")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            world = World(options["seed"], clock.parse(options["epoch"]))
            server = FeedServer(world, host=options["host"], port=options["port"])
        except (ValueError, OSError, OverflowError) as error:
            raise CommandError(f"The demo feed cannot start: {error}") from error
        signal.signal(signal.SIGTERM, _stop)
        with server:
            self.stdout.write(f"Demo feed on {server.url}, seed {options['seed']}")
            self.stdout.flush()
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                self.stdout.write("Demo feed stopped")


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt
