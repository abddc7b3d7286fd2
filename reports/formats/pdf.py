"""A table on landscape paper: title, filters, totals of money, repeated header, page numbers; same rows, same bytes."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from html import escape
from typing import Any, BinaryIO

from predictu import clock, pdf, shown
from predictu.money import ZERO
from reports.formats.tables import PLACES, Column, Heading, Kind, Rows, Written, day, instant, number, text

CONTENT_TYPE = "application/pdf"
# Every cell takes about a millisecond, and 14 kB until its part is written.
MAX_ROWS = 5_000
CELLS_PER_PART = 6_000
CELL_CHARACTERS = 500
# How many characters wide a column may ask to be, however long its values.
_WIDEST = {Kind.TEXT: 36, Kind.ID: 17}
_PAPERS = (("A4", 273), ("A3", 396))
_LARGEST_PT, _SMALLEST_PT = 8.0, 5.5
_PT_PER_MM = 72 / 25.4
# The mean width of a character in units of the font size, and a cell's padding in characters.
_CHARACTER, _PADDING = 0.62, 2.0

_CSS = """
@page { margin: 14mm 12mm 15mm }
h1 { font-size: 14pt; line-height: 1.2; margin: 0 0 1.5mm }
.about { margin: 0 0 4mm; color: #374151; font-size: 8pt }
.about span { margin-right: 5mm }
.none { font-size: 9pt }
.rows { table-layout: fixed; line-height: 1.25 }
.rows thead tr { background: #1f2937; color: #ffffff }
.rows th, .rows td { padding: 0.9mm 1mm }
.rows th { vertical-align: bottom }
.rows tbody tr:nth-child(even) { background: #f3f4f6 }
.rows .total { font-weight: bold }
.rows tbody tr:has(.total) { background: #d1d5db; break-before: avoid }
.rows th.number { white-space: normal }
"""


class TooManyRows(ValueError):
    """More than MAX_ROWS rows: csv and xlsx take them, a pdf does not."""


def write_pdf(stream: BinaryIO, columns: Sequence[Column], rows: Rows, *, heading: Heading) -> Written:
    """Write ``rows``; ``stream`` stays open. A value longer than CELL_CHARACTERS is cut and ends in an ellipsis.

    Raises TooManyRows.
    """
    table: list[list[str]] = []
    totals = [ZERO if column.kind is Kind.MONEY else None for column in columns]
    writers = [_writer(column.kind) for column in columns]
    for row in rows:
        if len(table) == MAX_ROWS:
            raise TooManyRows(f"a pdf holds at most {MAX_ROWS} rows")
        table.append(["" if value is None else write(value) for write, value in zip(writers, row, strict=True)])
        for index, total in enumerate(totals):
            if total is not None and row[index] is not None:
                totals[index] = total + number(Kind.MONEY, row[index])
    count = len(table)
    if table and any(total is not None for total in totals):
        table.append(_totals(totals))
    paper, size, widths = _layout(columns, table)
    opening, closing = _table(columns, widths)
    content = pdf.render_rows(
        [_cells(columns, row, is_total=position == count) for position, row in enumerate(table)],
        heading=_heading(heading, count),
        opening=opening if table else "<p class=none>No rows match these filters.</p>",
        closing=closing if table else "",
        css=f"{_CSS} @page {{ size: {paper} landscape }} .rows {{ font-size: {size:.2f}pt }}",
        metadata=pdf.Metadata(title=heading.title, author="Predictu"),
        issued_at=heading.generated_at,
        foot=f"{heading.title} · {clock.seconds(heading.generated_at)}",
        rows_per_part=CELLS_PER_PART // len(columns),
    )
    stream.write(content)
    return Written(rows=count, size=len(content))


def _writer(kind: Kind) -> Callable[[Any], str]:
    """How a value of ``kind`` is shown."""
    if kind in PLACES:
        return lambda value: shown.amount(number(kind, value), PLACES[kind])
    return _WRITERS.get(kind, lambda value: _cut(text(value)))


_WRITERS: dict[Kind, Callable[[Any], str]] = {
    Kind.INSTANT: lambda value: shown.instant(instant(value)),
    Kind.DATE: lambda value: day(value).isoformat(),
    Kind.BOOLEAN: lambda value: "yes" if value else "no",
}


def _cut(value: str) -> str:
    return value if len(value) <= CELL_CHARACTERS else value[: CELL_CHARACTERS - 1] + "…"


def _totals(totals: Sequence[Decimal | None]) -> list[str]:
    cells = ["" if total is None else shown.amount(total) for total in totals]
    cells[0] = f"Total {cells[0]}".strip()
    return cells


def _layout(columns: Sequence[Column], table: Sequence[Sequence[str]]) -> tuple[str, float, list[float]]:
    """Paper, font size in points and the columns' widths in percent, so that the table fits as large as it can."""
    wants = []
    for index, column in enumerate(columns):
        longest = max((len(row[index]) for row in table), default=0)
        # A title is bold and must not break inside a word.
        longest_word = max(len(word) * 1.15 for word in f"{column.title} .".split())
        wants.append(max(min(longest, _WIDEST.get(column.kind, longest)), longest_word) + _PADDING)
    whole = sum(wants)
    sizes = {paper: min(width_mm * _PT_PER_MM / (whole * _CHARACTER), _LARGEST_PT) for paper, width_mm in _PAPERS}
    paper = "A4" if sizes["A4"] >= _SMALLEST_PT else "A3"
    return paper, max(sizes[paper], _SMALLEST_PT), [want * 100 / whole for want in wants]


def _heading(heading: Heading, count: int) -> str:
    noun = "row" if count == 1 else "rows"
    facts = [*heading.filters, ("Generated", clock.seconds(heading.generated_at) or ""), ("Times", "UTC")]
    about = "".join(f"<span>{escape(label)}: <b>{escape(value)}</b></span> " for label, value in facts)
    return f"<h1>{escape(heading.title)}</h1><p class=about>{about}<span>{count:,} {noun}</span></p>"


def _table(columns: Sequence[Column], widths: Sequence[float]) -> tuple[str, str]:
    """What stands before and after the rows."""
    cols = "".join(f'<col style="width:{width:.3f}%">' for width in widths)
    titles = "".join(
        f"<th{' class=number' if column.kind in PLACES else ''}>{escape(column.title)}</th>" for column in columns
    )
    opening = f"<table class=rows><colgroup>{cols}</colgroup><thead><tr>{titles}</tr></thead><tbody>"
    return opening, "</tbody></table>"


def _cells(columns: Sequence[Column], row: Sequence[str], *, is_total: bool) -> str:
    total = " total" if is_total else ""
    return "".join(
        f'<td class="{"number" if column.kind in PLACES else "text"}{total}">{escape(cell)}</td>'
        for column, cell in zip(columns, row, strict=True)
    )
