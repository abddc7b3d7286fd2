"""The PDF base: fonts, images, metadata, isolation and reproducibility."""

import io
import os
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

import pypdf
import pytest
from PIL import Image as Picture

from predictu import pdf
from tests.pdfs import font_names, text_of

ISSUED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ABOUT = pdf.Metadata(title="Case (1) \\ é 中", author="Predictu Ltd", subject="All of it")


def render(html, **changes):
    return pdf.render(html, **{"metadata": ABOUT, "issued_at": ISSUED, **changes})


def png(size=(8, 8)):
    stream = io.BytesIO()
    Picture.new("RGBA", size, (200, 30, 30, 128)).save(stream, "PNG")
    return stream.getvalue()


def test_metadata_and_page_numbers():
    content = render('<p>One</p><p style="break-before: page">Two</p>')
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert reader.metadata.title == ABOUT.title
    assert reader.metadata.author == "Predictu Ltd"
    assert reader.metadata.subject == "All of it"
    assert reader.metadata.creation_date == ISSUED
    assert reader.metadata.modification_date == ISSUED
    assert [page.extract_text().split() for page in reader.pages] == [
        ["One", "Page", "1", "of", "2"],
        ["Two", "Page", "2", "of", "2"],
    ]
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]


def test_scripts_are_covered_by_fonts_of_the_project():
    text = "Ελληνικά Русский שלום 中文 株式会社カタカナ 한국어 İstanbul Đặng"
    content = render(f"<p>{text}</p>")
    names = font_names(content)
    assert {name.partition("+")[2] for name in names} == {"Text", "Text-Han", "Text-Hangul"}
    extracted = text_of(content)
    for word in ("Ελληνικά", "Русский", "中文", "株式会社カタカナ", "한국어", "İstanbul", "Đặng"):
        assert word in extracted


def test_fonts_are_embedded_subsets():
    content = render("<p>Text <b>and bold</b></p>")
    names = font_names(content)
    assert sorted(name.partition("+")[2] for name in names) == ["Text", "Text-Bold"]
    assert all(len(name.partition("+")[0]) == len("/ABCDEF") for name in names)
    assert len(content) < 30_000


def test_characters_no_file_can_hold_do_not_break_it():
    assert "a\ufffdb" in text_of(render("<p>a\x00b \ud800 \x0b</p>"))


def test_nothing_is_fetched(tmp_path):
    hits = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>leaked</text></svg>')
    secret_css = tmp_path / "secret.css"
    secret_css.write_text("p::after { content: 'leaked' }")
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        origin = f"http://127.0.0.1:{server.server_port}"
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'
            f'<style>@import url("{origin}/style");</style><image width="9" height="9" xlink:href="{origin}/svg"/>'
            f'<image width="9" height="9" href="{secret.as_uri()}"/><rect width="5" height="5"/></svg>'
        )
        content = render(
            f'<link rel="stylesheet" href="{origin}/css"><link rel="stylesheet" href="{secret_css.as_uri()}">'
            f'<link rel="attachment" href="{secret.as_uri()}"><style>@import url({origin}/import)</style>'
            f'<img src="{origin}/img"><img src="{secret.as_uri()}"><img src="image:logo"><p>Safe</p>'
            f'<img src="data:image/svg+xml,{quote(secret.read_text())}"><object data="{origin}/object"></object>',
            css=f"p {{ background: url({origin}/background) }}",
            images={"logo": pdf.Image(content=svg.encode(), content_type=pdf.SVG)},
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert hits == []
    assert "leaked" not in text_of(content)
    assert "Safe" in text_of(content)
    assert not pypdf.PdfReader(io.BytesIO(content)).attachments


def test_a_usable_image_is_drawn():
    content = render('<img src="image:logo">', images={"logo": pdf.Image(content=png(), content_type="image/png")})
    assert [image.image.size for image in pypdf.PdfReader(io.BytesIO(content)).pages[0].images] == [(8, 8)]


BOMB = (
    b'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text></svg>'
)
REUSES = b'<svg xmlns="http://www.w3.org/2000/svg">' + b'<use href="#a"/>' * 21 + b"</svg>"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "image/png"),
        (b"not a picture", "image/png"),
        (png()[:40], "image/png"),
        (png(), "image/jpeg"),
        (png(), "image/svg+xml"),
        (png((5000, 4000)), "image/png"),
        (b"<svg", "image/svg+xml"),
        (b"<html/>", "image/svg+xml"),
        (BOMB, "image/svg+xml"),
        (REUSES, "image/svg+xml"),
        (b"\x00" * (pdf.MAX_IMAGE_BYTES + 1), "image/png"),
    ],
)
def test_a_doubtful_image_is_left_out(content, content_type):
    image = pdf.Image(content=content, content_type=content_type)
    assert not pdf.usable(image)
    without = render('<p>Kept</p><img src="image:logo" alt="">', images={"logo": image})
    assert "Kept" in text_of(without)
    assert not pypdf.PdfReader(io.BytesIO(without)).pages[0].images


def test_the_environment_is_as_before(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    render("<p>x</p>")
    assert "SOURCE_DATE_EPOCH" not in os.environ
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "12")
    render("<p>x</p>")
    assert os.environ["SOURCE_DATE_EPOCH"] == "12"


def test_rendered_again_in_one_process_it_is_the_same_and_a_change_shows():
    first = render("<p>中文 <b>x</b></p>")
    assert render("<p>中文 <b>x</b></p>") == first
    assert render("<p>中文 <b>y</b></p>") != first
    assert render("<p>中文 <b>x</b></p>", issued_at=datetime(2026, 3, 2, tzinfo=UTC)) != first


def render_rows(count, rows_per_part, **changes):
    return pdf.render_rows(
        [f"<td>Row {index:03d}.</td>" for index in range(count)],
        **{
            "heading": "<h1>Heading</h1>",
            "opening": "<table><thead><tr><th>Title</th></tr></thead>",
            "closing": "</table>",
            "metadata": ABOUT,
            "issued_at": ISSUED,
            "foot": "Foot",
            "rows_per_part": rows_per_part,
            **changes,
        },
    )


def test_a_long_table_goes_on_without_a_gap_between_its_parts():
    whole = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render_rows(140, 140))).pages]
    content = render_rows(140, 60)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    assert len(whole) == 3
    for number, (page, same) in enumerate(zip(pages, whole, strict=True), start=1):
        assert re.findall(r"Row \d+\.", page) == re.findall(r"Row \d+\.", same)
        assert ("Heading" in page) == (number == 1)
        assert "Title" in page
        assert "Foot" in page
        assert page.endswith(f"Foot Page {number}")
        assert f"Page {number} of 3" in same
    assert re.findall(r"Row (\d+)\.", "".join(pages)) == [f"{index:03d}" for index in range(140)]
    assert pypdf.PdfReader(io.BytesIO(content)).metadata.title == ABOUT.title


def test_a_table_without_rows_is_a_page():
    assert text_of(render_rows(0, 10)).split() == ["Heading", "Title", "Foot", "Page", "1", "of", "1"]


def test_rows_taller_than_a_page_are_kept_whole():
    rows = [f"<td>{'tall<br>' * 70}end {index}.</td>" for index in range(3)]
    content = pdf.render_rows(
        rows,
        heading="",
        opening="<table>",
        closing="</table>",
        metadata=ABOUT,
        issued_at=ISSUED,
        rows_per_part=2,
    )
    assert re.findall(r"end (\d)\.", text_of(content)) == ["0", "1", "2"]
    assert text_of(content).count("tall") == 210
