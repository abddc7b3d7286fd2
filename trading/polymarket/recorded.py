"""Recorded answers from files: the same rows a live listing gives, whatever wrapper they were saved in."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trading.polymarket import clob, parse, reading
from trading.polymarket.source import Skip, SourceMarket

_WRAPPERS = ("events", "markets", "data")


def from_file(path: Path) -> Iterator[SourceMarket | Skip]:
    """Every market in the file: a bare list of markets or events, one of them alone, or a list inside a wrapper.

    Raises OSError when the file cannot be read and ValueError when it holds neither list nor object of JSON.
    """
    for row in _rows(reading.decode(path.read_bytes())):
        if isinstance(row, Mapping) and isinstance(row.get("markets"), list):
            yield from parse.parse_event(row)
        elif isinstance(row, Mapping) and clob.is_listing_row(row):
            yield parse.parse_market(clob.as_gamma(row))
        else:
            yield parse.parse_market(row)


def _rows(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, Mapping):
        raise ValueError("the file holds neither a list nor an object")
    if "question" in document or "slug" in document:
        return [document]
    for wrapper in _WRAPPERS:
        if isinstance(document.get(wrapper), list):
            return document[wrapper]
    return [document]
