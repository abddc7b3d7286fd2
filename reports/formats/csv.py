"""CSV as in RFC 4180: UTF-8 without a byte order mark, one header row of field names, ISO times, plain numbers."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

from predictu import clock
from reports.formats.tables import PLACES, Column, Kind, Row, Rows, Written, day, harmless, instant, number, text

CONTENT_TYPE = "text/csv; charset=utf-8"


def write_csv(stream: BinaryIO, columns: Sequence[Column], rows: Rows) -> Written:
    """Write ``rows`` as they come, in constant memory; ``stream`` stays open. None is an empty cell.

    Texts a spreadsheet would run as a formula get an apostrophe in front; numbers, negative ones too, stay numbers.
    """
    start = stream.tell()
    wrapper = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    writer = csv.writer(wrapper)
    writer.writerow([column.name for column in columns])
    count = 0

    def cells() -> Iterator[list[str]]:
        nonlocal count
        for row in rows:
            yield _cells(writers, row)
            count += 1

    writers = [_writer(column.kind) for column in columns]
    try:
        writer.writerows(cells())
    finally:
        wrapper.detach()
    return Written(rows=count, size=stream.tell() - start)


def _cells(writers: Sequence[Callable[[Any], str]], row: Row) -> list[str]:
    return ["" if value is None else write(value) for write, value in zip(writers, row, strict=True)]


def _writer(kind: Kind) -> Callable[[Any], str]:
    """How a value of ``kind`` is written."""
    if kind in PLACES:
        return lambda value: f"{number(kind, value):f}"
    return _WRITERS.get(kind, lambda value: harmless(text(value)))


_WRITERS: dict[Kind, Callable[[Any], str]] = {
    Kind.INSTANT: lambda value: clock.seconds(instant(value)) or "",
    Kind.DATE: lambda value: day(value).isoformat(),
    Kind.BOOLEAN: lambda value: "true" if value else "false",
}
