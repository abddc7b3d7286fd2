"""PDF: let through when nothing in it acts by itself. Pure.

Every object is looked at, those in compressed object streams too; names are read as a PDF reader reads them, so that
``/J#61vaScript`` is what it is.
"""

import io
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from predictu.filetypes.refusal import Unacceptable

MOST_OBJECTS = 20_000
MOST_PAGES = 500

# Keys and names that make a document do something, hold another file or be a program.
_KEYS = frozenset({"/JS", "/JavaScript", "/AA", "/EmbeddedFiles", "/EF", "/XFA", "/RichMediaContent", "/AF"})
_ACTIONS = frozenset(
    {
        *("/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/ResetForm", "/GoToR", "/GoToE", "/Rendition"),
        *("/Movie", "/Sound", "/RichMediaExecute", "/GoTo3DView", "/Trans", "/Thread"),
    }
)
_SUBTYPES = frozenset({"/RichMedia", "/Screen", "/Movie", "/Sound", "/3D", "/FileAttachment"})


def check(content: bytes) -> None:
    """Raises Unacceptable for what is damaged, encrypted, too large or active."""
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise Unacceptable("must be a PDF without encryption")
        if not 1 <= len(reader.pages) <= MOST_PAGES:
            raise Unacceptable(f"must be a PDF of 1 to {MOST_PAGES} pages")
        numbers = _numbers(reader)
        if len(numbers) > MOST_OBJECTS:
            raise Unacceptable(f"must be a PDF of at most {MOST_OBJECTS:,} objects")
        for generation, number in numbers:
            _look(reader.get_object(IndirectObject(number, generation, reader)))
        _look(reader.trailer)
    except Unacceptable:
        raise
    except Exception as error:  # noqa: BLE001 readers of damaged files raise whatever they stumble over
        raise Unacceptable("is a damaged PDF") from error


def _numbers(reader: PdfReader) -> list[tuple[int, int]]:
    """(generation, number) of every object of the file."""
    plain = [(generation, number) for generation, table in reader.xref.items() for number in table]
    return [*plain, *((0, number) for number in reader.xref_objStm)]


def _look(value: Any) -> None:
    """Refuse anything active in an object; what it refers to is an object of its own."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, DictionaryObject):  # streams are dictionaries too
            _look_at_entries(item)
            waiting += [inner for inner in item.values() if not isinstance(inner, IndirectObject)]
        elif isinstance(item, ArrayObject):
            waiting += [inner for inner in item if not isinstance(inner, IndirectObject)]


def _look_at_entries(item: DictionaryObject | StreamObject) -> None:
    found = next((key for key in _KEYS if key in item), None)
    action, subtype = item.raw_get("/S") if "/S" in item else None, item.get("/Subtype")
    if found is None and action in _ACTIONS:
        found = str(action)
    if found is None and subtype in _SUBTYPES:
        found = str(subtype)
    if found is not None:
        raise Unacceptable(f"must be a PDF without active content: it holds {found}")
