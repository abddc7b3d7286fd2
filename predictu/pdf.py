"""HTML to PDF, the same bytes for the same input: on every clock, time zone, locale and hash seed.

Nothing is fetched. A document sees the fonts below, which come with pinned packages, and the images handed to
``render``; every other address is refused. Scripts that none of the fonts covers fall back to the machine's fonts.
"""

import io
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from defusedxml import ElementTree
from PIL import Image as Picture

from predictu import clock, shown

MAX_IMAGE_BYTES = 5_000_000
MAX_IMAGE_PIXELS = 16_000_000
# Nested <use> multiplies: with twenty of them the worst drawing is a few thousand shapes.
MAX_SVG_REUSES = 20
SVG = "image/svg+xml"
PRINT_DPI = 300

BASE_CSS = """
@font-face { font-family: Text; src: url(font:sans) }
@font-face { font-family: Text; font-weight: bold; src: url(font:sans-bold) }
@page { size: A4; margin: 18mm 16mm 20mm }
@page {
  font-family: Text, "Text Han", "Text Hangul", sans-serif;
  @bottom-right { content: "Page " counter(page) " of " counter(pages); font-size: 7pt; color: #4b5563 }
  @bottom-left { font-size: 7pt; color: #4b5563; width: 75% }
}
html { font: 9pt/1.4 Text, "Text Han", "Text Hangul", sans-serif; color: #111827 }
body { margin: 0 }
table { border-collapse: separate; border-spacing: 0; width: 100% }
thead { display: table-header-group }
tr { break-inside: avoid }
td, th { padding: 0; text-align: left; vertical-align: top; overflow-wrap: anywhere }
.number { text-align: right; white-space: nowrap }
"""
# Large fonts are loaded only for a document that has their letters.
_HAN = re.compile("[\u2e80-\u312f\u3190-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_HAN_CSS = '@font-face { font-family: "Text Han"; src: url(font:han) }'
_HANGUL_CSS = '@font-face { font-family: "Text Hangul"; src: url(font:hangul) }'

_FONTS = {
    "font:sans": ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    "font:sans-bold": ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf"),
    "font:han": ("pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"),
    "font:hangul": ("pylopdf_fonts_ko", "NotoSansKR-Regular.otf"),
}
# True: the identifier is a digest of the content.
_OPTIONS = {"pdf_identifier": True, "dpi": PRINT_DPI}
_log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture to show as ``<img src="image:NAME">``, NAME being its key in ``render``'s ``images``."""

    content: bytes
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What the file says of itself in a reader's document properties."""

    title: str
    author: str
    subject: str = ""


def render(
    html: str,
    *,
    css: str = "",
    metadata: Metadata,
    issued_at: datetime,
    foot: str = "",
    images: Mapping[str, Image] | None = None,
) -> bytes:
    """The body ``html`` under ``BASE_CSS`` and then ``css`` as a PDF that says it was made at ``issued_at``.

    Texts in ``html`` must be escaped by the caller; characters no file can hold are replaced here. ``foot`` is a plain
    text for the lower left of every page, opposite the page number. ``images`` that ``usable`` refuses are left out.
    The file has the structure that screen readers need.
    """
    html = shown.clean(html)
    with _press(letters=html + foot, foot=foot, images=images or {}, issued_at=issued_at) as lay_out:
        document = lay_out(html, css)
        document.metadata = _described(metadata, issued_at)
        content: bytes = document.write_pdf(pdf_tags=True, **_OPTIONS)
    return content


def render_rows(
    rows: Sequence[str],
    *,
    heading: str,
    opening: str,
    closing: str,
    css: str = "",
    metadata: Metadata,
    issued_at: datetime,
    foot: str = "",
    rows_per_part: int,
) -> bytes:
    """Like ``render``, for a table too long to lay out at once: memory grows with ``rows_per_part``, not with ``rows``.

    ``rows`` are the cells of each row; ``opening`` and ``closing``, the table around them, are repeated in each part.
    Parts follow one another without a gap. Their page numbers have no total, nor is there structure for screen readers.
    """
    rows = [shown.clean(row) for row in rows]
    heading, opening, closing = shown.clean(heading), shown.clean(opening), shown.clean(closing)
    letters = "".join((heading, opening, closing, foot, *rows))
    parts: list[bytes] = []
    start = number = 0
    with _press(letters=letters, foot=foot, images={}, issued_at=issued_at) as lay_out:
        while start < len(rows) or not parts:
            end = min(start + rows_per_part, len(rows))
            lines = [f"<tr id=row-{index}>{rows[index]}</tr>" for index in range(start, end)]
            body = "".join(("" if parts else heading, opening, *lines, closing))
            document = lay_out(body, css if len(rows) <= rows_per_part else css + _numbered_from(number + 1))
            pages = document.pages
            if end < len(rows) and len(pages) > 1 and (first := _first_row(*pages[-2:])) is not None:
                # The last page has room left: its rows begin the next part.
                end = first
                pages.pop()
            for page in pages:
                page.anchors.clear()
            document.metadata = _described(metadata, issued_at)
            parts.append(document.write_pdf(**_OPTIONS))
            start, number = end, number + len(pages)
    return parts[0] if len(parts) == 1 else _bound(parts)


def _first_row(before: Any, page: Any) -> int | None:
    """The row that begins on top of ``page``; None where that is the rest of a row begun on the page ``before``."""
    rows = [int(name.removeprefix("row-")) for name in page.anchors if name.startswith("row-")]
    return min(rows) if rows and f"row-{min(rows)}" not in before.anchors else None


def _numbered_from(first: int) -> str:
    """Page numbers that go on from ``first``, their total not known yet."""
    return (
        f'@page :first {{ counter-reset: page {first} }} @page {{ @bottom-right {{ content: "Page " counter(page) }} }}'
    )


def _bound(parts: Sequence[bytes]) -> bytes:
    """``parts`` as one file with the first one's description."""
    from pypdf import PdfWriter  # a quarter of a second that processes which bind nothing are spared

    writer = PdfWriter(clone_from=io.BytesIO(parts[0]))
    for part in parts[1:]:
        writer.append(io.BytesIO(part), import_outline=False)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


@contextmanager
def _press(
    *, letters: str, foot: str, images: Mapping[str, Image], issued_at: datetime
) -> Iterator[Callable[[str, str], Any]]:
    """Lays out bodies and style sheets as WeasyPrint documents, with the fonts that ``letters`` need."""
    # Loads Pango and takes a second, which commands that print nothing need not wait for.
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    fetcher = _fetcher({f"image:{name}": image for name, image in images.items() if usable(image)})
    faces = (_HAN_CSS if _HAN.search(letters) else "") + (_HANGUL_CSS if _HANGUL.search(letters) else "")
    base = f"{BASE_CSS}{faces} @page {{ @bottom-left {{ content: {_css_string(foot)} }} }}"
    with _one_at_a_time, _font_timestamps(issued_at):
        fonts = FontConfiguration()

        def lay_out(html: str, css: str) -> Any:
            sheet = CSS(string=base + css, font_config=fonts, url_fetcher=fetcher)
            # The language is fixed: without one, line breaks and fallback fonts would follow the environment.
            body = HTML(string=f'<!doctype html><html lang="en"><body>{html}</body></html>', url_fetcher=fetcher)
            return body.render(font_config=fonts, stylesheets=[sheet], dpi=PRINT_DPI)

        yield lay_out


def _described(metadata: Metadata, issued_at: datetime) -> Any:
    from weasyprint.document import DocumentMetadata

    stamp = clock.seconds(issued_at)
    return DocumentMetadata(
        title=shown.clean(metadata.title),
        authors=[shown.clean(metadata.author)],
        description=shown.clean(metadata.subject) or None,
        generator="Predictu",
        created=stamp,
        modified=stamp,
        lang="en",
    )


def usable(image: Image) -> bool:
    """Whether ``image`` can be drawn safely: of a known type, well-formed, and of bounded size and complexity."""
    if len(image.content) > MAX_IMAGE_BYTES:
        return False
    try:
        if image.content_type == SVG:
            return _drawable(ElementTree.fromstring(image.content, forbid_dtd=True))
        with Picture.open(io.BytesIO(image.content), formats=["PNG", "JPEG", "WEBP"]) as picture:
            width, height = picture.size
            known = image.content_type == Picture.MIME[picture.format or ""]
            picture.verify()
    except Exception:
        # Whatever the parsers trip over, the document is better off without the picture.
        _log.warning("an image of %d bytes could not be read", len(image.content))
        return False
    return known and width * height <= MAX_IMAGE_PIXELS


def _drawable(svg: Any) -> bool:
    names = [str(element.tag).rpartition("}")[2] for element in svg.iter()]
    return names[0] == "svg" and names.count("use") <= MAX_SVG_REUSES


def _css_string(text: str) -> str:
    """``text`` as a CSS string: every character but letters, digits and spaces as a code point."""
    return '"' + "".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in shown.clean(text)) + '"'


def _fetcher(images: Mapping[str, Image]) -> Any:
    """A URL fetcher that knows our fonts and ``images`` and nothing else."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Fetcher(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
            if url in _FONTS:
                return URLFetcherResponse(url, _font(url).read_bytes(), {"Content-Type": "font/sfnt"})
            if url in images:
                return URLFetcherResponse(url, images[url].content, {"Content-Type": images[url].content_type})
            raise ValueError("a document may not fetch anything")

    return Fetcher()


def _font(url: str) -> Path:
    package, path = _FONTS[url]
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None, f"the package {package} is not installed"
    return Path(spec.origin).parent / path


@contextmanager
def _font_timestamps(moment: datetime) -> Iterator[None]:
    """A variable font of the machine is saved anew, dated by this variable; without it, by the clock."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(moment.astimezone(UTC).timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before
