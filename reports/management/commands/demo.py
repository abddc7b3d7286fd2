"""``manage.py demo``: ten weeks of a small platform's life in an empty database."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from predictu import clock
from reports.demo import story


class Command(BaseCommand):
    help = "Fill an empty database with the demo. DEMO_KEYS_FILE also takes the demo operators' keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--scale", type=float, default=1.0, help="1 is 400 users and over 6,000 trades")
        parser.add_argument("--now", type=clock.parse, default=None, help="the instant the story ends (default: now)")

    def handle(self, *args: Any, **options: Any) -> None:
        if story.exists():
            self.stdout.write("The database is not empty; nothing was changed.")
            return
        told = story.Story(
            now=options["now"] or clock.now(),
            seed=options["seed"],
            size=story.Size().scaled(options["scale"]),
            callbacks=os.environ.get("PREDICTU_DEMO_OPERATOR_URL", ""),
        )
        with flushed_at_the_end():
            told.tell()
        self.stdout.write(f"{told.trades:,} trades at {len(told.credentials)} operators")
        _write_keys(told.credentials)


@contextmanager
def flushed_at_the_end() -> Iterator[None]:
    """Thousands of commits do not wait for the disk one by one; the last one waits for all that was written before."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        try:
            yield
        finally:
            cursor.execute("RESET synchronous_commit")
        cursor.execute("SELECT pg_logical_emit_message(true, 'predictu.demo', 'told')")


def _write_keys(credentials: list[story.Credential]) -> None:
    """The keys as JSON where DEMO_KEYS_FILE says, readable by the owner alone."""
    target = os.environ.get("DEMO_KEYS_FILE")
    if not target:
        return
    rows = [{"slug": c.slug, "public_key": c.public_key, "secret_key": c.secret_key} for c in credentials]
    path = Path(target)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(rows, indent=1) + "\n")
