"""The risk desk's events: which are wanted, and a page of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from operators.models import Operator
from predictu.admin_base import url_of
from risk import queries, walls
from risk.models import RiskEvent
from trading.queries import names

SIZE = 25
_STATES = {"open": False, "resolved": True, "all": None}
_LOOKS = {"critical": "is-bad", "warning": "is-warn", "info": ""}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the page's filters say; anything they do not offer is taken as not said."""

    state: str = "open"
    severity: str = ""
    type: str = ""
    operator: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Wanted":
        offered = {"state": _STATES, "severity": RiskEvent.Severity.values, "type": RiskEvent.Type.values}
        chosen = {name: query[name] for name, values in offered.items() if query.get(name) in values}
        page = query.get("page", "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
        return cls(**chosen, operator=query.get("operator", "")[:64], page=max(number, 1))

    def query(self, page: int) -> str:
        said = {"state": self.state, "severity": self.severity, "type": self.type, "operator": self.operator}
        return urlencode({**{name: value for name, value in said.items() if value}, "page": page})

    def filters(self) -> list[dict[str, Any]]:
        """The selects of the page: label, name and choices with the one chosen."""
        operators = list(Operator.objects.order_by("name").values_list("slug", "name"))
        return [
            _select("state", "State", [(each, each.capitalize()) for each in _STATES], self.state),
            _select("severity", "Severity", [("", "Any"), *RiskEvent.Severity.choices], self.severity),
            _select("type", "Type", [("", "Any"), *RiskEvent.Type.choices], self.type),
            _select("operator", "Operator", [("", "Any"), *operators], self.operator),
        ]


def _select(name: str, label: str, choices: list[tuple[str, str]], chosen: str) -> dict[str, Any]:
    return {"name": name, "label": label, "choices": [(value, text, value == chosen) for value, text in choices]}


def page(wanted: Wanted, *, personal: bool) -> dict[str, Any]:
    """A page of events, newest first; users are named to who may see ``personal`` data only."""
    found = queries.events(
        queries.EventFilter(
            severity=wanted.severity or None, type=wanted.type or None, resolved=_STATES[wanted.state]
        )
    )  # fmt: skip
    if wanted.operator:
        found = found.filter(operator__slug=wanted.operator)
    start = (wanted.page - 1) * SIZE
    rows = list(found.order_by("-created_at", "-id")[start : start + SIZE + 1])
    messages = names.fill([row.message for row in rows], people=personal)
    return {
        "rows": [_row(row, message) for row, message in zip(rows[:SIZE], messages, strict=False)],
        "newer": wanted.query(wanted.page - 1) if wanted.page > 1 else None,
        "older": wanted.query(wanted.page + 1) if len(rows) > SIZE else None,
    }


def _row(event: RiskEvent, message: str) -> dict[str, Any]:
    return {
        "event": event,
        "message": message,
        "url": url_of(RiskEvent, event.pk),
        "look": _LOOKS[event.severity],
        "wall": walls.WALL_NAMES[event.wall].replace("_", " ") if event.wall else "",
        "can_be_resolved": event.resolved_at is None and event.crossing_pct is None,
        "state": _state(event),
    }


def _state(event: RiskEvent) -> str:
    if event.resolved_at is not None:
        return "fell back by itself" if event.auto_resolved else f"resolved: {event.resolution_note}"
    return "until exposure falls back" if event.crossing_pct is not None else "open"
