"""The settlement console: what waits for a result, is disputed, under way, done or failed; previewed and decided."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from predictu import clock, ids, shown
from predictu.admin_base import url_of
from predictu.admin_tables import NONE, Table, link
from predictu.platform import approvals
from predictu.platform.models import Approval
from risk.models import ExposureBucket
from trading import models
from trading.admin import preview, settlement
from trading.polymarket.finality import Waiting
from trading.queries import settlements as found_settlements
from trading.services import corrections, settlements

MOST = 30
_MANY = 1_000
Status = models.Settlement.Status


def _waiting() -> Any:
    return found_settlements.waiting_for_result().exclude(waiting_for=Waiting.DISPUTED)


def _disputed() -> Any:
    return found_settlements.waiting_for_result().filter(waiting_for=Waiting.DISPUTED)


def _settling(*statuses: str) -> Callable[[], Any]:
    return lambda: models.Settlement.objects.filter(status__in=statuses).order_by("-resolved_at", "-id")


LISTS: dict[str, tuple[str, Callable[[], Any], str]] = {
    "waiting": ("Waiting", _waiting, "No closed market waits for a result."),
    "disputed": ("Disputed", _disputed, "Nothing is disputed."),
    "processing": ("Processing", _settling(Status.PENDING, Status.PROCESSING), "Nothing is being settled."),
    "failed": ("Failed", _settling(Status.FAILED), "No settlement failed."),
    "done": ("Done", _settling(Status.COMPLETED), "Nothing was settled yet."),
}


@admin.site.page("settlements/", name="trading_settlement_console")
def console(request: HttpRequest) -> HttpResponse:
    """One of the lists, ``?list=``, and the preview of one of its markets, ``?market=``."""
    chosen = request.GET.get("list", "")
    chosen = chosen if chosen in LISTS else "waiting"
    title, rows, empty = LISTS[chosen]
    found = list(rows().select_related("market")[:MOST] if rows().model is models.Settlement else rows()[:MOST])
    draw = _markets if chosen in ("waiting", "disputed") else _settlements
    market = _market(request.GET.get("market", ""))
    context = {
        "title": "Settlement console",
        "now": clock.now(),
        "lists": [
            {"name": name, "title": label, "count": _count(query()), "chosen": name == chosen}
            for name, (label, query, _) in LISTS.items()
        ],
        "table": draw(title, found, empty, chosen),
        "market": market,
        "waits_for": market.waiting_for.replace("_", " ") if market else "",
        "market_url": url_of(models.Market, market.pk) if market else None,
        "preview": preview.of_market(market, request) if market and not market.is_over else None,
        "approvals": _approvals() if approvals.required() else None,
    }
    return admin.site.render(request, "admin/settlement_console.html", context)


def _count(rows: Any) -> str:
    """How many there are; nobody needs to know beyond a thousand."""
    count = rows[: _MANY + 1].count()
    return f"{count:,}" if count <= _MANY else f"{_MANY:,}+"


def _market(text: str) -> models.Market | None:
    return models.Market.objects.filter(pk=text).first() if ids.is_one("mkt", text) else None


def _markets(title: str, rows: Iterable[models.Market], empty: str, chosen: str) -> Table:
    rows = list(rows)
    buckets = ExposureBucket.objects.filter(scope="market", scope_id__in=[row.pk for row in rows])
    held = {bucket.scope_id: bucket for bucket in buckets}
    none = ExposureBucket(scope="market")
    url = reverse("admin:trading_settlement_console")
    return Table(
        title=title,
        heads=(
            *("~Market", "Decide", "Waits for", "UMA", "Closed (UTC)", ">Open positions", ">Pays if YES, USD"),
            ">Pays if NO, USD",
        ),
        rows=[
            (
                link(url_of(models.Market, row.pk), row.title),
                link(f"{url}?list={chosen}&market={row.pk}#preview", "Preview"),
                row.waiting_for.replace("_", " "),
                row.uma_status or NONE,
                shown.instant(row.source_closed_at) if row.source_closed_at else NONE,
                f"{(bucket := held.get(row.pk, none)).position_count:,}",
                shown.amount(bucket.yes_usd),
                shown.amount(bucket.no_usd),
            )
            for row in rows
        ],
        empty=empty,
        more=f"The first {MOST}." if len(rows) == MOST else "",
    )


def _settlements(title: str, rows: Iterable[models.Settlement], empty: str, chosen: str) -> Table:
    rows = list(rows)
    told = found_settlements.callbacks_of([row.pk for row in rows])
    return Table(
        title=title,
        heads=(
            *("~Market", "Resolution", "Resolved (UTC)", ">Positions", ">Paid out, USD", ">Given back, USD"),
            *("Callbacks", "Statement"),
        ),
        rows=[
            (
                link(url_of(models.Market, row.market_id), row.market.title),
                f"{row.resolution.upper()}{', corrected' if row.version > 1 else ''}",
                shown.instant(row.resolved_at),
                f"{row.positions_settled:,} of {row.positions_total:,}",
                shown.amount(row.total_payout_usd),
                shown.amount(row.refund_usd),
                _callbacks(*told.get(row.pk, (0, 0, 0))),
                link(url_of(models.Settlement, row.pk), _verdict(row)),
            )
            for row in rows
        ],
        empty=empty,
        more=f"The newest {MOST}." if len(rows) == MOST else "",
    )


def _verdict(row: models.Settlement) -> str:
    """What the completeness statement comes to."""
    if settlement.holds(row):
        return "holds"
    return "DOES NOT HOLD" if row.completeness else row.error or "not drawn up yet"


def _callbacks(sent: int, confirmed: int, failed: int) -> str:
    return f"{confirmed:,} of {sent:,}{f', {failed:,} failed' if failed else ''}" if sent else NONE


def _approvals() -> Table:
    actions = {settlements.RESOLVE_ACTION: "Resolve", corrections.CORRECT_ACTION: "Correct"}
    found = Approval.objects.filter(status=Approval.Status.WAITING, action__in=actions)
    rows = list(found.select_related("asked_by").order_by("created_at", "id")[:MOST])
    titles = dict(models.Market.objects.filter(pk__in=[row.object_id for row in rows]).values_list("pk", "title"))
    return Table(
        title="Waiting for a second admin",
        heads=("What", "~Market", "Decide", "Asked by", "~Why", "Until (UTC)"),
        rows=[
            (
                f"{actions[row.action]} {row.arguments['outcome'].upper()}",
                link(url_of(models.Market, row.object_id), titles.get(row.object_id, row.object_id)),
                link(url_of(Approval, row.pk), "Open"),
                row.asked_by.email,
                row.reason,
                shown.instant(row.expires_at),
            )
            for row in rows
        ],
        empty="Nothing waits for a second admin.",
    )
