"""Risk events of a period."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from predictu.api.rendering import dumps
from predictu.platform.audit import plain
from reports.formats.tables import Kind
from reports.tables.base import QueryTable, column
from reports.tables.filters import Wanted, choice
from risk import queries
from risk.models import RiskEvent
from trading.queries import names as quoted

_CHUNK = 500
_USER = re.compile(r"\{(usr_[0-9a-z]{26})\}")


@dataclass(frozen=True, kw_only=True)
class RiskEventsTable(QueryTable):
    def matching(self, wanted: Wanted) -> QuerySet[Any]:
        found = queries.EventFilter(
            severity=wanted["severity"], type=wanted["type"], start=wanted.start, end=wanted.end
        )
        return queries.events(found).order_by("-created_at", "-id")

    def rows(self, wanted: Wanted, names: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Messages name markets and operators; users stay ids, so that no report without personal data has any."""
        rows = super().rows(wanted, names)
        if not {"message", "scope"} & set(names):
            yield from rows
            return
        while chunk := [list(row) for row in islice(rows, _CHUNK)]:
            for place, name in enumerate(names):
                if name == "message":
                    filled = quoted.fill([_USER.sub(r"\1", row[place]) for row in chunk])
                    for row, text in zip(chunk, filled, strict=True):
                        row[place] = text
                elif name == "scope":
                    for row in chunk:
                        row[place] = dumps(plain(row[place])).decode()
            yield from chunk


TABLE = RiskEventsTable(
    type="risk_events",
    title="Risk events",
    columns=(
        column("id", Kind.ID),
        column("type", Kind.TEXT),
        column("severity", Kind.TEXT),
        column("wall", Kind.INTEGER),
        column("message", Kind.TEXT),
        column("scope", Kind.TEXT),
        column("value", Kind.MONEY),
        column("threshold", Kind.MONEY),
        column("utilization_pct", Kind.PERCENT),
        column("operator_slug", Kind.TEXT, "Operator"),
        column("user_id", Kind.ID),
        column("market_id", Kind.ID),
        column("auto_resolved", Kind.BOOLEAN),
        column("resolved_at", Kind.INSTANT),
        column("created_at", Kind.INSTANT),
    ),
    filters={"type": choice(*RiskEvent.Type.values), "severity": choice(*RiskEvent.Severity.values)},
    sources={
        "operator_slug": "operator__slug",
        "user_id": "player_id",
        **{
            name: name
            for name in (
                "id type severity wall message scope value threshold utilization_pct market_id auto_resolved "
                "resolved_at created_at"
            ).split()
        },
    },
)
