"""A tenth of the demo, ended on dates that are awkward for calendars: every documented list has something."""

import io
from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from accounts.models import Player
from billing.models import Invoice
from operators.models import Operator
from reports.demo import story
from reports.models import StoredForecast
from risk.models import CircuitBreaker, PlayerScore, RiskEvent
from trading.models import Market, Position, PricePoint, Settlement, Trade

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

DATES = (
    datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    datetime(2026, 6, 15, 18, 0, tzinfo=UTC),
    datetime(2026, 8, 31, 23, 50, tzinfo=UTC),
    datetime(2027, 1, 1, 0, 20, tzinfo=UTC),
)


@pytest.mark.parametrize("now", DATES, ids=lambda moment: f"{moment:%Y-%m-%d}")
def test_the_demo_holds_something_of_everything_and_its_books_balance(now):
    told = story.Story(now=now, size=story.Size().scaled(0.1))
    told.tell()
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
    assert {"yes", "no"} <= set(Settlement.objects.values_list("resolution", flat=True))
    assert {"open", "closed", "settled"} <= set(Position.objects.values_list("status", flat=True))
    assert {"sharp", "restricted", "banned"} <= set(Player.objects.values_list("tier", flat=True))
    assert set(Player.objects.values_list("limit_tier", flat=True)) == {"new", "regular", "vip"}
    assert CircuitBreaker.objects.filter(status="tripped").exists()
    assert RiskEvent.objects.filter(type="wall_violation").exists()
    assert {"paid"} <= set(Invoice.objects.values_list("status", flat=True))
    assert PlayerScore.objects.exists() and PricePoint.objects.exists() and StoredForecast.objects.exists()
    report = io.StringIO()
    call_command("verify_ledger", stdout=report)
    assert "Everything holds" in report.getvalue()


def _trades(operator_id):
    return Trade.objects.filter(operator_id=operator_id).count()
