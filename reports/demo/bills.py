"""The demo's money matters: months billed as they end, paid or not, and forecasts old enough to have been scored."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from accounts.models import system_admin
from billing import months, queries
from billing.models import Invoice
from billing.services import drafts, invoices
from predictu import clock, money
from reports.demo import cast
from reports.demo.cast import Casino
from reports.services import forecasts

FORECASTS_DAYS_AGO = (41, 34)


def plan(story: Any) -> None:
    """Put every month that ends within the story on its calendar, and a few of its forecasts."""
    end = clock.next_month(story.begin)
    while end + drafts.GRACE <= story.now:
        story.plan(end + drafts.GRACE, _bill)
        for number, casino in enumerate(cast.CASINOS, 1):
            story.plan(end + casino.pays_after, _payer(casino, number))
        end = clock.next_month(end)
    for days in FORECASTS_DAYS_AGO:
        story.plan(story.now - timedelta(days=days), _forecast)
    story.plan(story.now, _close_the_books)


def _bill(at: datetime) -> None:
    invoices.run_month(month=months.before(at), now=at)


def _forecast(at: datetime) -> None:
    forecasts.refresh(now=at)


def _payer(casino: Casino, number: int) -> Callable[[datetime], None]:
    def pay(at: datetime) -> None:
        """The oldest invoice that nothing was paid on; half of a first one that is disputed, which falls overdue."""
        own = Invoice.objects.filter(operator__slug=casino.slug)
        invoice = own.filter(status=Invoice.Status.SENT, payments=None).order_by("month").first()
        if invoice is None:
            return
        due = queries.balance_of(invoice)
        half = casino.disputes and not own.exclude(payments=None).exists()
        invoices.record_payment(
            invoice=invoice,
            amount_usd=money.down(due / 2) or due if half else due,
            method="wire",
            reference=f"WIR-{at:%Y-%m%d}-{number:03d}",
            paid_at=at,
            actor=system_admin(),
            now=at,
        )

    return pay


def _close_the_books(at: datetime) -> None:
    invoices.mark_overdue(now=at)
    forecasts.score(now=at)
    forecasts.refresh(now=at)
