"""Drafting an operator's month: an invoice, or a month carried on, never both and never twice."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction

from billing import months, statement
from billing.errors import MonthOpen
from billing.models import CarriedMonth, Invoice, InvoiceLine
from billing.statement import Carried, Earned, Statement
from operators.models import Operator
from predictu import clock, ids, money
from trading.queries import revenue

GRACE = timedelta(minutes=5)
"""A call reads the clock before its transaction begins, so that facts of the last minute come a little later."""

_OPEN_TRANSACTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start < %s
"""
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('predictu:billing:' || %s, 0))"


@dataclass(frozen=True, slots=True)
class Billed:
    """``is_new`` without an invoice: the month was carried on."""

    invoice: Invoice | None
    is_new: bool = False


def require_closed(month: date, now: datetime) -> None:
    """Raises MonthOpen while facts of ``month`` may still be written."""
    closed_at = months.end(month) + GRACE
    if now < closed_at:
        raise MonthOpen(f"{month:%Y-%m} can be billed from {clock.seconds(closed_at)}")
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_TRANSACTIONS, [closed_at])
        waiting = cursor.fetchone()[0]
    if waiting:
        raise MonthOpen(f"{waiting} transactions from before {clock.seconds(closed_at)} are still open")


@transaction.atomic
def bill(*, operator: Operator, month: date, now: datetime) -> Billed:
    """The month's invoice or carried month, made if there is neither yet."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [operator.id])
    made = Invoice.objects.filter(operator=operator, month=month).first()
    if made is not None or CarriedMonth.objects.filter(operator=operator, month=month).exists():
        return Billed(made)
    waiting = list(CarriedMonth.objects.filter(operator=operator, month__lt=month, invoice=None))
    found = statement.draw_up(month, _earned(operator, month), [_carried(row) for row in waiting])
    if found.amount_usd > 0:
        invoice = _draft(operator, month, found, now)
        CarriedMonth.objects.filter(pk__in=[row.pk for row in waiting]).update(invoice=invoice)
        return Billed(invoice, is_new=True)
    if found.own_usd:
        CarriedMonth.objects.create(
            operator=operator,
            month=month,
            spread_share_usd=found.own_spread_usd,
            fee_share_usd=found.own_fees_usd,
            amount_usd=found.own_usd,
            trade_count=found.trade_count,
            created_at=now,
        )
        return Billed(None, is_new=True)
    return Billed(None)


def _earned(operator: Operator, month: date) -> list[Earned]:
    cells = revenue.cells(start=months.start(month), end=months.end(month), unit="month", operator_ids=[operator.id])
    return [
        Earned(
            share_pct=cell.share_pct,
            spread_usd=cell.sums.spread_usd,
            fees_usd=cell.sums.fees_usd,
            volume_usd=cell.sums.volume_usd,
            trade_count=cell.sums.trade_count,
        )
        for cell in cells
    ]


def _carried(row: CarriedMonth) -> Carried:
    return Carried(
        month=row.month,
        spread_share_usd=row.spread_share_usd,
        fee_share_usd=row.fee_share_usd,
        trade_count=row.trade_count,
    )


def _draft(operator: Operator, month: date, found: Statement, now: datetime) -> Invoice:
    traders = revenue.traders(start=months.start(month), end=months.end(month), operator_ids=[operator.id])
    tax = tax_on(found.amount_usd, operator.tax_rate_pct)
    invoice = Invoice.objects.create(
        id=ids.new("inv", now),
        operator=operator,
        month=month,
        amount_usd=found.amount_usd,
        spread_share_usd=found.spread_share_usd,
        fee_share_usd=found.fee_share_usd,
        gross_usd=found.gross_usd,
        share_usd=found.own_usd,
        revenue_share_pct=found.revenue_share_pct,
        trade_volume_usd=found.volume_usd,
        trade_count=found.trade_count,
        unique_traders=traders.get(operator.id, 0),
        tax_rate_pct=operator.tax_rate_pct,
        tax_usd=tax,
        total_usd=found.amount_usd + tax,
        created_at=now,
    )
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            number=number,
            kind=line.kind,
            month=line.month,
            share_pct=line.share_pct,
            gross_usd=line.gross_usd,
            amount_usd=line.amount_usd,
            trade_count=line.trade_count,
        )
        for number, line in enumerate(found.lines, start=1)
    )
    return invoice


def tax_on(amount_usd: Decimal, rate_pct: Decimal) -> Decimal:
    """The tax line: a percentage of the amount, half up."""
    return money.half_up(amount_usd * rate_pct / 100)
