"""docs/exports.md promises every type's columns: their order, their types, and which are personal."""

import re
from pathlib import Path

from reports.exports.tables import DUMPS

DOCUMENT = Path(__file__).parents[3] / "docs" / "exports.md"


def promised():
    _, *sections = re.split(r"^### (\w+)$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for name, text in zip(sections[::2], sections[1::2], strict=True):
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ?([^|]*)\|$", text, re.MULTILINE)
        yield name, [(column, kind, note.startswith("personal")) for column, kind, note in rows]


def test_the_document_names_what_the_files_hold():
    kept = {name: [(each.name, each.kind.value, each.personal) for each in dump.fields] for name, dump in DUMPS.items()}
    assert dict(promised()) == kept
