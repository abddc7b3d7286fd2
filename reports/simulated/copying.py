"""COPY of arrays into tables: values as the text COPY reads, a column at a time."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from django.db import connection

from reports.simulation.identities import Texts
from reports.simulation.markets import NEVER, Ints

Column = Sequence[bytes]
NULL = b"\\N"
CHUNK = 50_000


def copy_rows(table: str, columns: Sequence[str], count: int, rows: Callable[[slice], Sequence[Column]]) -> None:
    """COPY ``count`` rows; ``rows`` answers the columns of a range of them."""
    copy_lines(table, columns, (joined(rows(part)) for part in chunks(count)))


def copy_lines(table: str, columns: Sequence[str], blocks: Iterable[bytes]) -> None:
    """COPY blocks of lines. The next one is made while the database reads the one before."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as out, ThreadPoolExecutor(1) as maker:
        rest = iter(blocks)
        coming = maker.submit(next, rest, None)
        while (block := coming.result()) is not None:
            coming = maker.submit(next, rest, None)
            out.write(block)


def chunks(count: int) -> Iterable[slice]:
    return (slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))


def joined(columns: Sequence[Column]) -> bytes:
    """Rows of a table as lines."""
    return b"\n".join(map(b"\t".join, zip(*columns, strict=True))) + b"\n"


def even_lines(columns: Sequence[Texts]) -> bytes:
    """Rows whose values are as wide as their column, at once."""
    count = len(columns[0])
    parts = []
    for column, end in zip(columns, [b"\t"] * (len(columns) - 1) + [b"\n"], strict=True):
        parts += [column.view(np.uint8).reshape(count, -1), np.full((count, 1), ord(end), dtype=np.uint8)]
    return np.concatenate(parts, axis=1).tobytes()


def prices_below_one(steps: Ints) -> Texts:
    """Prices between 0 and 1, all of the same width."""
    text = np.empty((len(steps), 6), dtype=np.uint8)
    text[:, 0], text[:, 1] = ord("0"), ord(".")
    for place in range(4):
        text[:, 2 + place] = ord("0") + steps // 10 ** (3 - place) % 10
    return text.view("S6").ravel()


def stamps(time_ms: Ints) -> Texts:
    """UTC to the microsecond, as the ledger's hash has it."""
    return np.datetime_as_string(time_ms.astype("datetime64[ms]"), unit="us").astype("S26")


def dollars(cents: Ints) -> Column:
    return [b"%.2f" % value for value in (cents / 100).tolist()]


def fractions(steps: Ints) -> Column:
    """Prices and quantities: four places."""
    return [b"%.4f" % value for value in (steps / 10_000).tolist()]


def whole(numbers: Ints) -> Column:
    return [b"%d" % value for value in numbers.tolist()]


def instants(time_ms: Ints) -> Column:
    """``stamps``; NULL for NEVER."""
    text = stamps(time_ms).tolist()
    if np.any(time_ms == NEVER):
        return [NULL if never else value for never, value in zip((time_ms == NEVER).tolist(), text, strict=True)]
    return text


def chosen(names: Sequence[str] | Texts, index: Ints) -> Column:
    """The names of an index each; NULL for NEVER."""
    texts = np.array(names, dtype=np.bytes_)
    if np.any(index == NEVER):
        texts = np.append(texts, np.bytes_(NULL))
    return texts[index].tolist()


def always(value: bytes, count: int) -> Column:
    return [value] * count


def where(flags: Sequence[bool], column: Column) -> Column:
    """The column where the flag is set, else NULL."""
    return [value if flag else NULL for flag, value in zip(flags, column, strict=True)]
