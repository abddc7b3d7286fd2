"""CSV files, read back with the standard library."""

import csv
import io
import itertools
import tracemalloc
from decimal import Decimal

import pytest

from reports.formats.csv import write_csv
from reports.formats.tables import Column, Kind, Written
from tests.reports.formats.samples import COLUMNS, EMPTY, FIRST, FORMULAS, PLAIN, make_rows, text_column


def written(columns, rows):
    stream = io.BytesIO()
    result = write_csv(stream, columns, rows)
    assert result.size == len(stream.getvalue())
    return stream.getvalue(), result


def read(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))


def test_every_kind_of_value():
    content, result = written(COLUMNS, [FIRST, EMPTY])
    assert result.rows == 2
    assert content.startswith(b"id,user_name,count,")
    assert content.endswith(b"\r\n")
    assert read(content) == [
        [column.name for column in COLUMNS],
        [
            "trd_01h455vb4pex5vsknk084sn02q",
            'Ζωή, 中文 "quoted"',
            "8420",
            "0.6200",
            "1234.5678",
            "-1234.57",
            "30.0",
            "0.5432",
            "true",
            "2026-02-28",
            "2026-03-19T12:00:05Z",
        ],
        [""] * len(COLUMNS),
    ]


def test_no_rows_leave_the_header():
    assert written(COLUMNS[:2], []) == (b"id,user_name\r\n", Written(rows=0, size=14))


def test_texts_that_would_run_do_not_and_others_are_kept():
    content, _ = written([text_column(), text_column("b")], [(value, "x") for value in (*FORMULAS, *PLAIN)])
    cells = [row[0] for row in read(content)[1:]]
    assert [cell[0] for cell in cells[: len(FORMULAS)]] == ["'"] * len(FORMULAS)
    assert cells[len(FORMULAS) :] == list(PLAIN)


def test_a_negative_number_is_a_number_and_an_id_is_a_text():
    columns = [Column(name="a", title="A", kind=Kind.MONEY), Column(name="b", title="B", kind=Kind.ID)]
    content, _ = written(columns, [(Decimal("-5"), "-5")])
    assert read(content)[1] == ["-5.00", "'-5"]


def test_characters_no_file_can_hold_are_replaced():
    content, _ = written([text_column()], [("a\x00b\ud800",), ("\x00=1",)])
    assert read(content)[1:] == [["a\ufffdb\ufffd"], ["\ufffd=1"]]


def test_it_goes_on_from_where_the_stream_stands_and_leaves_it_open():
    stream = io.BytesIO()
    stream.write(b"before")
    assert write_csv(stream, [text_column()], [("x",)]).size == 9
    stream.write(b"after")
    assert stream.getvalue() == b"beforename\r\nx\r\nafter"


@pytest.mark.parametrize("row", [("only",), ("one", "two", "three")])
def test_a_row_of_another_width_is_an_error(row):
    with pytest.raises(ValueError, match="zip"):
        written(COLUMNS[:2], [row])


def test_rows_are_taken_as_they_are_written(tmp_path):
    seen = []

    def rows():
        for index in itertools.count():
            if index == 50_000:
                raise InterruptedError
            seen.append(path.stat().st_size)
            yield ("x" * 50,)

    path = tmp_path / "rows.csv"
    with path.open("wb") as stream, pytest.raises(InterruptedError):
        write_csv(stream, [text_column()], rows())
    assert seen[-1] > 2_000_000


def test_memory_does_not_grow_with_the_rows(tmp_path):
    with (tmp_path / "rows.csv").open("wb") as stream:
        write_csv(stream, COLUMNS, make_rows(10))
        tracemalloc.start()
        write_csv(stream, COLUMNS[:4], (row[:4] for row in make_rows(20_000)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert stream.closed
    assert peak < 1_000_000
