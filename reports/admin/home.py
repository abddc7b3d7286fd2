"""The first page of Django admin: the dashboard's figures, what needs a hand, and whether the machine runs."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count
from django.http import HttpRequest

from operators.models import Delivery, Operator
from operators.services import health
from predictu import clock, shown
from predictu.admin_bars import Bar
from predictu.admin_base import SEE_PERSONAL, url_of
from predictu.money import ZERO
from predictu.platform import config, feed
from reports import alerts
from reports.admin import charts, system
from reports.queries import dashboard, vitals
from reports.services import alerts as standing
from risk import queries as exposure
from risk.models import CircuitBreaker, Scope
from trading.models import Settlement
from trading.queries import names, revenue

PERIOD = "30d"
_MOST_LIMITS = 14


def context(request: HttpRequest, known: dict[str, Any]) -> dict[str, Any]:
    """What the page's template needs on top of what Django admin knows."""
    now = clock.now()
    figures = dashboard.dashboard(period=PERIOD, operator=None, now=now)
    vital = vitals.gather(now=now)
    wrong = alerts.judge(vital)
    standing.ring_for_news(wrong)
    operators = list(Operator.objects.order_by("name").only("id", "name", "callback_url", "suspended_at", "stage"))
    called = {each.id: each.name for each in operators}
    lines, _ = feed.page(feed.Filter(), cursor=None, limit=10)
    personal = request.user.has_perm(SEE_PERSONAL)  # type: ignore[union-attr]
    texts = names.fill([line.description for line in lines], people=personal)
    tripped = CircuitBreaker.objects.filter(status=CircuitBreaker.Status.TRIPPED, is_enabled=True)
    waiting = Settlement.objects.exclude(status=Settlement.Status.COMPLETED)
    return {
        **known,
        "title": "Home",
        "now": now,
        "cards": cards(figures),
        "charts": [_revenue_chart(figures["chart_data"]), _volume_chart(now)],
        "limits": _limits(called),
        "breakers": _named(tripped.order_by("-tripped_at")[:10]),
        "waiting": waiting.select_related("market").order_by("resolved_at", "id")[:10],
        "callbacks": _callbacks(called),
        "activity": list(zip(lines, texts, strict=True)),
        "alerts": wrong,
        "readings": system.readings(vital),
        "slowest": system.slowest(),
    }


def _named(breakers: Iterable[CircuitBreaker]) -> list[tuple[CircuitBreaker, str]]:
    """Each with what its scope is called."""
    found = list(breakers)
    called = names.names({each.scope_id for each in found})
    return [(each, called.get(each.scope_id, each.scope_id or "everything")) for each in found]


def cards(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Title, figure, change against the 30 days before in percent (or None) and a line of more."""
    operators, users, trades = figures["operators"], figures["users"], figures["trades"]
    revenue_, held, due, risk = figures["revenue"], figures["exposure"], figures["settlements"], figures["risk"]
    return [
        _card("Revenue, 30 days", _usd(revenue_["period_usd"]), revenue_["delta_pct"], "gross, all operators"),
        _card(
            "Volume since the beginning",
            _usd(trades["volume_usd"]),
            trades["delta_pct"],
            f"{shown.counted(trades['total'], 'trade')}; {_usd(trades['volume_24h_usd'])} in 24 h",
        ),
        _card(
            "Users",
            f"{users['total']:,}",
            users["delta_pct"],
            f"{users['new_7d']:,} new in 7 days, {users['active_24h']:,} active in 24 h",
        ),
        _card("Operators live", f"{operators['active']:,}", None, f"{operators['pending_onboarding']:,} in onboarding"),
        _card(
            "Exposure",
            _usd(held["current_usd"]),
            None,
            f"{held['utilization_pct']}% of ${shown.amount(held['max_usd'], 0)}",
        ),
        _card("Settlements waiting", f"{due['pending_count']:,}", None, f"{_usd(due['pending_usd'])} to pay"),
        _card("Breakers tripped", f"{risk['circuit_breakers_active']:,}", None, "where one is, nothing trades"),
        _card(
            "Flagged users",
            f"{risk['sharp_bettors_flagged']:,}",
            None,
            f"sharp and above; {shown.counted(risk['high_exposure_markets'], 'market')} near the limit",
        ),
    ]


def _card(title: str, figure: str, delta: Decimal | None, more: str) -> dict[str, Any]:
    return {"title": title, "figure": figure, "delta": delta, "more": more}


def _usd(amount: Decimal) -> str:
    return f"${shown.amount(amount)}"


def _revenue_chart(rows: list[dict[str, Any]]) -> charts.Chart:
    values = [row["revenue_usd"] for row in rows]
    return _by_day("Revenue by day", [row["date"] for row in rows], values)


def _volume_chart(now: datetime) -> charts.Chart:
    start, end = clock.day_start(now - dashboard.PERIODS[PERIOD]), clock.day_start(now) + clock.DAY
    volume: dict[datetime, Decimal] = defaultdict(Decimal)
    for cell in revenue.cells(start=start, end=end, unit="day"):
        volume[cell.bucket] += cell.sums.volume_usd
    days = revenue.buckets(start, end, "day")
    return _by_day("Volume by day", [f"{day:%Y-%m-%d}" for day in days], [volume[day] for day in days])


def _by_day(title: str, labels: list[str], values: list[Decimal]) -> charts.Chart:
    return charts.chart(title, labels, values, [_usd(value) for value in values], _usd(sum(values, ZERO)))


def _limits(called: dict[str, str]) -> list[Bar]:
    """The whole, then the fullest operators and categories."""
    held = exposure.snapshot(config.current(), markets=0).held
    wanted = [each for each in held if each.scope in (Scope.GLOBAL, Scope.OPERATOR, Scope.CATEGORY)]
    wanted.sort(key=lambda each: (each.scope != Scope.GLOBAL, -each.utilisation_pct, each.scope_id))
    return [_limit(each, called) for each in wanted[:_MOST_LIMITS]]


def _limit(held: exposure.Held, called: dict[str, str]) -> Bar:
    scope_names = {
        Scope.GLOBAL: "All markets",
        Scope.OPERATOR: called.get(held.scope_id, held.scope_id),
        Scope.CATEGORY: f"Category {held.scope_id}",
    }
    url = url_of(Operator, held.scope_id) if held.scope == Scope.OPERATOR else None
    return Bar(scope_names[Scope(held.scope)], url, held.exposure_usd, held.limit_usd)


def _callbacks(called: dict[str, str]) -> dict[str, Any]:
    """How many URLs answer, which do not, and the deliveries that are not through; the index holds only those."""
    found = health.health_of(called)
    counted = Counter(each.status for each in found.values())
    late = Delivery.objects.filter(state__in=("slow", "dead")).order_by().values_list("state").annotate(Count("pk"))
    return {
        "counts": [(status, counted[status]) for status in ("healthy", "degraded", "failing", "unconfigured")],
        "unwell": [
            (called[id], url_of(Operator, id), each)
            for id, each in found.items()
            if each.status in ("degraded", "failing")
        ][:10],
        "deliveries": {"slow": 0, "dead": 0} | dict(late),
    }
