"""Statements of the hot paths: psycopg's own cursors on Django's connection, prepared, answers in binary.

What Django's cursors add (debugging, wrappers, a check of the connection before each request's first query) costs more
there than the statement, and so does working out anew how each parameter and column is adapted: every statement keeps
its cursor for the life of its connection. Placeholders are ``$1``. Errors are psycopg's own.
"""

import threading
from typing import Any

import psycopg
from django.db import transaction


class _Kept(threading.local):
    """One connection's cursors, by statement; a thread has one connection at a time."""

    connection: Any = None
    cursors: dict[str, psycopg.Cursor[Any]]


_kept = _Kept()


def run(sql: str, parameters: tuple[Any, ...]) -> psycopg.Cursor[Any]:
    """Execute on the open connection, in its transaction if it has one.

    Read the answer before the same statement runs again: both are the same cursor's.
    """
    return _run(transaction.get_connection().connection, sql, parameters)


def planned_anew(sql: str, parameters: tuple[Any, ...]) -> psycopg.Cursor[Any]:
    """``run`` without keeping the plan, for tables that outgrow one before they are analyzed."""
    cursor: psycopg.Cursor[Any] = psycopg.RawCursor(transaction.get_connection().connection)
    cursor.execute(sql, parameters, prepare=False, binary=True)
    return cursor


def first(sql: str, parameters: tuple[Any, ...]) -> psycopg.Cursor[Any]:
    """Execute as a request's first statement: a connection found lost is made anew, once.

    It stands for Django's own check of the connection, a round trip less. ``sql`` must only read.
    """
    wrapper = transaction.get_connection()
    wrapper.ensure_connection()
    try:
        cursor = _run(wrapper.connection, sql, parameters)
    except psycopg.OperationalError:
        if wrapper.in_atomic_block or not wrapper.connection.closed:
            raise
        wrapper.close()
        wrapper.ensure_connection()
        cursor = _run(wrapper.connection, sql, parameters)
    wrapper.health_check_done = True
    return cursor


def _run(connection: Any, sql: str, parameters: tuple[Any, ...]) -> psycopg.Cursor[Any]:
    if _kept.connection is not connection:
        _kept.connection, _kept.cursors = connection, {}
    cursor = _kept.cursors.get(sql)
    if cursor is None:
        cursor = _kept.cursors[sql] = psycopg.RawCursor(connection)
    cursor.execute(sql, parameters, prepare=True, binary=True)
    return cursor
