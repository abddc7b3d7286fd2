"""Backup and restore to a moment, with the very commands of docs/operations.md, on a cluster of the test's own."""

import hashlib
import json
import os
import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

from accounts.models import LedgerEntry, Player
from predictu.local import processes
from predictu.local.place import Place
from predictu.local.postgres import DISPOSABLE, Postgres
from tests import databases
from tests.factories import make_market, make_operator, make_player, now, place
from trading.models import Trade
from trading.services import verification

pytestmark = pytest.mark.slow
DOC = Path(__file__).parents[2] / "docs" / "operations.md"
BACKUPS, DATA = "/var/backups/predictu", "/var/lib/postgresql/18/main"
# Archiving is switched on by these; the command is in postgresql.conf, as documented.
ARCHIVING = {"wal_level": "replica", "max_wal_senders": "4", "full_page_writes": "on"}


def block(name, **instead):
    """The commands under ``<!-- name -->``, with other paths and moments."""
    found = re.search(rf"<!-- {name} -->\n```\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert found, name
    text = found[1]
    for old, new in instead.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


class Cluster:
    """A PostgreSQL that archives, and its backups."""

    def __init__(self, folder):
        self.server = Postgres(Place(data=folder / "data"), DISPOSABLE | ARCHIVING)
        self.server.place.prepare()
        self.backups = folder / "backups"
        for directory in (self.backups, self.server.place.data):
            self.server.account.own(directory)
        self.paths = {BACKUPS: str(self.backups), DATA: str(self.server.cluster)}

    def configure(self):
        self.server.start()
        self.server.stop()
        with (self.server.cluster / "postgresql.conf").open("a") as handle:
            handle.write(block("archive", **{BACKUPS: str(self.backups)}))
        self.server.start()

    def run(self, script):
        """As whoever runs PostgreSQL, as the document says."""
        environment = {
            "PATH": f"{self.server._binaries}:{os.environ['PATH']}",
            "PGHOST": str(self.server.socket),
            "PGUSER": "postgres",
        }
        done = subprocess.run(
            ["bash", "-euc", script],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **self.server.account.switch,
        )
        assert done.returncode == 0, done.stderr

    def query(self, statement):
        with self.server._connect("predictu") as connection:
            return connection.execute(statement).fetchone()[0]

    def fill_from_template(self):
        """The migrated database, as it is dumped and read elsewhere."""
        source = subprocess.run(
            [self.server._binaries / "pg_dump", "--no-owner", databases.url_of(databases.template())],
            capture_output=True,
            check=True,
        )
        target = [self.server._binaries / "psql", "--quiet", "--set=ON_ERROR_STOP=1", self.server.url]
        subprocess.run(target, input=source.stdout, capture_output=True, check=True)

    def back_up(self):
        """The wheel's pg_verifybackup crashes whatever it is asked, so the manifest is checked here."""
        steps = block("backup", **{BACKUPS: str(self.backups)}).splitlines()
        self.run("\n".join(step for step in steps if not step.startswith("pg_verifybackup")))
        base = self.backups / "base"
        for file in json.loads((base / "backup_manifest").read_text())["Files"]:
            assert file["Checksum-Algorithm"] == "SHA256"
            assert hashlib.sha256((base / file["Path"]).read_bytes()).hexdigest() == file["Checksum"], file

    def archived(self):
        """Everything so far is in the archive."""
        name = self.query("SELECT pg_walfile_name(pg_switch_wal())")
        assert processes.wait_until((self.backups / "wal" / name).exists, seconds=20)


@pytest.fixture
def cluster(django_db_setup):
    """Not below pytest's folders: PostgreSQL's own account has to get through to its files."""
    with tempfile.TemporaryDirectory(prefix="predictu-restore-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = Cluster(folder)
        yield made
        made.server.stop()
        made.server.remove()


@contextmanager
def used(cluster, django_db_blocker):
    """Django works on this cluster."""
    connection = connections["default"]
    before = dict(connection.settings_dict)
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict.update(NAME="predictu", HOST=str(cluster.server.socket), USER="predictu", PORT="")
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.clear()
            connection.settings_dict.update(before)


def test_back_to_a_moment(cluster, django_db_blocker, settings, tmp_path):
    settings.PREDICTU_ANCHOR_DIR = str(tmp_path / "anchors")
    cluster.configure()
    cluster.fill_from_template()
    with used(cluster, django_db_blocker):
        player = make_player(make_operator(new_tier_limit=1000), balance=100)
        market = make_market()
        verification.anchor(now=now())
        kept = [place(player, market, 5)["id"]]
        cluster.back_up()
        kept.append(place(player, market, 7)["id"])
        time.sleep(0.05)
        moment = cluster.query("SELECT clock_timestamp()::text")
        time.sleep(0.05)
        rows = [list(model.objects.order_by("pk").values()) for model in (Trade, LedgerEntry, Player)]
        lost = place(player, market, 11)["id"]
        assert verification.verify() == []
    cluster.archived()
    cluster.server.stop()

    cluster.run(block("restore", **cluster.paths, **{"2026-03-19 12:00:00+00": moment}))
    cluster.server.start()
    assert processes.wait_until(lambda: not cluster.query("SELECT pg_is_in_recovery()"), seconds=20)

    with used(cluster, django_db_blocker):
        out = StringIO()
        call_command("verify_ledger", stdout=out)
        assert out.getvalue() == "Everything holds\n"
        assert [list(model.objects.order_by("pk").values()) for model in (Trade, LedgerEntry, Player)] == rows
        assert sorted(Trade.objects.values_list("pk", flat=True)) == sorted(kept) and lost not in kept
        # And life goes on from there.
        place(player, market, 3)
        assert verification.verify() == []
