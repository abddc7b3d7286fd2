"""Test databases: one migrated template for a state of the code, and cheap clones of it."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import connections
from psycopg import sql

from tests import environment

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES_KEPT = 3


def url_of(name: str) -> str:
    """DATABASE_URL with another database."""
    return re.sub(r"^(\w+://[^/]*/)[^?]*", rf"\g<1>{name}", os.environ["DATABASE_URL"])


@cache
def template() -> str:
    """The name of the migrated database, made first if this state of the migrations has none."""
    prefix = f"template_{os.environ['PREDICTU_TEST_PLACE']}_"
    name = prefix + _migrations_hash()
    with _maintenance() as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [prefix])
        kept = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC", [prefix]
        ).fetchall()
        if (name,) in kept:
            return name
        for (old,) in kept[TEMPLATES_KEPT - 1 :]:
            _drop(connection, old)
        unfinished = f"unfinished_{name}"
        _drop(connection, unfinished)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
        _migrate(unfinished)
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        connection.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(name)))
    return name


def renew(name: str) -> None:
    """Replace the database `name` by a fresh clone of the template, whoever is connected to it."""
    source = template()
    with _maintenance() as connection:
        _drop(connection, name)
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(clone.format(sql.Identifier(name), sql.Identifier(source)))


def drop(name: str) -> None:
    with _maintenance() as connection:
        _drop(connection, name)


def use(name: str) -> None:
    """Point Django's connection, and every process started from here, at the database `name`."""
    connection = connections["default"]
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
    os.environ["DATABASE_URL"] = url_of(name)


def own_name() -> str:
    """The name of this test process's database."""
    return f"test_{environment.session_name()}"


@contextmanager
def _maintenance() -> Iterator[psycopg.Connection]:
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        yield connection


def _drop(connection: psycopg.Connection, name: str) -> None:
    drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    try:
        connection.execute(drop + sql.SQL(" WITH (FORCE)"))
    except psycopg.errors.InsufficientPrivilege:
        # An autovacuum worker is at it, which only a superuser may end; without FORCE the server ends it itself.
        ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
        connection.execute(ours, [name])
        connection.execute(drop)


def _migrate(name: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"]
    surroundings = {**os.environ, "DATABASE_URL": url_of(name)}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"migrate failed:\n{done.stdout}{done.stderr}")


def _migrations_hash() -> str:
    """Of everything a migrated database depends on: the project's migrations, the SQL they read, the packages."""
    folders = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).is_relative_to(ROOT)]
    files = {ROOT / "requirements.txt"}
    for folder in folders:
        files.update(folder.glob("migrations/**/*.py"), folder.glob("**/*.sql"))
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
