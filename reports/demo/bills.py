"""The demo's money matters: months billed as they end, paid or not, and forecasts old enough to have been scored."""

from datetime import datetime, timedelta
from typing import Any

from accounts.models import system_admin
from billing import months, queries
from billing.models import Invoice
from billing.services import drafts, invoices
from predictu import clock, money
from reports.services import forecasts

FORECASTS_DAYS_AGO = (41, 34)
_PAID_AFTER = timedelta(days=4, hours=14, minutes=20)
_REMAINS = 0.4


def plan(story: Any) -> None:
    """Put every month that ends within the story on its calendar, and a few of its forecasts."""
    end = clock.next_month(story.begin)
    while end + drafts.GRACE <= story.now:
        story.plan(end + drafts.GRACE, _bill)
        story.plan(end + _PAID_AFTER, _collector(story))
        end = clock.next_month(end)
    for days in FORECASTS_DAYS_AGO:
        story.plan(story.now - timedelta(days=days), _forecast)
    story.plan(story.now, _close_the_books)


def _bill(at: datetime) -> None:
    invoices.run_month(month=months.before(at), now=at)


def _forecast(at: datetime) -> None:
    forecasts.refresh(now=at)


def _collector(story: Any) -> Any:
    def collect(at: datetime) -> None:
        """Most pay in full; one in a few pays a part and falls overdue."""
        for number, invoice in enumerate(Invoice.objects.filter(status=Invoice.Status.SENT).order_by("number")):
            due = queries.balance_of(invoice)
            pays_all = number == 0 or story.dice.random() > _REMAINS
            invoices.record_payment(
                invoice=invoice,
                amount_usd=due if pays_all else money.down(due / 2) or due,
                method="wire",
                reference=f"WIR-{at:%Y-%m%d}-{number + 1:03d}",
                paid_at=at,
                actor=system_admin(),
                now=at,
            )

    return collect


def _close_the_books(at: datetime) -> None:
    invoices.mark_overdue(now=at)
    forecasts.score(now=at)
    forecasts.refresh(now=at)
