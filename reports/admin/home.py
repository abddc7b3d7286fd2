"""The first page of Django admin: the dashboard's figures, what needs a hand, and whether the machine runs."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count
from django.http import HttpRequest

from operators.models import Delivery, Endpoint
from predictu import clock, shown
from predictu.platform import config, feed
from predictu.platform.models import Heartbeat
from reports.queries import dashboard
from risk import queries as exposure
from risk.models import CircuitBreaker
from trading.models import Settlement
from trading.queries import names

_WIDTH, _HEIGHT = 720, 160
_SECOND = timedelta(seconds=1)


def context(request: HttpRequest, known: dict[str, Any]) -> dict[str, Any]:
    """What the page's template needs on top of what Django admin knows."""
    now = clock.now()
    figures = dashboard.dashboard(period="30d", operator=None, now=now)
    configuration = config.current()
    held = exposure.snapshot(configuration, markets=0).held
    lines, _ = feed.page(feed.Filter(), cursor=None, limit=10)
    texts = names.fill([line.description for line in lines])
    tripped = CircuitBreaker.objects.filter(status=CircuitBreaker.Status.TRIPPED, is_enabled=True)
    return {
        **known,
        "now": now,
        "cards": cards(figures),
        "revenue_bars": bars([row["revenue_usd"] for row in figures["chart_data"]]),
        "trade_bars": bars([row["trades"] for row in figures["chart_data"]]),
        "chart": figures["chart_data"],
        "held": sorted((each for each in held if ":" not in each.scope_id), key=lambda each: -each.utilisation_pct)[
            :12
        ],
        "breakers": tripped.order_by("-tripped_at")[:10],
        "waiting": Settlement.objects.exclude(status=Settlement.Status.COMPLETED).select_related("market")[:10],
        "failing": Endpoint.objects.filter(failing_since__isnull=False).select_related("operator")[:10],
        "deliveries": _deliveries(),
        "activity": list(zip(lines, texts, strict=True)),
        "heartbeats": [
            (each, int((now - each.seen_at).total_seconds())) for each in Heartbeat.objects.order_by("name")
        ],
    }


def _whole(held: Sequence[exposure.Held]) -> list[exposure.Held]:
    """Without the categories inside operators."""
    return [each for each in held if ":" not in each.scope_id]


def cards(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Title, figure, change against the 30 days before in percent (or None) and a line of more."""
    operators, users, trades = figures["operators"], figures["users"], figures["trades"]
    revenue, held, due = figures["revenue"], figures["exposure"], figures["settlements"]
    return [
        _card(
            "Revenue, 30 days", f"${shown.amount(revenue['period_usd'])}", revenue["delta_pct"], "gross, all operators"
        ),
        _card("Volume", f"${shown.amount(trades['volume_usd'])}", trades["delta_pct"], f"{trades['total']:,} trades"),
        _card("Users", f"{users['total']:,}", users["delta_pct"], f"{users['active_24h']:,} active in 24 h"),
        _card("Operators", f"{operators['active']:,}", None, f"{operators['pending_onboarding']:,} in onboarding"),
        _card(
            "Exposure",
            f"${shown.amount(held['current_usd'])}",
            None,
            f"{held['utilization_pct']}% of ${shown.amount(held['max_usd'], 0)}",
        ),
        _card("Settlements waiting", f"{due['pending_count']:,}", None, f"${shown.amount(due['pending_usd'])} to pay"),
    ]


def _card(title: str, figure: str, delta: Decimal | None, more: str) -> dict[str, Any]:
    return {"title": title, "figure": figure, "delta": delta, "more": more}


def bars(values: Sequence[Decimal | int]) -> list[dict[str, str]]:
    """A bar chart's rectangles in a box of 720 × 160; nothing below zero is drawn."""
    most = max([Decimal(value) for value in values], default=Decimal(0))
    if most <= 0:
        return []
    step = Decimal(_WIDTH) / len(values)
    drawn = []
    for number, value in enumerate(values):
        height = max(Decimal(value), Decimal(0)) * _HEIGHT / most
        drawn.append(
            {
                "x": f"{number * step:.1f}",
                "y": f"{_HEIGHT - height:.1f}",
                "width": f"{step * Decimal('0.8'):.1f}",
                "height": f"{height:.1f}",
            }
        )
    return drawn


def _deliveries() -> dict[str, int]:
    """Callbacks that are not through, by state; the index holds only those."""
    found = Delivery.objects.filter(state__in=("slow", "dead")).order_by().values_list("state").annotate(Count("pk"))
    return {"slow": 0, "dead": 0} | dict(found)
