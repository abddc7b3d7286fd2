"""What an operator's page shows besides its columns: the way to live, deliveries, keys, money, exposure and brand."""

from typing import Any

from accounts.models import Player
from billing.models import Invoice
from billing.queries import listed, with_balance
from operators import models
from operators.admin import brand
from operators.services import health
from predictu import clock, shown
from predictu.admin_bars import Bar
from predictu.admin_base import url_of
from predictu.admin_tables import NONE, Table, link
from predictu.platform import config
from predictu.platform.models import AuditEntry
from risk import queries as exposure
from trading.models import Market
from trading.queries.exposure import by_market

INVOICES, MARKETS, USERS = 12, 10, 8


def facts(row: models.Operator) -> dict[str, Any]:
    """The context of ``admin/operator_panel.html``."""
    now = clock.now()
    done = {fact.name: fact for fact in row.onboarding_facts.all()}
    players = Player.objects.real().for_operator(row)
    whole, parts = exposure.of_operator(row, config.current())
    return {
        "panel": "admin/operator_panel.html",
        "steps": [(name.replace("_", " "), done.get(name)) for name in models.OnboardingFact.Name.values],
        "key_rows": [(key, key.status(now), url_of(type(key), key.pk)) for key in row.keys.all()[:10]],
        "user_count": players.count(),
        "users": [(each, url_of(Player, each.pk)) for each in players.order_by("-trade_count", "-id")[:USERS]],
        "callbacks": health.health_of([row.id])[row.id],
        "deliveries": [
            (each, url_of(type(each), each.pk))
            for each in row.deliveries.select_related("event").order_by("-event")[:10]
        ],
        "figures": _figures(row, whole),
        "brand": brand.of_operator(row),
        "bars": _bars(whole, parts),
        "tables": [_invoices(row), _markets(row)],
        "audit": AuditEntry.objects.filter(object_id=row.id).select_related("actor")[:10],
    }


def _figures(row: models.Operator, whole: Any) -> list[tuple[str, Any]]:
    """How it stands, at a glance."""
    suspended = f"{shown.instant(row.suspended_at)} UTC: {row.suspension_reason}" if row.suspended_at else "no"
    return [
        ("Status", row.status),
        ("Suspended", suspended),
        ("Risk tier", row.get_risk_tier_display()),
        ("Predictu's share", shown.percent(row.predictu_share_pct)),
        ("Exposure, USD", shown.amount(whole.exposure_usd)),
        ("Live since (UTC)", shown.instant(row.onboarded_at) if row.onboarded_at else "not live yet"),
    ]


def _bars(whole: Any, parts: Any) -> list[Bar]:
    """The whole of the operator's exposure against its limit, and every category in which something is open."""
    bars = [Bar("All", None, whole.exposure_usd, whole.limit_usd)]
    for part in sorted(parts, key=lambda held: -held.exposure_usd):
        if part.exposure_usd:
            bars.append(Bar(part.scope_id.rpartition(":")[2], None, part.exposure_usd, part.limit_usd))
    return bars


def _invoices(row: models.Operator) -> Table:
    found = with_balance(listed(operator_id=row.id))[:INVOICES]
    return Table(
        title="Invoices",
        heads=("Invoice", "Month", "Status", ">Total, USD", ">Still due, USD", "Due"),
        rows=[
            (
                link(url_of(Invoice, each.pk), each.number or "Draft"),
                f"{each.month:%Y-%m}",
                each.get_status_display(),
                shown.amount(each.total_usd),
                shown.amount(each.balance_due_usd),  # type: ignore[attr-defined]
                shown.day(each.due_at) if each.due_at else NONE,
            )
            for each in found
        ],
        empty="It was not billed yet.",
    )


def _markets(row: models.Operator) -> Table:
    return Table(
        title="Fullest markets",
        heads=("~Market", ">YES, USD", ">NO, USD", ">Exposure, USD", ">Positions", ">Volume, USD"),
        rows=[
            (
                link(url_of(Market, each["market_id"]), each["title"]),
                *(shown.amount(each[name]) for name in ("yes_exposure_usd", "no_exposure_usd", "exposure_usd")),
                f"{each['position_count']:,}",
                shown.amount(each["volume_usd"]),
            )
            for each in by_market(row.id, top=MARKETS)
        ],
        empty="Nothing is open.",
    )
