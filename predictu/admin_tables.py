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
    """``heads`` that begin with ``>`` stand over figures, which are set right; those with ``~`` over text, which wraps.

    ``more`` is a line below the rows.
    """

    title: str
    heads: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    empty: str = "None."
    more: str = ""

    @property
    def name(self) -> str:
        return slugify(self.title)

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Each head with its look."""
        return [(head.lstrip("".join(_LOOKS)), _look(head)) for head in self.heads]

    @property
    def lines(self) -> list[list[tuple[Any, str]]]:
        """The rows' cells, each with its look."""
        looks = [_look(head) for head in self.heads]
        return [list(zip(row, looks, strict=True)) for row in self.rows]


_LOOKS = {">": "is-number", "~": "is-text"}


def _look(head: str) -> str:
    return _LOOKS.get(head[0], "is-fixed")


def link(url: str | None, text: Any, *, opens: bool = False) -> SafeString | str:
    """``text`` leading to ``url``, in a tab of its own where it ``opens`` a document; plain where there is none."""
    if not url:
        return str(text)
    if opens:
        return format_html('<a class="desk-link" href="{}" target="_blank" rel="noopener">{}</a>', url, text)
    return format_html('<a class="desk-link" href="{}">{}</a>', url, text)
