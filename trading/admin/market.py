"""A market's page: its week, what is open on each side, whether it may trade and why not, and what settling it pays."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from operators.models import Operator
from predictu import clock, shown
from predictu.admin_acts import ActingAdmin
from predictu.admin_bars import Bar
from predictu.admin_base import url_of
from predictu.admin_tables import NONE, Table, link
from predictu.platform import config
from predictu.platform.models import AuditEntry
from trading import models
from trading.admin import acts, preview, price_chart
from trading.queries import market_detail
from trading.queries import markets as found_markets

LARGEST = 25


@admin.register(models.Market)
class MarketAdmin(ActingAdmin):
    acts = acts.OF_MARKETS
    list_display = ("title", "category", "status", "tradeable", "override", "yes_mid", "priced_at", "end_date")
    list_filter = (
        "status",
        "category",
        "tradeable",
        "override",
        "resolution",
        ("waiting_for", admin.EmptyFieldListFilter),
    )
    search_fields = ("title", "slug", "condition_id__exact")
    search_help_text = "Words of the title, a slug, a condition id or an id"

    def page_facts(self, request: HttpRequest, row: models.Market) -> dict[str, Any]:
        values = found_markets.one(row.pk)
        assert values is not None, "the page's row is there"
        detail = market_detail.detail(values, now=clock.now())
        settled = models.Settlement.objects.filter(market=row).first()
        # Counting four outcomes reads every open position: where nobody is about to settle, it is asked for.
        shows = not row.is_over and bool(row.waiting_for or "preview" in request.GET)
        return {
            "panel": "admin/market_panel.html",
            "figures": _figures(row, detail, settled),
            "reasons": [reason["text"] for reason in row.untradeable_reasons],
            "row": row,
            "price": price_chart.of_history(detail["price_history"]),
            "bars": _bars(detail["exposure"]),
            "preview": preview.of_market(row, request) if shows else None,
            "preview_url": None if row.is_over or shows else "?preview=1",
            "tables": [_by_operator(detail["by_operator"]), _positions(row), _trail(row)],
        }


def _figures(row: models.Market, detail: dict[str, Any], settled: models.Settlement | None) -> list[tuple[str, Any]]:
    pricing = detail["pricing"]
    found = [
        ("Status", f"{row.status}{', paused by staff' if row.paused_by_staff else ''}"),
        ("May trade", "yes" if row.may_trade else "no"),
        ("YES / NO", f"{pricing['yes_price'] or NONE} / {pricing['no_price'] or NONE}"),
        ("Price read (UTC)", shown.instant(row.priced_at) if row.priced_at else "never"),
        ("Spread", f"{pricing['spread']:.2%}" if pricing["spread"] is not None else NONE),
        ("Volume, USD", shown.amount(detail["volume"]["total_usd"])),
        ("Trades", f"{detail['volume']['trade_count']:,}"),
        ("Ends (UTC)", shown.instant(row.end_date) if row.end_date else "unknown"),
        ("UMA", row.uma_status or "has said nothing"),
        ("Waits for", row.waiting_for.replace("_", " ") or NONE),
    ]
    if row.resolution:
        found.append(("Resolved", f"{row.resolution.upper()} by {row.resolution_source}"))
    if settled is not None:
        found.append(("Settlement", link(url_of(models.Settlement, settled.pk), settled.status)))
    return found


def _bars(held: dict[str, Any]) -> list[Bar]:
    """What is open on each side and on both, against the limit of a market."""
    limit = config.current()["risk.per_market_max_usd"]
    parts = (("YES", held["yes_usd"]), ("NO", held["no_usd"]), ("Both", held["total_usd"]))
    return [Bar(name, None, amount, limit) for name, amount in parts]


def _by_operator(rows: list[dict[str, Any]]) -> Table:
    pages = dict(Operator.objects.filter(slug__in=[row["operator_slug"] for row in rows]).values_list("slug", "pk"))
    return Table(
        title="Operators",
        heads=("Operator", ">Volume, USD", ">Trades", ">Users", ">Exposure, USD"),
        rows=[
            (
                link(url_of(Operator, pages[row["operator_slug"]]), row["operator_slug"]),
                shown.amount(row["volume_usd"]),
                f"{row['trade_count']:,}",
                f"{row['user_count']:,}",
                shown.amount(row["exposure_usd"]),
            )
            for row in rows
        ],
        empty="Nobody has traded it yet.",
    )


def _positions(row: models.Market) -> Table:
    held = models.Position.objects.filter(market=row, status="open", quantity__gt=0, is_test=False)
    found = held.select_related("operator").order_by("-quantity", "id")[: LARGEST + 1]
    rows = [
        (
            link(url_of(models.Position, one.pk), one.outcome.upper()),
            link(url_of(type(one)._meta.get_field("player").related_model, one.player_id), one.player_id),  # type: ignore[arg-type]
            one.operator.name,
            f"{one.quantity:,}",
            one.avg_price,
            shown.amount(one.cost_basis_usd),
            shown.instant(one.opened_at),
        )
        for one in found
    ]
    return Table(
        title="Largest open positions",
        heads=("Side", "User", "Operator", ">Shares", ">Paid a share", ">Basis, USD", "Opened (UTC)"),
        rows=rows[:LARGEST],
        empty="Nothing is open.",
        more=f"The {LARGEST} largest; the list of positions has them all." if len(rows) > LARGEST else "",
    )


def _trail(row: models.Market) -> Table:
    found = AuditEntry.objects.filter(object_id=row.pk).select_related("actor").order_by("-created_at", "-id")[:20]
    return Table(
        title="Audit trail",
        heads=("When (UTC)", "What", "By", "~Why"),
        rows=[(shown.instant(one.created_at), one.action, one.actor.email, one.reason or NONE) for one in found],
        empty="Staff have not touched it.",
    )
