"""The source's tags to the platform's categories, by a table that is data: ``categories.json``.

Each word (a slug; a trailing ``*`` matches any ending) carries a weight for one category. The category with the largest
sum over a market's words wins; equal sums go to the one listed first; no match is None.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DEFAULT_TABLE = Path(__file__).with_name("categories.json")


@dataclass(frozen=True, slots=True)
class CategoryTable:
    """``categories`` in order of precedence; words and prefixes to (category, weight)."""

    categories: tuple[str, ...]
    words: Mapping[str, tuple[str, int]]
    prefixes: Mapping[str, tuple[str, int]]

    def category_of(self, words: Iterable[str]) -> str | None:
        """The category of a market with these words (``SourceMarket.category_words``)."""
        sums = dict.fromkeys(self.categories, 0)
        for word in set(words):
            found = self.words.get(word) or self._longest_prefix(word)
            if found:
                sums[found[0]] += found[1]
        best = max(self.categories, key=lambda category: sums[category], default=None)
        return best if best is not None and sums[best] else None

    def _longest_prefix(self, word: str) -> tuple[str, int] | None:
        matching = [prefix for prefix in self.prefixes if word.startswith(prefix)]
        return self.prefixes[max(matching, key=len)] if matching else None


@cache
def load(path: Path = DEFAULT_TABLE) -> CategoryTable:
    """The table from its file. Raises ValueError for a word listed twice or a weight below 1."""
    return from_data(json.loads(path.read_text(encoding="utf-8")))


def from_data(data: Mapping[str, Any]) -> CategoryTable:
    """``{"categories": [...], "words": {category: {weight: [word, …]}}}`` as a table; raises ValueError as ``load``."""
    categories = tuple(data["categories"])
    words: dict[str, tuple[str, int]] = {}
    prefixes: dict[str, tuple[str, int]] = {}
    for category, by_weight in data["words"].items():
        if category not in categories:
            raise ValueError(f"unknown category {category!r}")
        for weight, listed in by_weight.items():
            if int(weight) < 1:
                raise ValueError(f"the weight {weight!r} is not positive")
            for word in listed:
                target = prefixes if word.endswith("*") else words
                if word.rstrip("*") in target:
                    raise ValueError(f"{word!r} is listed twice")
                target[word.rstrip("*")] = (category, int(weight))
    return CategoryTable(categories=categories, words=words, prefixes=prefixes)
