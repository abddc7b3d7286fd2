"""Pages: ``page`` and ``limit`` of God Mode and the Casino API, ``limit`` and ``offset`` of the S2S API."""

from dataclasses import dataclass
from typing import Any

from predictu.api.params import Query

_FURTHEST = 10**9


@dataclass(frozen=True)
class Page:
    """Which rows of a list are wanted."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.limit

    def envelope(self, rows: list[Any], total: int) -> dict[str, Any]:
        """The documented answer of a paged list."""
        return {
            "data": rows,
            "pagination": {
                "page": self.number,
                "limit": self.limit,
                "total": total,
                "total_pages": -(-total // self.limit),
            },
        }


def page(query: Query, *, default: int = 50, most: int = 200) -> Page:
    """The page asked for; BadRequest when ``page`` < 1 or ``limit`` outside 1 to ``most``."""
    return Page(
        number=query.integer("page", 1, least=1, most=_FURTHEST),
        limit=query.integer("limit", default, least=1, most=most),
    )


def optional_page(query: Query) -> Page | None:
    """For lists the documents do not page: None (all rows) unless ``page`` or ``limit`` is given."""
    return page(query) if {"page", "limit"} & set(query.values) else None
