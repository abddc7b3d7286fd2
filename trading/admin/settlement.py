"""A settlement's page: its completeness statement, each operator's part, and its correction."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from predictu import shown
from predictu.admin_acts import ActingAdmin
from predictu.admin_base import among, linked, url_of
from predictu.admin_tables import NONE, Table, link
from trading import models
from trading.admin import acts
from trading.queries import settlements as found_settlements


@admin.register(models.Settlement)
class SettlementAdmin(ActingAdmin):
    acts = acts.OF_SETTLEMENTS
    list_display = (
        *("id", "market_link", "resolution", "resolution_source", "status", "version", "positions_settled"),
        *("total_payout_usd", "house_pnl_usd", "resolved_at", "settled_at"),
    )
    list_filter = (
        "status",
        "resolution",
        among("resolution_source", models.Market.Source.values),
        among("version", (1, 2)),
    )
    list_select_related = ("market",)
    search_fields = ("market__title",)
    search_help_text = "Words of the market's title, or the id of a settlement, market or admin"
    id_fields = ("pk", "market", "requested_by")
    market_link = linked("market", text="title")

    def page_facts(self, request: HttpRequest, row: models.Settlement) -> dict[str, Any]:
        told = found_settlements.callbacks_of([row.id]).get(row.id, (0, 0, 0))
        return {
            "panel": "admin/settlement_panel.html",
            "figures": _figures(row, told),
            "tables": [completeness(row), _parts(row), _versions(row)],
        }


def _figures(row: models.Settlement, told: tuple[int, int, int]) -> list[tuple[str, Any]]:
    sent, confirmed, failed = told
    waiting = sent - confirmed - failed
    return [
        ("Market", link(url_of(models.Market, row.market_id), row.market.title)),
        ("Resolution", f"{row.resolution.upper()} by {row.resolution_source}"),
        ("Status", row.status),
        ("Resolved (UTC)", shown.instant(row.resolved_at)),
        ("Settled (UTC)", shown.instant(row.settled_at) if row.settled_at else "not yet"),
        ("Positions", f"{row.positions_settled:,} of {row.positions_total:,}"),
        ("Winners / losers", f"{row.winners:,} / {row.losers:,}"),
        ("Paid out, USD", shown.amount(row.total_payout_usd)),
        ("Given back, USD", shown.amount(row.refund_usd)),
        ("House result, USD", shown.amount(row.house_pnl_usd)),
        (
            "Callbacks",
            f"{sent:,} sent = {confirmed:,} confirmed + {failed:,} failed + {waiting:,} waiting",
        ),
        ("Error", row.error or NONE),
    ]


def statement(row: models.Settlement) -> list[tuple[str, Any, Any]]:
    """The equations kept with a settlement: what is said, and its two sides. Nothing before it is settled."""
    kept = row.completeness
    if not kept:
        return []
    lines = [("Positions to settle; settled", kept["positions"], kept["positions_settled"])]
    if "corrected_usd" in kept:
        moved = Decimal(kept["ledger_usd"]) - Decimal(kept["owed_usd"])
        return [
            *lines,
            ("The correction, USD; what the ledger moved less debts", Decimal(kept["corrected_usd"]), moved),
            ("Callbacks owed, two a position; recorded", 2 * kept["positions"], kept["callbacks"]),
        ]
    return [
        *lines,
        ("Positions left open; none", kept["positions_open"], 0),
        ("Credits owed; ledger rows", kept["credits"], kept["ledger_rows"]),
        ("Their sum, USD; the ledger's", Decimal(kept["credits_usd"]), Decimal(kept["ledger_usd"])),
        ("Callbacks owed; recorded", kept["positions"], kept["callbacks"]),
    ]


def holds(row: models.Settlement) -> bool:
    """Whether every equation of a settled market's statement holds."""
    lines = statement(row)
    return bool(lines) and all(one == other for _, one, other in lines)


def completeness(row: models.Settlement) -> Table:
    """The statement with its verdict, line by line."""
    return Table(
        title="Completeness",
        heads=("~What has to be equal", ">One side", ">The other", "Holds"),
        rows=[(what, f"{one:,}", f"{other:,}", "yes" if one == other else "NO") for what, one, other in statement(row)],
        empty="It is drawn up when the market is settled.",
    )


def _parts(row: models.Settlement) -> Table:
    return Table(
        title="By operator",
        heads=("Operator", ">Positions", ">Users", ">Winners", ">Losers", ">Paid out, USD", ">Given back, USD"),
        rows=[
            (
                link(url_of(type(part.operator), part.operator_id), part.operator.name),
                *(f"{count:,}" for count in (part.positions, part.users, part.winners, part.losers)),
                shown.amount(part.payout_usd),
                shown.amount(part.refund_usd),
            )
            for part in row.parts.select_related("operator").order_by("-payout_usd", "id")[:100]
        ],
        empty="No operator's users held anything.",
    )


def _versions(row: models.Settlement) -> Table:
    return Table(
        title="Before its correction",
        heads=("Resolution", "By", ">Positions", ">Winners", ">Losers", ">Paid out, USD", "Settled (UTC)", "~Why"),
        rows=[
            (
                kept["resolution"],
                kept["resolution_source"],
                *(f"{kept[name]:,}" for name in ("positions_settled", "winners", "losers")),
                shown.amount(Decimal(str(kept["total_payout_usd"]))),
                kept["settled_at"],
                kept["reason"] or NONE,
            )
            for kept in row.versions
        ],
        empty="It was never corrected.",
    )
