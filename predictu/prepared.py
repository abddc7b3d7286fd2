"""Statements of the hot paths: psycopg's own cursors on Django's connection, prepared, answers in binary.

What Django's cursors add (debugging, wrappers, a check of the connection before each request's first query) costs more
there than the statement. Placeholders are ``$1``. Errors are psycopg's own.
"""

from typing import Any

import psycopg
from django.db import connection


def run(sql: str, parameters: tuple[Any, ...]) -> psycopg.Cursor[Any]:
    """Execute on the open connection, in its transaction if it has one."""
    cursor: psycopg.Cursor[Any] = psycopg.RawCursor(connection.connection)
    cursor.execute(sql, parameters, prepare=True, binary=True)
    return cursor


def first(sql: str, parameters: tuple[Any, ...]) -> psycopg.Cursor[Any]:
    """Execute as a request's first statement: a connection found lost is made anew, once.

    It stands for Django's own check of the connection, a round trip less. ``sql`` must only read.
    """
    connection.ensure_connection()
    try:
        cursor = run(sql, parameters)
    except psycopg.OperationalError:
        if connection.in_atomic_block or not connection.connection.closed:
            raise
        connection.close()
        connection.ensure_connection()
        cursor = run(sql, parameters)
    connection.health_check_done = True
    return cursor
