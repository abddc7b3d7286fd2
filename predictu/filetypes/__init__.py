"""Files that strangers send: told apart by their content, checked, and made harmless. Pure.

Names and declared types mean nothing here. Rasters are encoded anew without metadata, SVGs written anew from what is
known to be harmless, PDFs let through as they are or refused.
"""

from collections.abc import Callable
from dataclasses import dataclass

from predictu.filetypes import rasters, svg
from predictu.filetypes.refusal import Unacceptable

__all__ = ["IMAGES", "PDF", "Checked", "Unacceptable", "check"]

PNG, JPEG, WEBP, SVG, PDF = "image/png", "image/jpeg", "image/webp", "image/svg+xml", "application/pdf"
IMAGES = frozenset({PNG, JPEG, WEBP, SVG})
EXTENSIONS = {PNG: "png", JPEG: "jpg", WEBP: "webp", SVG: "svg", PDF: "pdf"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What may be kept and served: the bytes, what they are, and the size in pixels where there is one."""

    content_type: str
    content: bytes
    width: int | None = None
    height: int | None = None

    @property
    def extension(self) -> str:
        return EXTENSIONS[self.content_type]


def check(content: bytes) -> Checked:
    """What ``content`` is, made harmless. Raises Unacceptable with a sentence for whoever sent it."""
    kind = _kind(content)
    if kind == PDF:
        from predictu.filetypes import pdfs  # its reader takes a quarter of a second to load

        pdfs.check(content)
        return Checked(kind, content)
    clean: Callable[[bytes], tuple[bytes, int | None, int | None]]
    clean = svg.rewritten if kind == SVG else rasters.reencoder(kind)
    return Checked(kind, *clean(content))


def _kind(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    if content.startswith(b"%PDF-"):
        return PDF
    if content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return SVG
    raise Unacceptable("must be a png, jpg, jpeg, svg, webp or pdf file")
