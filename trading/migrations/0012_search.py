"""Search indexes; ``manage.py index_search`` runs the same statements again once pg_trgm has become available."""

from pathlib import Path

from django.db import migrations

STATEMENTS = (Path(__file__).resolve().parent.parent / "sql" / "search.sql").read_text()
FORGET = """
DROP INDEX IF EXISTS market_substrings;
DROP INDEX IF EXISTS player_substrings;
DROP INDEX IF EXISTS market_words;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_signup_days"),
        ("trading", "0011_trade_days"),
    ]

    operations = [migrations.RunSQL(STATEMENTS, FORGET)]
