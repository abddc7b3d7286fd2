"""Tables on paper, read back with pypdf."""

import io
from decimal import Decimal

import pypdf
import pytest

from reports.formats import pdf
from reports.formats.tables import Column, Heading, Kind
from tests.pdfs import font_names, outputs, text_of
from tests.reports.formats.samples import COLUMNS, EMPTY, FIRST, HEADING, NOW, make_rows, text_column


def written(columns, rows, **changes):
    stream = io.BytesIO()
    result = pdf.write_pdf(stream, columns, rows, **{"heading": HEADING, **changes})
    assert result.size == len(stream.getvalue())
    return stream.getvalue(), result


def one_line(content):
    return " ".join(text_of(content).split())


def page_size(content):
    box = pypdf.PdfReader(io.BytesIO(content)).pages[0].mediabox
    return round(float(box.width)), round(float(box.height))


def test_every_kind_of_value():
    content, result = written(COLUMNS, [FIRST, EMPTY])
    assert result.rows == 2
    text = one_line(content)
    for expected in (
        "Trades: <all>",
        "Operator: example-casino",
        "Name: <b>&",
        "Generated: 2026-03-19T12:00:05Z",
        "Times: UTC",
        "2 rows",
        'Ζωή, 中文 "quoted"',
        "8,420 0.6200 1,234.5678 -1,234.57 30.0 0.5432 yes 2026-02-28 2026-03-19 12:00:05",
        "Total -1,234.57",
        "Page 1 of 1",
    ):
        assert expected in text
    assert "trd_01h455vb4pex5vsknk084sn02q" in text.replace(" ", "")
    assert page_size(content) == (842, 595)
    assert {name.partition("+")[2] for name in font_names(content)} == {"Text", "Text-Bold", "Text-Han"}
    metadata = pypdf.PdfReader(io.BytesIO(content)).metadata
    assert (metadata.title, metadata.creation_date) == ("Trades: <all>", NOW)


def test_the_header_is_repeated_and_totals_come_once_at_the_end():
    content, result = written(COLUMNS, make_rows(50))
    assert result.rows == 50
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert "User name" in page
        assert f"Page {number} of {len(pages)}" in page
        assert ("Total" in page) == (number == len(pages))
    # 50 × -1234.57, summed as shown
    assert "-61,728.50" in pages[-1]


def test_totals_are_of_money_alone_and_of_all_of_it():
    columns = [
        Column(name="a", title="A", kind=Kind.MONEY),
        Column(name="p", title="P", kind=Kind.PRICE),
        Column(name="b", title="B", kind=Kind.MONEY),
    ]
    rows = [(Decimal("1.10"), Decimal("0.5"), None), (Decimal("2.20"), Decimal("0.25"), Decimal("-7"))]
    assert "Total 3.30 -7.00" in one_line(written(columns, rows)[0])
    assert "Total" not in one_line(written(columns[1:2], [(Decimal("0.5"),)])[0])


def test_no_rows_are_said_plainly():
    content, result = written(COLUMNS, [])
    assert result.rows == 0
    text = one_line(content)
    assert "0 rows No rows match these filters." in text
    assert "Total" not in text


def test_many_columns_take_larger_paper():
    columns = [text_column(f"c{index}") for index in range(24)]
    content, _ = written(columns, [["some longer text here"] * 24])
    assert page_size(content) == (1191, 842)


def test_markup_is_only_text_and_long_texts_are_cut():
    content, _ = written([text_column()], [("<img src=x> &amp; </table>",), ("y" * 600,), ("a\x00b",)])
    text = text_of(content).replace("\n", "")
    assert "<img src=x> &amp; </table>" in text
    assert text.count("y") == pdf.CELL_CHARACTERS - 1
    assert "y…" in text
    assert "a\ufffdb" in text


def test_more_rows_than_paper_should_hold_are_refused():
    stream = io.BytesIO()
    taken = []

    def rows():
        for index in range(pdf.MAX_ROWS + 100):
            taken.append(index)
            yield (str(index),)

    with pytest.raises(pdf.TooManyRows):
        pdf.write_pdf(stream, [text_column()], rows(), heading=Heading(title="All", generated_at=NOW))
    assert len(taken) == pdf.MAX_ROWS + 1
    assert stream.getvalue() == b""


SAME = """
import io, sys
from reports.formats import pdf
from reports.formats.pdf import write_pdf
from tests.reports.formats.samples import COLUMNS, EMPTY, HEADING, make_rows
stream = io.BytesIO()
write_pdf(stream, COLUMNS, [*make_rows(30), EMPTY], heading=HEADING)
pdf.CELLS_PER_PART = 150
write_pdf(stream, COLUMNS, [*make_rows(30), EMPTY], heading=HEADING)
sys.stdout.buffer.write(stream.getvalue())
"""


def test_the_same_rows_are_the_same_bytes_in_every_environment():
    first, *others = outputs(SAME)
    assert first.startswith(b"%PDF-1.7")
    assert all(other == first for other in others)
