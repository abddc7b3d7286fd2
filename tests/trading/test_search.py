"""Search over users and markets: substrings, the same with and without trigram indexes."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import Player
from accounts.queries import PlayerFilter
from accounts.queries import matching as players_matching
from predictu.local import account
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player
from trading.queries.markets import MarketFilter

ROOT = Path(__file__).resolve().parents[2]
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
TRIGRAMS = sorted(Path("/usr/share/postgresql").glob("*/extension/pg_trgm.control"))

TITLES = {
    "fed": ("Will the Fed cut rates in March?", "Resolves by the FOMC statement."),
    "btc": ("Will Bitcoin reach $150,000?", "Priced at 100% of the index."),
    "cup": ("Who lifts the cup_final_2026 trophy", r"A \ backslash and the word federation"),
}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("fed", {"fed", "cup"}),  # a word, and the beginning of one in a description
        ("CUT RATES", {"fed"}),
        ("itcoi", {"btc"}),  # from the middle of a word
        ("n reach $1", {"btc"}),
        ("$", {"btc"}),
        ("0%", {"btc"}),
        ("%", {"btc"}),
        ("_final_", {"cup"}),
        ("_", {"cup"}),
        ("\\", {"cup"}),
        ("cutting", {"fed"}),  # words are compared by their stem
        ("zzz", set()),
        ("'; --", set()),
    ],
)
def test_markets_are_found_by_word_and_by_substring(search, found):
    ids = {make_market(title=title, description=text).id: name for name, (title, text) in TITLES.items()}
    answer = Client(headers=as_admin(make_admin())).get("/api/internal/markets", {"search": search}).json()
    assert {ids[row["id"]] for row in answer["data"]} == found
    assert answer["pagination"]["total"] == len(found)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ANNA", {"anna"}),
        ("nn", {"anna"}),
        ("@mail.EX", {"anna", "bo%b"}),
        ("%", {"bo%b"}),
        ("t-0", {"anna", "bo%b"}),
        ("zz", set()),
    ],
)
def test_users_are_found_by_substring(search, found):
    operator = make_operator()
    for number, name in enumerate(("anna", "bo%b")):
        player = make_player(operator)
        Player.objects.filter(pk=player.pk).update(
            username=name, email=f"u{number}@mail.example", external_id=f"ext-0{number}"
        )
    answer = Client(headers=as_admin(make_admin())).get("/api/internal/users", {"search": search}).json()
    assert {row["username"] for row in answer["data"]} == found
    assert answer["pagination"]["total"] == len(found)


@pytest.mark.django_db
def test_indexes_are_made_again_without_harm(capsys):
    """The embedded PostgreSQL has no trigrams; then words alone have an index."""
    call_command("index_search")
    assert "pg_trgm is not available" in capsys.readouterr().out
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname ~ '_(words|substrings)$'")
        assert cursor.fetchall() == [("market_words",)]


@pytest.fixture(scope="module")
def debian_url():
    """A migrated database of the system's PostgreSQL, as a role that is no superuser owns it."""
    if not (BINARIES and TRIGRAMS):
        pytest.skip("no system PostgreSQL with pg_trgm (Debian: postgresql and postgresql-contrib) is installed")
    binaries, owner = BINARIES[-1].parent, account.choose()
    with tempfile.TemporaryDirectory(prefix="predictu-search-") as name:
        place = Path(name)
        os.chmod(place, 0o755)  # noqa: S103 the server's account enters
        owner.own(cluster := place / "cluster")
        surroundings = {"cwd": "/", "check": True, "capture_output": True, **owner.switch}
        subprocess.run([binaries / "initdb", "-D", cluster, "-U", "postgres", "-A", "trust", "-N"], **surroundings)
        options = f"-k {cluster} -c listen_addresses='' -c fsync=off"
        control = [binaries / "pg_ctl", "-D", cluster, "-w", "-l", cluster / "log"]
        subprocess.run([*control, "-o", options, "start"], **surroundings)
        try:
            with psycopg.connect(host=str(cluster), user="postgres", autocommit=True) as admin:
                admin.execute("CREATE ROLE platform LOGIN")
                admin.execute("CREATE DATABASE platform OWNER platform")
            url = f"postgresql://platform@/platform?host={quote(str(cluster), safe='')}"
            migrate = [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"]
            surrounding = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "predictu.settings"}
            subprocess.run(migrate, cwd=ROOT, env=surrounding, check=True, capture_output=True)
            yield url
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **surroundings | {"check": False})


@pytest.mark.django_db
def test_where_trigrams_can_be_had_a_search_uses_them(debian_url):
    where, values = MarketFilter(search="itcoi").where()
    markets = f"SELECT market.id FROM trading_market market WHERE {where}"  # noqa: S608 our own words
    sought = players_matching(PlayerFilter(search="nn")).order_by().values("id")
    users, parameters = sought.query.sql_with_params()
    with psycopg.connect(debian_url) as there:
        there.execute("SET enable_seqscan = off; SET enable_indexscan = off")
        plan = "\n".join(row[0] for row in there.execute(f"EXPLAIN {markets}", values))
        assert "market_words" in plan and plan.count("market_substrings") == 2
        assert "Seq Scan" not in plan
        plan = "\n".join(row[0] for row in there.execute(f"EXPLAIN {users}", parameters))
        assert plan.count("player_substrings") == 3 and "Seq Scan" not in plan
