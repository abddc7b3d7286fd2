"""Databases of simulated platforms for benchmarks, made once and kept: ``PREDICTU_BENCH_DATA`` (default .data/bench).

They live in a cluster with the settings of the local platform, not in the tests' disposable one.
"""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from predictu.local import keys
from predictu.local.place import Place
from predictu.local.services import Services

ROOT = Path(__file__).resolve().parents[2]
USERS_PER_TRADE = 20


def environment() -> dict[str, str]:
    """The cluster's and Redis' addresses with secrets for development; both are started where they are not running."""
    place = Place(data=Path(os.environ.get("PREDICTU_BENCH_DATA", ROOT / ".data" / "bench")).resolve())
    services = Services.wanted(place, {})
    services.start()
    found = {"PREDICTU_DATA_DIR": str(place.data), **keys.environment(place, {}), **services.environment}
    return {**found, "LOG_LEVEL": "ERROR", "PREDICTU_ADMIN_RATE_LIMIT": "100000000"}


def database(trades: int) -> dict[str, str]:
    """The environment of a migrated database with so many simulated trades; made first if there is none."""
    surroundings = environment()
    name, base = f"sim{trades}", surroundings["DATABASE_URL"]
    with psycopg.connect(_url(base, "postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            _make(connection, surroundings, name, trades)
    surroundings["DATABASE_URL"] = _url(base, name)
    _manage(surroundings, "migrate", "--noinput", "--verbosity", "0")
    _roll_up(surroundings)
    return surroundings


def _roll_up(surroundings: dict[str, str]) -> None:
    """A migration may have asked for new rollups: nothing waits when reads are measured."""
    with psycopg.connect(surroundings["DATABASE_URL"], autocommit=True) as inside:
        if inside.execute("SELECT EXISTS (SELECT FROM trading_revenuefact WHERE NOT rolled)").fetchone() == (True,):
            _manage(surroundings, "rebuild_rollups")
            inside.execute("VACUUM ANALYZE")


def _make(connection: psycopg.Connection, surroundings: dict[str, str], name: str, trades: int) -> None:
    """Under another name until it is whole."""
    unfinished = f"unfinished_{name}"
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(unfinished)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    there = {**surroundings, "DATABASE_URL": _url(surroundings["DATABASE_URL"], unfinished)}
    _manage(there, "migrate", "--noinput", "--verbosity", "0")
    _manage(there, "simulate", "--trades", str(trades), "--users", str(trades // USERS_PER_TRADE), "--scores", "1")
    with psycopg.connect(there["DATABASE_URL"], autocommit=True) as inside:
        inside.execute("VACUUM ANALYZE")
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    connection.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(name)))


def _url(base: str, name: str) -> str:
    return base.replace("/predictu?", f"/{name}?")


def _manage(surroundings: dict[str, str], *command: str) -> None:
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env={**os.environ, **surroundings}, check=True)
