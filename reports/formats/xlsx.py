"""Excel workbooks with typed cells, written row by row: memory does not grow with the rows."""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from reports.formats.tables import PLACES, Column, Heading, Kind, Row, Rows, Written, day, instant, number, runs, text

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What a worksheet holds: rows without the header, characters in a cell, digits of a number.
SHEET_ROWS = 1_048_575
CELL_CHARACTERS = 32_767
EXACT_DIGITS = 15
WIDEST = 60

_NUMBER_FORMATS = {
    Kind.INTEGER: "#,##0",
    Kind.MONEY: "#,##0.00",
    Kind.PRICE: "0.0000",
    Kind.QUANTITY: "#,##0.0000",
    Kind.PERCENT: "0.0",
    Kind.RATIO: "0.0000",
    Kind.INSTANT: "yyyy-mm-dd hh:mm:ss",
    Kind.DATE: "yyyy-mm-dd",
}
_OPTIONS = {
    "constant_memory": True,
    "use_zip64": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
# Writes one value into (row, column) and answers the width it needs, in characters.
_Write = Callable[[Worksheet, int, int, Any], int]


def write_xlsx(
    stream: BinaryIO, columns: Sequence[Column], rows: Rows, *, heading: Heading, sheet_rows: int = SHEET_ROWS
) -> Written:
    """Write ``rows`` as they come; ``stream`` stays open. None is an empty cell; times are UTC and say so.

    The header row is frozen and filters. Past ``sheet_rows`` the table goes on in a further sheet. Text is text by
    its type, and what a spreadsheet might run is marked so that it stays text when it is edited; a value Excel cannot
    hold exactly (over 15 digits, a day before 1900) is written as text.
    """
    start = stream.tell()
    workbook = xlsxwriter.Workbook(stream, _OPTIONS)
    workbook.set_properties(
        {
            "title": text(heading.title),
            "author": "Predictu",
            "created": heading.generated_at.astimezone(UTC).replace(tzinfo=None),
            "comments": text("; ".join(f"{label}: {value}" for label, value in heading.filters)),
        }
    )
    sheets = _Sheets(workbook, columns, heading.title, sheet_rows)
    for row in rows:
        sheets.append(row)
    sheets.finish()
    workbook.close()
    return Written(rows=sheets.count, size=stream.tell() - start)


class _Sheets:
    """The worksheets of one table, the last of them open."""

    def __init__(self, workbook: Workbook, columns: Sequence[Column], title: str, sheet_rows: int) -> None:
        self.count = 0
        self._workbook, self._title, self._sheet_rows = workbook, title, sheet_rows
        self._titles = [_title(column) for column in columns]
        self._header = workbook.add_format({"bold": True, "bottom": 1, "bg_color": "#E5E7EB", "valign": "top"})
        self._writers = _writers(workbook, columns)
        self._number = 0
        self._open()

    def append(self, row: Row) -> None:
        if self._filled == self._sheet_rows:
            self.finish()
            self._open()
        self._filled += 1
        for index, (write, value) in enumerate(zip(self._writers, row, strict=True)):
            if value is not None:
                width = write(self._sheet, self._filled, index, value)
                if width > self._widths[index]:
                    self._widths[index] = width
        self.count += 1

    def finish(self) -> None:
        """What can only be said when all rows are there: widths and the range that filters."""
        for index, width in enumerate(self._widths):
            self._sheet.set_column(index, index, min(width, WIDEST) + 2)
        self._sheet.autofilter(0, 0, self._filled, len(self._titles) - 1)

    def _open(self) -> None:
        self._number += 1
        self._filled = 0
        self._sheet = self._workbook.add_worksheet(_sheet_name(self._title, self._number))
        self._sheet.freeze_panes(1, 0)
        self._sheet.repeat_rows(0)
        self._sheet.set_landscape()
        # The button that filters takes room beside a title.
        self._widths = [len(title) + 2 for title in self._titles]
        for index, title in enumerate(self._titles):
            self._sheet.write_string(0, index, title, self._header)


def _title(column: Column) -> str:
    return f"{column.title} (UTC)" if column.kind is Kind.INSTANT else column.title


def _sheet_name(title: str, number: int) -> str:
    """``title`` less what Excel forbids in a sheet's name, numbered from the second on; 31 characters at most."""
    suffix = f" {number}" if number > 1 else ""
    name = "".join(" " if character in "[]:*?/\\" else character for character in text(title))
    name = name.strip(" '")[: 31 - len(suffix)].strip(" '")
    if not name or name.lower() == "history":
        name = "Report"
    return name + suffix


def _writers(workbook: Workbook, columns: Sequence[Column]) -> list[_Write]:
    formats = {kind: workbook.add_format({"num_format": code}) for kind, code in _NUMBER_FORMATS.items()}
    quoted = workbook.add_format({"quote_prefix": True})
    return [_writer(column.kind, formats.get(column.kind), quoted) for column in columns]


def _writer(kind: Kind, style: Format | None, quoted: Format) -> _Write:
    def write_text(sheet: Worksheet, row: int, index: int, value: Any) -> int:
        shown = _cell_text(text(value))
        sheet.write_string(row, index, shown, quoted if runs(shown) else None)
        return len(shown)

    def write_number(sheet: Worksheet, row: int, index: int, value: Any) -> int:
        exact = number(kind, value)
        if exact.adjusted() + 1 + PLACES[kind] > EXACT_DIGITS:
            return write_text(sheet, row, index, f"{exact:f}")
        sheet.write_number(row, index, float(exact), style)
        return len(f"{exact:,f}")

    def write_instant(sheet: Worksheet, row: int, index: int, value: Any) -> int:
        moment = instant(value)
        if moment.year < 1900:
            return write_text(sheet, row, index, moment.isoformat())
        sheet.write_datetime(row, index, moment.replace(tzinfo=None), style)
        return 19

    def write_day(sheet: Worksheet, row: int, index: int, value: Any) -> int:
        calendar_day = day(value)
        if calendar_day.year < 1900:
            return write_text(sheet, row, index, calendar_day.isoformat())
        sheet.write_datetime(row, index, calendar_day, style)
        return 10

    def write_boolean(sheet: Worksheet, row: int, index: int, value: Any) -> int:
        sheet.write_boolean(row, index, bool(value))
        return 5

    if kind in PLACES:
        return write_number
    return {Kind.INSTANT: write_instant, Kind.DATE: write_day, Kind.BOOLEAN: write_boolean}.get(kind, write_text)


def _cell_text(value: str) -> str:
    """``value`` as a cell can hold it: line ends as XML keeps them, cut to a cell's length.

    xlsxwriter writes what looks like its own rich text into the file unescaped; a space in front avoids that.
    """
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if value.startswith("<r>") and value.endswith("</r>"):
        value = " " + value
    return value if len(value) <= CELL_CHARACTERS else value[: CELL_CHARACTERS - 1] + "…"
