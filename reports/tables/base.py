"""What a type of report consists of, and how its rows are read."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Expression, F, QuerySet

from predictu.errors import Forbidden, ValidationFailed
from reports.formats.tables import Column, Kind
from reports.tables.filters import Parser, Wanted

_CHUNK = 2_000


def column(name: str, kind: Kind, title: str | None = None) -> Column:
    """A column; its title is its name in words unless given."""
    return Column(name=name, kind=kind, title=title or _title(name))


def _title(name: str) -> str:
    words = name.removesuffix("_at").split("_")
    spelled = [
        {"usd": "USD", "pct": "%", "id": "ID", "ms": "(ms)", "s2s": "S2S", "pnl": "P&L"}.get(w, w) for w in words
    ]
    return (spelled[0][:1].upper() + spelled[0][1:] + " " + " ".join(spelled[1:])).strip()


@dataclass(frozen=True, kw_only=True)
class Table(ABC):
    """One type of report. ``personal`` columns exist only for admins who may export personal data."""

    type: str
    title: str
    columns: tuple[Column, ...]
    filters: Mapping[str, Parser] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()

    def names(self, *, personal: bool) -> list[str]:
        """The columns there are, in their usual order."""
        return [each.name for each in self.columns if personal or each.name not in self.personal]

    def chosen(self, names: Sequence[str] | None, *, personal: bool) -> list[str]:
        """The columns asked for, in that order; all there are when none are named.

        Raises ValidationFailed for unknown or repeated ones, Forbidden for personal data without the permission.
        """
        known = self.names(personal=True)
        if names is None:
            return self.names(personal=personal)
        problems = [f"{name} is not a column; known are {', '.join(known)}" for name in names if name not in known]
        problems += [f"{name} is named twice" for name in dict.fromkeys(names) if names.count(name) > 1]
        if not names:
            problems.append("name at least one column, or leave it out for all")
        if problems:
            raise ValidationFailed(details={"columns": problems})
        hidden = [name for name in names if name in self.personal]
        if hidden and not personal:
            raise Forbidden(f"The columns {', '.join(hidden)} need the permission accounts.export_pii")
        return list(names)

    def typed(self, names: Sequence[str], wanted: Wanted) -> list[Column]:
        """The columns ``names`` stand for."""
        by_name = {each.name: each for each in self.columns}
        return [by_name[name] for name in names]

    @abstractmethod
    def count(self, wanted: Wanted) -> int:
        """How many rows there are."""

    @abstractmethod
    def rows(self, wanted: Wanted, names: Sequence[str]) -> Iterator[Sequence[Any]]:
        """The rows, newest first, with the columns ``names``; all as of one statement."""


Source = str | Expression | F


@dataclass(frozen=True, kw_only=True)
class QueryTable(Table):
    """A table whose rows are a queryset's; ``sources`` maps each column to a lookup or an expression."""

    sources: Mapping[str, Source]

    @abstractmethod
    def matching(self, wanted: Wanted) -> QuerySet[Any]:
        """The rows asked for, ordered."""

    def sources_for(self, wanted: Wanted) -> Mapping[str, Source]:
        return self.sources

    def count(self, wanted: Wanted) -> int:
        return self.matching(wanted).order_by().count()

    def rows(self, wanted: Wanted, names: Sequence[str]) -> Iterator[Sequence[Any]]:
        sources = self.sources_for(wanted)
        found = self.matching(wanted)
        paths = []
        for name in names:
            source = sources[name]
            if isinstance(source, str):
                paths.append(source)
            else:
                found = found.annotate(**{f"shown_{name}": source})
                paths.append(f"shown_{name}")
        return found.values_list(*paths).iterator(chunk_size=_CHUNK)
