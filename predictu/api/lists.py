"""Long lists, page by page at a cost that does not grow with the page: ids first from an index, then their rows.

The second half of a list is read from its far end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Model, OrderBy, QuerySet

from predictu.api.pages import Page


def ordered(field: str, *, descending: bool, tie: str = "id") -> tuple[OrderBy, ...]:
    """A total order: ``field`` with nothing last, ties by id in the same direction."""
    terms = [OrderBy(F(field), descending=descending, nulls_last=True)] if field != tie else []
    return (*terms, OrderBy(F(tie), descending=descending))


def _reversed(order: Sequence[OrderBy]) -> list[OrderBy]:
    turned = []
    for term in order:
        copy = term.copy()
        copy.reverse_ordering()
        turned.append(copy)
    return turned


def _as_indexed(model: type[Model], order: Sequence[OrderBy]) -> list[OrderBy]:
    """``order`` without NULLS LAST where nothing is null: only so does PostgreSQL see that an index has this order."""
    columns = {field.name: field for field in model._meta.concrete_fields}
    terms = []
    for term in order:
        copy = term.copy()
        column = columns.get(getattr(copy.expression, "name", ""))
        if column is not None and not column.null:
            copy.nulls_last = copy.nulls_first = None
        terms.append(copy)
    return terms


@dataclass(frozen=True, slots=True)
class Keys:
    """The primary keys of a page, not asked for yet (their column is called ``pk``); perhaps last first."""

    queryset: QuerySet[Any]
    backwards: bool


def keys_of(queryset: QuerySet[Any], order: Sequence[OrderBy], page: Page, total: int) -> Keys | None:
    """Where a page of ``queryset`` in ``order`` is, which holds ``total`` rows; None where it is beyond the end."""
    start, end = page.offset, min(page.offset + page.limit, total)
    if start >= end:
        return None
    keys, order = queryset.values_list("pk", flat=True), _as_indexed(queryset.model, order)
    if start <= total // 2:
        return Keys(keys.order_by(*order)[start:end], backwards=False)
    return Keys(keys.order_by(*_reversed(order))[total - end : total - start], backwards=True)


def ids_of(queryset: QuerySet[Any], order: Sequence[OrderBy], page: Page, total: int) -> list[Any]:
    """The primary keys of a page of ``queryset`` in ``order``, where it holds ``total`` rows."""
    found = keys_of(queryset, order, page, total)
    if found is None:
        return []
    return list(found.queryset)[::-1] if found.backwards else list(found.queryset)


def in_order(rows: Sequence[Any], keys: Sequence[Any], key: str = "id") -> list[Any]:
    """``rows`` (dicts) in the order of ``keys``."""
    by_key = {row[key]: row for row in rows}
    return [by_key[wanted] for wanted in keys if wanted in by_key]
