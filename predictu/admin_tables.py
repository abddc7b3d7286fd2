"""Tables on pages that are no lists: worked-out rows under a title, drawn by ``admin/table.html``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify

NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """``heads`` that begin with ``>`` stand over figures, which are set right; ``more`` is a line below the rows."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    empty: str = "None."
    more: str = ""

    @property
    def name(self) -> str:
        return slugify(self.title)

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Each head, and whether figures stand under it."""
        return [(head.removeprefix(">"), head.startswith(">")) for head in self.heads]

    @property
    def lines(self) -> list[list[tuple[Any, bool]]]:
        """The rows' cells, each with whether it is a figure."""
        return [[(cell, head.startswith(">")) for cell, head in zip(row, self.heads, strict=True)] for row in self.rows]


def link(url: str | None, text: Any, *, opens: bool = False) -> SafeString | str:
    """``text`` leading to ``url``, in a tab of its own where it ``opens`` a document; plain where there is none."""
    if not url:
        return str(text)
    if opens:
        return format_html('<a class="desk-link" href="{}" target="_blank" rel="noopener">{}</a>', url, text)
    return format_html('<a class="desk-link" href="{}">{}</a>', url, text)
