"""A tenth of the demo, ended on dates that are awkward for calendars: every documented list has something."""

import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from accounts.models import Player
from billing import queries, seal
from billing.models import Invoice
from operators.models import Operator
from predictu.platform import relay
from reports.demo import story
from reports.models import StoredForecast
from risk.models import CircuitBreaker, PlayerScore, RiskEvent
from tests.factories import as_admin, make_admin
from trading.models import Market, Position, PricePoint, Settlement, Trade
from trading.queries import settlements

pytestmark = [pytest.mark.committed, pytest.mark.slow]

# When the story ends, and the months that end within it.
DATES = {
    datetime(2026, 3, 1, 9, 30, tzinfo=UTC): {12, 1, 2},
    datetime(2026, 6, 15, 18, 0, tzinfo=UTC): {4, 5},
    datetime(2026, 8, 31, 23, 50, tzinfo=UTC): {6, 7},
    datetime(2027, 1, 1, 0, 20, tzinfo=UTC): {10, 11, 12},
}


# Every documented list of God Mode that names no single thing.
LISTS = (
    *("operators", "users", "trades", "markets", "settlements", "settlements/pending", "invoices", "activity"),
    *("risk/circuit-breakers", "risk/events", "risk/sharp-bettors", "audit"),
)


@pytest.mark.parametrize("now", DATES, ids=lambda moment: f"{moment:%Y-%m-%d}")
def test_the_demo_holds_something_of_everything_and_its_books_balance(now, settings, jobs_wait):
    settings.PREDICTU_CALLBACK_ALLOW_LOOPBACK = True
    with time_machine.travel(now, tick=False):
        told = story.Story(now=now, size=story.Size().scaled(0.1), callbacks="https://127.0.0.1:8443/callbacks")
        told.tell()
        relay.run(relay.ACTIVITY)
        staff = Client(headers=as_admin(make_admin()))
        empty = [name for name in LISTS if not staff.get(f"/api/internal/{name}").json()["data"]]
    assert empty == []
    assert sorted(Operator.objects.values_list("stage", flat=True)) == ["live", "live", "live", "testing"]
    assert Operator.objects.filter(suspended_at__isnull=False).count() == 1
    assert Operator.objects.get(slug="example-casino").custom_fees_bps == 150
    busiest = Operator.objects.get(pk=max(Operator.objects.values_list("pk", flat=True), key=_trades))
    assert busiest.slug == "example-casino"
    assert Trade.objects.filter(is_test=False).count() > 300
    assert not Trade.objects.filter(created_at__gt=now).exists()
    assert {"filled", "settled", "cancelled"} <= set(Trade.objects.values_list("status", flat=True))
    assert set(Trade.objects.values_list("side", flat=True)) == {"buy", "sell"}
    assert set(Market.objects.values_list("category", flat=True)) == {
        "sports", "politics", "entertainment", "crypto", "science", "business",
    }  # fmt: skip
    assert set(Settlement.objects.values_list("resolution", flat=True)) == {"yes", "no", "split", "cancelled"}
    failed = settlements.shown(Settlement.objects.select_related("market"))
    assert sum(row["s2s_callbacks_failed"] for row in failed) == 1
    assert {"open", "closed", "settled"} <= set(Position.objects.values_list("status", flat=True))
    assert {"restricted", "banned"} <= set(Player.objects.values_list("tier", flat=True))
    assert Player.objects.filter(tier="sharp").count() >= 3
    assert set(Player.objects.values_list("limit_tier", flat=True)) == {"new", "regular", "vip"}
    assert CircuitBreaker.objects.filter(status="tripped").exists()
    assert RiskEvent.objects.filter(type="wall_violation").exists()
    assert PlayerScore.objects.exists() and PricePoint.objects.exists()
    check_bills_and_forecasts(now)
    report = io.StringIO()
    call_command("verify_ledger", stdout=report)
    assert "Everything holds" in report.getvalue()


def check_bills_and_forecasts(now):
    invoices = list(Invoice.objects.all())
    assert {invoice.month.month for invoice in invoices} == DATES[now]
    assert {invoice.status for invoice in invoices} == {"paid", "sent", "overdue"}
    for invoice in invoices:
        assert seal.holds(invoice)
        assert (queries.balance_of(invoice) == 0) == (invoice.status == "paid")
    assert StoredForecast.objects.filter(scored_at__isnull=False).count() == 2
    assert StoredForecast.objects.filter(starts_on=now.date() + timedelta(days=1)).count() == 3


def _trades(operator_id):
    return Trade.objects.filter(operator_id=operator_id).count()
