"""The risk desk's figures as its page shows them: walls, limits with their bars, breakers by how near they are."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from operators.models import Operator
from predictu import shown
from predictu.admin_bars import Bar
from predictu.admin_base import url_of
from predictu.platform.config import Configuration
from risk import queries
from risk.models import CircuitBreaker, Scope
from trading.models import Market
from trading.queries import names

_OPERATORS, _MARKETS, _BREAKERS = 12, 10, 12
_WALLS = {
    "wall_1_per_trade": "A single buy",
    "wall_2_per_market": "A market",
    "wall_3_per_category": "A category",
    "wall_4_per_operator": "An operator",
    "wall_5_global": "Everything",
}
_LOOKS = {
    "green": "is-good", "yellow": "is-warn", "red": "is-bad",
    "healthy": "is-good", "degraded": "is-warn", "halted": "is-bad",
    "low": "is-good", "moderate": "is-warn", "high": "is-bad", "critical": "is-bad",
}  # fmt: skip


def cards(overview: Mapping[str, Any]) -> list[dict[str, str]]:
    """Title, figure, look and a line of more."""
    held, flagged, tripped = overview["exposure_summary"], overview["sharp_bettors"], overview["circuit_breakers"]
    count = sum(tripped.values())
    breakers_told = f"{count:,} {'breaker' if count == 1 else 'breakers'} tripped" if count else "no breaker is tripped"
    return [
        _card("Trading", overview["status"], _LOOKS[overview["status"]], breakers_told),
        _card("Risk score", str(overview["risk_score"]), _LOOKS[overview["risk_level"]], overview["risk_level"]),
        _card(
            "Exposure",
            f"${shown.amount(held['total_usd'])}",
            "",
            f"{held['utilization_pct']}% of ${shown.amount(held['limit_usd'], 0)}",
        ),
        _card(
            "Flagged users",
            f"{sum(flagged.values()):,}",
            "",
            f"{flagged['flagged_count']:,} sharp, {flagged['restricted_count']:,} restricted, "
            f"{flagged['banned_count']:,} banned",
        ),
    ]


def _card(title: str, figure: str, look: str, more: str) -> dict[str, str]:
    return {"title": title, "figure": figure, "look": look, "more": more}


def walls(found: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The five walls, each with its colour in words and what it refused in 24 h."""
    return [
        {"number": number, "name": name, "look": _LOOKS[found[key]["status"]], **found[key]}
        for number, (key, name) in enumerate(_WALLS.items(), start=1)
    ]


def limits(configuration: Configuration) -> list[tuple[str, list[Bar]]]:
    """By kind of scope, the fullest first: everything, categories, operators, markets."""
    found = queries.snapshot(configuration, markets=_MARKETS)
    most = {Scope.GLOBAL: 1, Scope.CATEGORY: 12, Scope.OPERATOR: _OPERATORS, Scope.MARKET: _MARKETS}
    titles = {
        Scope.GLOBAL: "Everything", Scope.CATEGORY: "Categories", Scope.OPERATOR: "Operators",
        Scope.MARKET: "Fullest markets",
    }  # fmt: skip
    by_scope = {
        scope: sorted(found.of(scope), key=lambda held: (-held.utilisation_pct, held.scope_id))[: most[scope]]
        for scope in titles
    }
    called = names.names({held.scope_id for held in [*by_scope[Scope.OPERATOR], *by_scope[Scope.MARKET]]})
    return [(title, [_limit(held, called) for held in by_scope[scope]]) for scope, title in titles.items()]


def _limit(held: queries.Held, called: Mapping[str, str]) -> Bar:
    name = called.get(held.scope_id, held.scope_id.capitalize()) if held.scope_id else "All markets"
    return Bar(name, _page_of(held.scope, held.scope_id), held.exposure_usd, held.limit_usd)


def _page_of(scope: str, scope_id: str) -> str | None:
    model = {Scope.OPERATOR: Operator, Scope.MARKET: Market}.get(Scope(scope))
    return url_of(model, scope_id) if model is not None else None


def breakers(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The tripped ones and then the nearest to tripping, and how many more there are."""
    ordered = sorted(rows, key=lambda row: (row["status"] != "tripped", -_near(row), row["id"]))
    return {"rows": [_breaker(row) for row in ordered[:_BREAKERS]], "more": max(len(ordered) - _BREAKERS, 0)}


def _near(row: Mapping[str, Any]) -> Decimal:
    return (row["current_value"] or Decimal(0)) / row["trigger_threshold"]


def _breaker(row: Mapping[str, Any]) -> dict[str, Any]:
    by_loss = row["trigger_type"] == CircuitBreaker.Trigger.LOSS_USD_24H
    value = row["current_value"]
    return {
        **row,
        "url": url_of(CircuitBreaker, row["id"]),
        "stands_at": "-" if value is None else _reading(value, by_loss),
        "trips_at": _reading(row["trigger_threshold"], by_loss),
        "does": f"watches {'house loss in 24 h' if by_loss else 'exposure'}, "
        f"stops {'buys' if row['buys_only'] else 'buys and sells'}",
        "acts": ["reset" if row["status"] == "tripped" else "trip", "change"],
    }


def _reading(value: Decimal, by_loss: bool) -> str:
    return f"${shown.amount(value)}" if by_loss else shown.percent(value)
