"""COPY's csv into Parquet: decimals as decimals, instants as UTC timestamps. Imported only where it is needed."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
from psycopg import Connection
from pyarrow import csv, parquet

from reports.exports.copying import Counted, Progress, blocks
from reports.exports.tables import Field, Kind

# The size of what is parsed at once, and the least rows of a group: enough for good pages, little enough to stay small.
_PARSED = 1 << 20
_GROUP_ROWS = 1 << 14

_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.JSON: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.MONEY: pa.decimal128(18, 2),
    Kind.PRICE: pa.decimal128(8, 4),
    Kind.QUANTITY: pa.decimal128(20, 4),
    Kind.PERCENT: pa.decimal128(8, 1),
    Kind.INSTANT: pa.timestamp("us", tz="UTC"),
    Kind.BOOLEAN: pa.bool_(),
}


def schema(columns: Sequence[Field]) -> pa.Schema:
    return pa.schema([(column.name, _TYPES[column.kind]) for column in columns])


def write_parquet(
    file: BinaryIO,
    connection: Connection[Any],
    sql: str,
    *,
    columns: Sequence[Field],
    compression: str,
    progress: Progress,
) -> int:
    """Write what ``sql`` copies as csv with a header; ``compression`` is the pages'. Answers the number of rows."""
    wanted = schema(columns)
    found = Counted(blocks(connection, sql, progress))
    reader = csv.open_csv(
        _Readable(iter(found)),
        read_options=csv.ReadOptions(block_size=_PARSED, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=wanted, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    with parquet.ParquetWriter(file, wanted, compression=compression) as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in reader:
            waiting.append(batch)
            if sum(each.num_rows for each in waiting) >= _GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(waiting, wanted))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, wanted))
    return found.rows


class _Readable:
    """Blocks as a file that Arrow reads."""

    closed = False

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        if size < 0:
            size = len(self._rest)
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True
