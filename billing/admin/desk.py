"""The finance desk: who owes how long, what waits to be sent, whether the month can be closed, how forecasts did."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from billing import models, months, queries
from billing.admin.acts import MANAGE, OPEN
from billing.services import month_close
from predictu import clock, shown
from predictu.admin_acts import Act, Facts, Given, answer
from predictu.admin_base import url_of
from predictu.admin_tables import NONE, Table, link
from predictu.money import ZERO
from reports.models import StoredForecast
from reports.services import forecasts

MOST = 50
MONTHS = 6
_INVOICES = "admin:billing_invoice_changelist"


@dataclass(frozen=True, slots=True)
class Month:
    """A month as finance looks at it."""

    first: date
    checks: tuple[month_close.Check, ...]
    closed: models.MonthClose | None

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def is_ready(self) -> bool:
        return all(one.ok for one in self.checks)

    def check(self, name: str) -> month_close.Check:
        return next(one for one in self.checks if one.name == name)


def _month(first: date, now: datetime) -> Month:
    found = month_close.check(month=first, now=now)
    return Month(first, tuple(found), models.MonthClose.objects.filter(month=first).first())


def _what_it_came_to(row: Month) -> Facts:
    billed = models.Invoice.objects.filter(month=row.first).aggregate(count=Count("pk"), sum=Sum("amount_usd"))
    return [
        ("Month (UTC)", shown.days(row.first, months.last_day(row.first))),
        ("Invoices", f"{billed['count']:,}"),
        ("Invoiced without tax, USD", shown.amount(billed["sum"] or ZERO)),
        ("Checks in order", f"{sum(one.ok for one in row.checks)} of {len(row.checks)}"),
        *((one.title, "; ".join(one.findings[:5])) for one in row.checks if not one.ok),
    ]


def _close(given: Given) -> str:
    month_close.close(month=given.row.first, reason=given.reason, actor=given.actor, now=given.now)
    return f"{given.row} is closed."


def _verify(given: Given) -> str:
    month_close.ask_to_verify(month=given.row.first, reason=given.reason, actor=given.actor, now=given.now)
    return "The ledger is being verified; this page shows what is found."


def _explain(name: str) -> Act:
    def run(given: Given) -> str:
        month_close.explain(month=given.row.first, name=name, reason=given.reason, actor=given.actor, now=given.now)
        return "The explanation is kept with the month."

    return Act(
        name=f"explain-{name}",
        label=f"Explain the {name}",
        permission=MANAGE,
        run=run,
        consequences=lambda row: [(row.check(name).title, line) for line in row.check(name).findings[:20]],
        possible=lambda row: not row.check(name).ok,
    )


ACTS = (
    *(_explain(name) for name in month_close.EXPLAINABLE),
    Act(
        name="verify",
        label="Verify the ledger now",
        permission=MANAGE,
        run=_verify,
        consequences=lambda row: [
            ("Users, trades and settlements", "are all gone through by a job"),
            ("Moves", "nothing"),
        ],
    ),
    Act(
        name="close",
        label="Close the month",
        permission=MANAGE,
        run=_close,
        consequences=_what_it_came_to,
        possible=lambda row: row.closed is None and row.is_ready,
    ),
)


@admin.site.page("finance/", name="billing_finance_desk")
def finance_desk(request: HttpRequest) -> HttpResponse:
    """Everything finance works from, on one page; ``?month=2026-10`` looks at another month's close."""
    now = clock.now()
    row = _month(_asked_for(request, now), now)
    owed = queries.receivables(now=now)
    open_invoices = list(queries.with_balance(queries.listed()).filter(status__in=OPEN).order_by("due_at", "id")[:MOST])
    drafts = list(queries.listed(status=models.Invoice.Status.DRAFT)[:MOST])
    context = {
        "title": "Finance desk",
        "now": now,
        "cards": _cards(owed, drafts),
        "receivables": _receivables(owed),
        "drafts": _drafts(drafts),
        "unpaid": _unpaid(open_invoices, now),
        "month": row,
        "month_words": shown.days(row.first, months.last_day(row.first)),
        "before": months.before(row.first),
        "after": months.following(row.first) if months.following(row.first) <= months.before(now) else None,
        "acts": [act for act in ACTS if request.user.has_perm(act.permission) and act.possible(row)],
        "months": _months(now),
        "accuracy": _accuracy(),
        "scored": _scored(),
    }
    return admin.site.render(request, "admin/finance_desk.html", context)


@admin.site.page("finance/<str:month>/<slug:name>/", name="billing_month_act")
def month_act(request: HttpRequest, month: str, name: str) -> HttpResponse:
    """An act on a month's close."""
    act = next((each for each in ACTS if each.name == name), None)
    try:
        first = months.parse(month)
    except ValueError:
        raise Http404 from None
    if act is None:
        raise Http404
    back = f"{reverse('admin:billing_finance_desk')}?month={month}"
    return answer(request, admin.site, act, _month(first, clock.now()), back=back)


def _asked_for(request: HttpRequest, now: datetime) -> date:
    """The month asked for; the last that is over, where it is none or still to come."""
    last = months.before(now)
    try:
        return min(months.parse(request.GET.get("month", "")), last)
    except ValueError:
        return last


def _cards(owed: list[queries.Ageing], drafts: list[models.Invoice]) -> list[dict[str, str]]:
    totals = queries.totals(owed)
    late = sum(totals.values()) - totals["not_due"]
    failed = models.InvoiceMail.objects.filter(failed_at__isnull=False)[: MOST + 1].count()
    return [
        _card("Receivable", sum(totals.values()), f"from {shown.counted(len(owed), 'operator')}"),
        _card("Past due", late, f"USD {shown.amount(totals['days_over_90'])} of it over 90 days"),
        _card(
            "Waiting to be sent",
            sum(one.amount_usd for one in drafts),
            f"{shown.counted(len(drafts), 'draft')}, without tax",
        ),
        {"title": "Mails given up", "figure": f"{failed:,}", "more": "see the invoice's page to send them again"},
    ]


def _card(title: str, amount: Decimal | int, more: str) -> dict[str, str]:
    return {"title": title, "figure": f"${shown.amount(amount)}", "more": more}


def _receivables(owed: list[queries.Ageing]) -> Table:
    def cells(first: Any, invoices: int, buckets: dict[str, Decimal]) -> tuple[Any, ...]:
        amounts = [shown.amount(buckets[name]) if buckets[name] else NONE for name in queries.AGES]
        return (first, f"{invoices:,}", *amounts, shown.amount(sum(buckets.values())))

    rows = [
        cells(
            link(f"{reverse(_INVOICES)}?operator__id__exact={row.operator_id}", row.operator_name),
            row.invoices,
            row.buckets,
        )
        for row in owed[:MOST]
    ]
    whole = cells("All operators", sum(row.invoices for row in owed), queries.totals(owed))
    return Table(
        title="Receivables by days past due",
        heads=("Operator", ">Invoices", ">Not due", ">1-30", ">31-60", ">61-90", ">Over 90", ">Total, USD"),
        rows=[*rows, whole] if rows else [],
        empty="Nobody owes anything.",
        more=f"The {MOST} largest of {len(owed):,}." if len(owed) > MOST else "",
    )


def _drafts(found: list[models.Invoice]) -> Table:
    return Table(
        title="Waiting to be sent",
        heads=("Invoice", "Operator", "Month", ">Amount, USD", ">Trades"),
        rows=[
            (
                link(url_of(models.Invoice, one.pk), "Draft"),
                one.operator.name,
                f"{one.month:%Y-%m}",
                shown.amount(one.amount_usd),
                f"{one.trade_count:,}",
            )
            for one in found
        ],
        empty="Every invoice is sent.",
        more=f"The newest {MOST}." if len(found) == MOST else "",
    )


def _unpaid(found: list[models.Invoice], now: datetime) -> Table:
    return Table(
        title="Sent and not paid",
        heads=("Invoice", "Operator", "Month", "Due", ">Days late", ">Total, USD", ">Still due, USD"),
        rows=[
            (
                link(url_of(models.Invoice, one.pk), one.number),
                one.operator.name,
                f"{one.month:%Y-%m}",
                shown.day(one.due_at),  # type: ignore[arg-type]
                max(0, (now - one.due_at).days) or NONE,  # type: ignore[operator]
                shown.amount(one.total_usd),
                shown.amount(one.balance_due_usd),  # type: ignore[attr-defined]
            )
            for one in found
        ],
        empty="Everything that was sent is paid.",
        more=f"The {MOST} that were due first." if len(found) == MOST else "",
    )


def _months(now: datetime) -> Table:
    first = months.before(now)
    wanted = [first]
    while len(wanted) < MONTHS:
        wanted.append(months.before(wanted[-1]))
    billed = {row["month"]: row for row in _billed(wanted)}
    closed = {row.month: row for row in models.MonthClose.objects.filter(month__in=wanted)}
    none = {"count": 0, "amount": ZERO, "total": ZERO}
    url = reverse("admin:billing_finance_desk")
    return Table(
        title="Months",
        heads=("Month", ">Invoices", ">Amount, USD", ">With tax, USD", "Closed (UTC)"),
        rows=[
            (
                link(f"{url}?month={month:%Y-%m}#month-close", f"{month:%Y-%m}"),
                (row := billed.get(month, none))["count"],
                shown.amount(row["amount"]),
                shown.amount(row["total"]),
                shown.instant(closed[month].closed_at) if month in closed else "open",
            )
            for month in wanted
        ],
    )


def _billed(wanted: list[date]) -> Any:
    found = models.Invoice.objects.filter(month__in=wanted).order_by("month").values("month")
    return found.annotate(count=Count("pk"), amount=Sum("amount_usd"), total=Sum("total_usd"))


def _accuracy() -> Table:
    """Each horizon's newest stored forecast, and how its predecessors did."""
    newest = StoredForecast.objects.order_by("horizon_days", "-starts_on").distinct("horizon_days")
    rows = []
    for one in newest:
        accuracy, past = one.document.get("accuracy", {}), forecasts.track_record(one.horizon_days)
        rows.append(
            (
                f"{one.horizon_days} days from {shown.day(one.starts_on)}",
                shown.amount(one.projected_usd),
                f"{shown.amount(one.low_usd)} to {shown.amount(one.high_usd)}",
                one.model,
                _told(accuracy.get("mase")),
                _told(accuracy.get("coverage_pct"), "%"),
                f"{past['scored']:,}",
                _told(past["interval_held_pct"], "%"),
                _told(past["mean_abs_error_pct"], "%"),
            )
        )
    return Table(
        title="Forecasts",
        heads=(
            *("Forecast", ">Gross, USD", "80 % between, USD", "Model", ">MASE", ">Covered", ">Scored", ">Held"),
            ">Mean error",
        ),
        rows=rows,
        empty="No forecast is stored yet; one is made every night.",
        more="MASE below 1 beats last week's same days. Covered: of past errors, tried over; held: of forecasts whose "
        "days are over.",
    )


def _told(value: Any, unit: str = "") -> str:
    return NONE if value is None else f"{value}{unit}"


def _scored() -> Table:
    found = StoredForecast.objects.filter(scored_at__isnull=False).order_by("-ends_on", "-pk")[:10]
    return Table(
        title="Forecasts whose days are over",
        heads=("Days (UTC)", ">Forecast, USD", "80 % between, USD", ">Earned, USD", "Held"),
        rows=[
            (
                shown.days(one.starts_on, one.ends_on),
                shown.amount(one.projected_usd),
                f"{shown.amount(one.low_usd)} to {shown.amount(one.high_usd)}",
                shown.amount(one.actual_usd),  # type: ignore[arg-type]
                "yes" if one.low_usd <= one.actual_usd <= one.high_usd else "no",  # type: ignore[operator]
            )
            for one in found
        ],
        empty="No stored forecast's days are over yet.",
    )
