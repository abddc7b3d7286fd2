"""Excel workbooks, read back from the XML inside."""

import io
import re
import tracemalloc
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from defusedxml import ElementTree

from reports.formats.tables import Column, Heading, Kind
from reports.formats.xlsx import CELL_CHARACTERS, write_xlsx
from tests.reports.formats.samples import COLUMNS, EMPTY, FIRST, FORMULAS, HEADING, NOW, PLAIN, make_rows, text_column

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def written(columns, rows, **changes):
    stream = io.BytesIO()
    result = write_xlsx(stream, columns, rows, **{"heading": HEADING, **changes})
    assert result.size == len(stream.getvalue())
    return zipfile.ZipFile(stream), result


def part(book, name):
    return ElementTree.fromstring(book.read(name))


def sheet(book, number=1):
    return part(book, f"xl/worksheets/sheet{number}.xml")


def cells(tree):
    """The cells of each row by column letter."""
    return [
        {re.sub(r"\d", "", cell.get("r")): cell for cell in row.findall("m:c", NS)}
        for row in tree.findall("m:sheetData/m:row", NS)
    ]


def value(cell):
    if cell.get("t") == "inlineStr":
        return "".join(node.text or "" for node in cell.iter(f"{{{NS['m']}}}t"))
    text = cell.find("m:v", NS).text
    return text == "1" if cell.get("t") == "b" else float(text)


# The codes of formats Excel knows by number.
BUILT_IN = {"0": "General", "3": "#,##0", "4": "#,##0.00"}


def style(book, cell):
    """The number format code of a cell and whether it is marked as text."""
    styles = part(book, "xl/styles.xml")
    codes = {node.get("numFmtId"): node.get("formatCode") for node in styles.iter(f"{{{NS['m']}}}numFmt")}
    xf = styles.findall("m:cellXfs/m:xf", NS)[int(cell.get("s", "0"))]
    return {**BUILT_IN, **codes}[xf.get("numFmtId")], xf.get("quotePrefix") == "1"


def excel_days(moment):
    return (moment - datetime(1899, 12, 30, tzinfo=UTC)) / timedelta(days=1)


def test_every_kind_of_value_is_typed():
    book, result = written(COLUMNS, [FIRST, EMPTY])
    assert result.rows == 2
    header, first = cells(sheet(book))
    assert [value(cell) for cell in header.values()] == [
        *[column.title for column in COLUMNS[:-1]],
        "Created (UTC)",
    ]
    assert [value(cell) for cell in first.values()] == [
        "trd_01h455vb4pex5vsknk084sn02q",
        'Ζωή, 中文 "quoted"',
        8420,
        0.62,
        1234.5678,
        -1234.57,
        30,
        0.5432,
        True,
        excel_days(datetime(2026, 2, 28, tzinfo=UTC)),
        pytest.approx(excel_days(datetime(2026, 3, 19, 12, 0, 5, tzinfo=UTC)), abs=1e-9),
    ]
    assert [style(book, first[letter])[0] for letter in "CDEFGHJK"] == [
        "#,##0",
        "0.0000",
        "#,##0.0000",
        "#,##0.00",
        "0.0",
        "0.0000",
        "yyyy-mm-dd",
        "yyyy-mm-dd hh:mm:ss",
    ]


def test_the_header_is_frozen_filters_and_columns_are_as_wide_as_their_values():
    tree = sheet(written(COLUMNS, [FIRST, EMPTY])[0])
    pane = tree.find("m:sheetViews/m:sheetView/m:pane", NS)
    assert (pane.get("ySplit"), pane.get("topLeftCell"), pane.get("state")) == ("1", "A2", "frozen")
    assert tree.find("m:autoFilter", NS).get("ref") == "A1:K3"
    widths = [
        float(column.get("width"))
        for column in tree.findall("m:cols/m:col", NS)
        for _ in range(int(column.get("min")), int(column.get("max")) + 1)
    ]
    assert widths[0] == pytest.approx(32, abs=1)
    assert widths[1] == pytest.approx(19, abs=1)
    assert widths[8] == pytest.approx(8, abs=1)


def test_a_long_text_does_not_make_a_column_wider_than_a_screen():
    tree = sheet(written([text_column()], [("x" * 1000,)])[0])
    assert float(tree.find("m:cols/m:col", NS).get("width")) == pytest.approx(62, abs=1)


def test_texts_that_would_run_are_marked_as_text_and_otherwise_kept():
    texts = [text for text in (*FORMULAS, *PLAIN) if text]
    book, _ = written([text_column()], [(text,) for text in texts])
    assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
    rows = cells(sheet(book))[1:]
    assert [value(row["A"]) for row in rows] == [text.replace("\r", "\n") for text in texts]
    assert [style(book, row["A"])[1] for row in rows] == [text in FORMULAS for text in texts]


def test_a_negative_number_is_a_number_and_an_id_is_a_text():
    columns = [Column(name="a", title="A", kind=Kind.MONEY), Column(name="b", title="B", kind=Kind.ID)]
    row = cells(sheet(written(columns, [(Decimal("-5"), "-5")])[0]))[1]
    assert (value(row["A"]), value(row["B"])) == (-5, "-5")


def test_links_numbers_and_markup_in_texts_stay_texts():
    texts = ["http://example.test/", "0012", "1e5", "<r><t>rich</t></r>", "<r>&broken</r>", "]]>", "a\x00b\ud800\uffff"]
    book, _ = written([text_column()], [(text,) for text in texts])
    assert [value(row["A"]).strip() for row in cells(sheet(book))[1:]] == [
        *texts[:-1],
        "a\ufffdb\ufffd\ufffd",
    ]
    assert "xl/worksheets/_rels/sheet1.xml.rels" not in book.namelist()


def test_an_escape_of_excels_own_is_not_taken_for_one():
    book, _ = written([text_column()], [("_x0041_",)])
    assert value(cells(sheet(book))[1]["A"]) == "_x005F_x0041_"


def test_a_text_longer_than_a_cell_is_cut_and_says_so():
    book, _ = written([text_column()], [("x" * 40_000,)])
    cut = value(cells(sheet(book))[1]["A"])
    assert len(cut) == CELL_CHARACTERS
    assert cut.endswith("x…")


def test_what_excel_cannot_hold_exactly_is_text():
    columns = [
        Column(name="a", title="A", kind=Kind.MONEY),
        Column(name="b", title="B", kind=Kind.DATE),
        Column(name="c", title="C", kind=Kind.INSTANT),
        Column(name="d", title="D", kind=Kind.MONEY),
    ]
    old = datetime(1899, 12, 31, 23, 59, tzinfo=UTC)
    row = cells(
        sheet(written(columns, [(Decimal("99999999999999.99"), old.date(), old, Decimal("9999999999999.99"))])[0])
    )
    assert [value(cell) for cell in row[1].values()] == [
        "99999999999999.99",
        "1899-12-31",
        "1899-12-31T23:59:00+00:00",
        9999999999999.99,
    ]


def test_the_table_goes_on_in_a_further_sheet():
    book, result = written([text_column()], [(str(index),) for index in range(5)], sheet_rows=2)
    assert result.rows == 5
    names = [node.get("name") for node in part(book, "xl/workbook.xml").iter(f"{{{NS['m']}}}sheet")]
    assert names == ["Trades  <all>", "Trades  <all> 2", "Trades  <all> 3"]
    columns = [[value(row["A"]) for row in cells(sheet(book, number))] for number in (1, 2, 3)]
    assert columns == [["Name", "0", "1"], ["Name", "2", "3"], ["Name", "4"]]
    assert [sheet(book, number).find("m:autoFilter", NS).get("ref") for number in (1, 2, 3)] == [
        "A1:A3",
        "A1:A3",
        "A1:A2",
    ]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Trades", "Trades"),
        ("a/b\\c[d]e:f*g?", "a b c d e f g"),
        ("'quoted'", "quoted"),
        ("", "Report"),
        ("History", "Report"),
        ("x" * 40, "x" * 31),
    ],
)
def test_sheets_have_names_excel_takes(title, name):
    book, _ = written([text_column()], [], heading=Heading(title=title, generated_at=NOW))
    assert part(book, "xl/workbook.xml").find("m:sheets/m:sheet", NS).get("name") == name


def test_the_workbook_says_what_it_is():
    book, _ = written([text_column()], [])
    core = book.read("docProps/core.xml").decode()
    assert "<dc:title>Trades: &lt;all&gt;</dc:title>" in core
    assert "Operator: example-casino; From: 2026-03-01; Name: &lt;b&gt;&amp;" in core
    assert "2026-03-19T12:00:05Z" in core


def test_a_row_of_another_width_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        written(COLUMNS[:2], [("only",)])


def test_twenty_thousand_rows_in_constant_memory(tmp_path):
    with (tmp_path / "rows.xlsx").open("wb") as stream:
        tracemalloc.start()
        result = write_xlsx(stream, COLUMNS[:4], (row[:4] for row in make_rows(20_000)), heading=HEADING)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert result.rows == 20_000
    assert peak < 3_000_000
    assert result.size == (tmp_path / "rows.xlsx").stat().st_size
    rows = cells(sheet(zipfile.ZipFile(tmp_path / "rows.xlsx")))
    assert len(rows) == 20_001
    assert value(rows[-1]["A"]) == f"trd_{19_999:026d}"


def test_dates_are_calendar_days():
    book, _ = written([Column(name="d", title="D", kind=Kind.DATE)], [(date(1900, 3, 1),), (date(2026, 12, 31),)])
    assert [value(row["A"]) for row in cells(sheet(book))[1:]] == [61, 46387]
