"""Loading tables as a restored dump does: guards, keys and indexes off in the loading transaction, and back before its
end, when the database itself checks every reference.

Only the tables' owner can do this; the role of production cannot. Nothing is visible to anybody else before the commit,
and an error rolls everything back, the guards included.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection

_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = ANY(%(kinds)s) AND conparentid = 0
  AND (conrelid = ANY(%(tables)s::regclass[]) OR contype = 'f' AND confrelid = ANY(%(tables)s::regclass[]))
ORDER BY contype, 1, 2
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY 1
"""
_GUARDS_OFF = """
SELECT tgrelid::regclass::text || ' ' || tgname FROM pg_trigger
WHERE tgenabled <> 'O' AND tgrelid = ANY(%s::regclass[])
"""


@contextmanager
def lifted(tables: Sequence[str], *, unreferring: Sequence[str] = ()) -> Iterator[None]:
    """Inside a transaction: load the empty ``tables`` unguarded; afterwards everything is as before, and checked.

    They are truncated first: what is written to a table that is new to its transaction needs no write-ahead log where
    ``wal_level`` is minimal. ``unreferring`` tables only have their references looked up at the end, all at once.
    Raises AssertionError when one of ``tables`` is not empty.
    """
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        references = _constraints(cursor, [*tables, *unreferring], "f")
        keys = _constraints(cursor, tables, "pu")
        cursor.execute(_INDEXES, [list(tables)])
        indexes = cursor.fetchall()
        for table, name, _ in [*references, *keys]:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 names of our own
            assert cursor.fetchone() == (False,), f"{table} is not empty"
            cursor.execute(f"TRUNCATE {table}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for table, name, definition in keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        for _, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in references:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        for table in tables:
            cursor.execute(f"ANALYZE {table}")
        cursor.execute(_GUARDS_OFF, [list(tables)])
        left_off = cursor.fetchall()
        assert not left_off, left_off


def _constraints(cursor: Any, tables: Sequence[str], kinds: str) -> list[tuple[str, str, str]]:
    """Table, name and definition: keys (p, u) of the tables, or references (f) from and to them."""
    cursor.execute(_KEYS, {"kinds": list(kinds), "tables": list(tables)})
    found: list[tuple[str, str, str]] = cursor.fetchall()
    return found
