"""Loading tables as a restored dump does: guards, keys and indexes off in the loading transaction, and back before its
end, when the database itself checks every reference.

Only the tables' owner can do this; the role of production cannot. Nothing is visible to anybody else before the commit,
and an error rolls everything back, the guards included.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 AND conrelid = ANY(%s::regclass[]) ORDER BY 1, 2
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE NOT indisunique AND indrelid = ANY(%s::regclass[]) ORDER BY 1
"""
_GUARDS_OFF = """
SELECT tgrelid::regclass::text || ' ' || tgname FROM pg_trigger
WHERE tgenabled <> 'O' AND tgrelid = ANY(%s::regclass[])
"""


@contextmanager
def lifted(tables: Sequence[str]) -> Iterator[None]:
    """Inside a transaction: load ``tables`` unguarded; afterwards everything is as before, and checked."""
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(_KEYS, [list(tables)])
        keys = cursor.fetchall()
        cursor.execute(_INDEXES, [list(tables)])
        indexes = cursor.fetchall()
        for table, name, _ in keys:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for _, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        for table in tables:
            cursor.execute(f"ANALYZE {table}")
        cursor.execute(_GUARDS_OFF, [list(tables)])
        left_off = cursor.fetchall()
        assert not left_off, left_off
