"""Rows from PostgreSQL's COPY into a file, in constant memory."""

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, BinaryIO, Protocol

import zstandard
from django.db import connections
from psycopg import Connection, IsolationLevel

from reports.exports.tables import Dump, Scope

_BLOCK = 1 << 20
# What the data of such files gets smaller by; level 6 of gzip takes twice as long for a sixth less.
GZIP_LEVEL, ZSTD_LEVEL = 1, 3

# Told how many rows have been read so far; raises to stop.
Progress = Callable[[int], None]


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _compressor(compression: str) -> _Compressor:
    if compression == "gzip":
        return zlib.compressobj(GZIP_LEVEL, wbits=31)
    if compression == "zstd":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
    return _Plain()


@contextmanager
def snapshot() -> Iterator[Connection[Any]]:
    """A connection of its own in one read-only transaction: everything read in it is of one moment."""
    wrapper = connections["default"].copy()
    connection: Connection[Any] = wrapper.get_new_connection(wrapper.get_connection_params())
    try:
        connection.set_autocommit(False)
        connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        connection.set_read_only(True)
        yield connection
    finally:
        connection.close()


def statement(dump: Dump, scope: Scope, *, format: str, personal: bool) -> str:
    """The COPY that writes the rows as csv, or each as a line of JSON."""
    if format == "jsonl":
        rows = dump.select(scope, personal=personal, typed=True)
        # Neither byte can stand in JSON, so that each line comes out as it is.
        as_they_are = r"(FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"
        return f"COPY (SELECT row_to_json(line) FROM ({rows}) line) TO STDOUT {as_they_are}"  # noqa: S608
    return f"COPY ({dump.select(scope, personal=personal, typed=False)}) TO STDOUT (FORMAT csv, HEADER)"


def blocks(connection: Connection[Any], sql: str, progress: Progress) -> Iterator[bytes]:
    """What ``sql`` copies, in blocks of about a megabyte; the generator's value is the number of rows."""
    with connection.cursor() as cursor:
        with cursor.copy(sql) as copy:
            block = bytearray()
            for messages, data in enumerate(copy, 1):
                block += data
                if len(block) >= _BLOCK:
                    progress(messages)
                    yield bytes(block)
                    block.clear()
            if block:
                yield bytes(block)
        return cursor.rowcount


class Counted:
    """A generator of blocks and, once it is through, the number of rows."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator
        self.rows = 0

    def __iter__(self) -> Iterator[bytes]:
        self.rows = yield from self._generator


def write_text(file: BinaryIO, connection: Connection[Any], sql: str, *, compression: str, progress: Progress) -> int:
    """Write csv or JSON lines; answers the number of rows."""
    compressor = _compressor(compression)
    found = Counted(blocks(connection, sql, progress))

    def put(block: bytes) -> None:
        file.write(compressor.compress(block))

    # One block is packed while PostgreSQL sends the next; never more than these two are held.
    with ThreadPoolExecutor(max_workers=1) as aside:
        packing: Future[None] | None = None
        for block in found:
            if packing is not None:
                packing.result()
            packing = aside.submit(put, block)
        if packing is not None:
            packing.result()
    file.write(compressor.flush())
    return found.rows
