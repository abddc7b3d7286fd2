"""A page of operators with their metrics: two documents, one list."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from operators.api import metrics
from operators.api.metrics import Metrics
from operators.models import Operator
from predictu.api.lists import ordered


def matching(search: str | None, *fields: str) -> QuerySet[Operator]:
    """Operators one of whose ``fields`` contains ``search``, whatever its case."""
    wanted = Q()
    for field in fields if search else ():
        wanted |= Q(**{f"{field}__icontains": search})
    return Operator.objects.filter(wanted)


def page(
    operators: QuerySet[Operator],
    *,
    sort: str | Callable[[Metrics], Any],
    descending: bool,
    offset: int,
    limit: int | None,
    now: Any,
) -> tuple[list[tuple[Operator, Metrics]], int]:
    """The rows of a page in total order (ties by id) and how many there are; ``sort`` is a column or a figure."""
    end = None if limit is None else offset + limit
    if isinstance(sort, str):
        rows = list(operators.order_by(*ordered(sort, descending=descending))[offset:end])
        total = operators.count()
        known = metrics.of([row.id for row in rows], now)
    else:
        rows = list(operators)
        total, figure = len(rows), sort
        known = metrics.of([row.id for row in rows], now)
        rows = sorted(rows, key=lambda row: (figure(known[row.id]), row.id), reverse=descending)[offset:end]
    return [(row, known[row.id]) for row in rows], total
