"""The demo's invoices and forecasts: there are some of every kind, made through the services."""

import pytest

from billing import queries, seal
from billing.models import Invoice
from reports.demo import story
from reports.models import StoredForecast
from tests.billing.facts import at

pytestmark = pytest.mark.django_db


def test_the_demo_has_paid_and_unpaid_invoices_and_scored_forecasts():
    now = at(2026, 11, 20, 12)
    story.Story(now=now, size=story.Size(users=40, trades=250, short_markets=8)).tell()
    invoices = list(Invoice.objects.all())
    assert {invoice.month.month for invoice in invoices} == {9, 10}
    assert {invoice.status for invoice in invoices} == {"paid", "sent", "overdue"}
    for invoice in invoices:
        assert seal.holds(invoice)
        assert (queries.balance_of(invoice) == 0) == (invoice.status == "paid")
    assert StoredForecast.objects.filter(scored_at__isnull=False).count() == 2
    assert StoredForecast.objects.filter(starts_on="2026-11-21").count() == 3
