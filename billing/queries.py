"""Invoices as they are listed, what is due on them, and who owes how long."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db.models import DecimalField, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from billing import months
from billing.models import CarriedMonth, CreditNote, Invoice, Payment
from operators.models import Operator
from predictu import clock, ids
from predictu.errors import NotFound
from predictu.money import ZERO
from trading.queries import revenue

_MONEY = DecimalField(max_digits=18, decimal_places=2)


def by_id(invoice_id: str) -> Invoice:
    """The invoice of a path. Raises NotFound, for malformed ids too."""
    try:
        ids.decode("inv", invoice_id)
    except ValueError:
        raise NotFound("No such invoice") from None
    found = Invoice.objects.select_related("operator", "logo").filter(pk=invoice_id).first()
    if found is None:
        raise NotFound("No such invoice")
    return found


def listed(*, operator_id: str | None = None, status: str | None = None) -> QuerySet[Invoice]:
    """Invoices, newest month first."""
    found = Invoice.objects.select_related("operator").order_by("-month", "-id")
    if operator_id is not None:
        found = found.filter(operator_id=operator_id)
    return found if status is None else found.filter(status=status)


def unbilled(month: date) -> list[str]:
    """The slugs of operators that Predictu earned something of in ``month`` and that have neither its invoice nor a
    month carried on, in order."""
    earned = revenue.revenue(start=months.start(month), end=months.end(month), unit="month").by_operator
    owing = {operator_id for operator_id, sums in earned.items() if sums.predictu_usd}
    for model in (Invoice, CarriedMonth):
        owing -= set(model._default_manager.filter(month=month).values_list("operator_id", flat=True))
    return list(Operator.objects.filter(pk__in=owing).order_by("slug").values_list("slug", flat=True))


def in_window(invoices: QuerySet[Invoice], start: datetime | None, end: datetime | None) -> QuerySet[Invoice]:
    """Those whose period begins in [start, end)."""
    if start is not None:
        invoices = invoices.filter(month__gte=_first_day_from(start))
    if end is not None:
        invoices = invoices.filter(month__lt=_first_day_from(end))
    return invoices


def _first_day_from(moment: datetime) -> date:
    """The first day that begins at ``moment`` or later."""
    day = clock.day_start(moment)
    return (day if day == moment else day + clock.DAY).date()


def payment_of(invoice: Invoice, payment_id: str) -> Payment:
    """A payment of this invoice. Raises NotFound, for malformed ids too."""
    try:
        ids.decode("pay", payment_id)
    except ValueError:
        raise NotFound("No such payment") from None
    found = invoice.payments.filter(pk=payment_id).first()
    if found is None:
        raise NotFound("No such payment")
    return found


def standing_payments(invoice: Invoice) -> list[Payment]:
    """The payments that were not taken back."""
    return list(invoice.payments.filter(reverses=None, reversal=None))


def balance_of(invoice: Invoice) -> Decimal:
    """What is due: the total less credit notes and payments; below zero it is in the operator's favour."""
    credited, received = came_in(invoice)
    return invoice.total_usd - credited - received


def came_in(invoice: Invoice) -> tuple[Decimal, Decimal]:
    """What credit notes took off, and what was paid and not taken back."""
    credited = invoice.credit_notes.aggregate(sum=Sum("total_usd"))["sum"] or ZERO
    received = invoice.payments.aggregate(sum=Sum("amount_usd"))["sum"] or ZERO
    return credited, received


def with_balance(invoices: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """``invoices`` with ``credited_usd``, ``received_usd`` and ``balance_due_usd`` on each."""
    return invoices.annotate(
        credited_usd=_sum(CreditNote, "total_usd"), received_usd=_sum(Payment, "amount_usd")
    ).annotate(balance_due_usd=F("total_usd") - F("credited_usd") - F("received_usd"))


def _sum(model: type, column: str) -> Coalesce:
    rows = model._default_manager.filter(invoice=OuterRef("pk")).order_by().values("invoice")  # type: ignore[attr-defined]
    return Coalesce(Subquery(rows.annotate(sum=Sum(column)).values("sum")), Value(ZERO), output_field=_MONEY)


AGES = ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90")


@dataclass(slots=True)
class Ageing:
    """What one operator owes, by how many whole days it is past due."""

    operator_id: str
    operator_name: str
    invoices: int = 0
    buckets: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(AGES, ZERO))

    @property
    def total_usd(self) -> Decimal:
        return sum(self.buckets.values(), ZERO)


def receivables(*, now: datetime) -> list[Ageing]:
    """Open invoices by operator and age, the largest debt first."""
    open_invoices = listed().filter(status__in=(Invoice.Status.SENT, Invoice.Status.OVERDUE))
    found: dict[str, Ageing] = {}
    for invoice in with_balance(open_invoices):
        row = found.setdefault(invoice.operator_id, Ageing(invoice.operator_id, invoice.operator.name))
        row.invoices += 1
        row.buckets[age(invoice, now)] += invoice.balance_due_usd
    return sorted(found.values(), key=lambda row: (-row.total_usd, row.operator_name))


def age(invoice: Invoice, now: datetime) -> str:
    """Which of AGES an open invoice is in."""
    assert invoice.due_at is not None
    if now < invoice.due_at:
        return "not_due"
    days = (now - invoice.due_at).days
    return AGES[1 + min(3, days // 30)]


def totals(rows: Iterable[Ageing]) -> dict[str, Decimal]:
    """The buckets of all rows together."""
    summed = dict.fromkeys(AGES, ZERO)
    for row in rows:
        for name, amount in row.buckets.items():
            summed[name] += amount
    return summed
