"""``manage.py index_search``: make the search indexes this PostgreSQL can have, those by trigrams included."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

_STATEMENTS = Path(__file__).resolve().parents[2] / "sql" / "search.sql"
_TRIGRAMS = "SELECT count(*) FROM pg_indexes WHERE indexname IN ('player_substrings', 'market_substrings')"


class Command(BaseCommand):
    help = "Make the search indexes; those for substrings need the extension pg_trgm."

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_STATEMENTS.read_text())
            cursor.execute(_TRIGRAMS)
            substrings = cursor.fetchone()[0] == 2
        self.stdout.write(
            "Substrings are found by index" if substrings else "pg_trgm is not available: substrings are found by scan"
        )
