"""Forecasts as they are stored, answered and scored."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from predictu.platform.models import ConfigRevision
from reports.models import StoredForecast
from reports.services import forecasts
from reports.tasks import forecast_revenue
from tests.billing.facts import at
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player
from trading.models import RevenueFact
from trading.services import rollups

pytestmark = pytest.mark.django_db
NOW = at(2026, 3, 19, 12)
PATH = "/api/internal/revenue/forecast"


def earn_daily(operator, *, days, usd=100, until=NOW):
    """Steady revenue with a weekly season, up to and including today."""
    player, market = make_player(operator), make_market()
    first = until.replace(hour=3) - timedelta(days=days)
    RevenueFact.objects.bulk_create(
        RevenueFact(
            at=first + timedelta(days=day),
            kind="trade",
            operator=operator,
            player=player,
            market=market,
            category="crypto",
            share_pct=30,
            spread_usd=Decimal(usd + 10 * ((first + timedelta(days=day)).weekday() >= 5)),
            trade_count=1,
        )
        for day in range(days + 1)
    )


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def client(frozen):
    return Client(headers=as_admin(make_admin("Read-only")))


def test_the_answer_adds_up_and_comes_from_store(client):
    first, second = (make_operator(onboarded_at=at(2025, 1, 1)) for _ in range(2))
    earn_daily(first, days=60)
    earn_daily(second, days=60, usd=20)
    rollups.compact()
    assert forecasts.refresh(now=NOW) == 3
    assert forecasts.refresh(now=NOW) == 0
    for days in (30, 60, 90):
        data = client.get(f"{PATH}?horizon={days}d").json()["data"]
        projected = data["projected_revenue_usd"]
        for part, name in (("by_operator", "projected_usd"), ("series", "projected_usd"), ("drivers", "impact_usd")):
            assert round(sum(row[name] for row in data[part]), 2) == projected
        assert data["horizon"] == f"{days}d" and len(data["series"]) == days
        assert data["series"][0]["date"] == "2026-03-20"
        interval = data["confidence_interval"]
        assert interval["low_usd"] <= projected <= interval["high_usd"] and interval["confidence_pct"] == 80
        assert data["generated_at"] == "2026-03-19T12:00:00Z"
        assert data["accuracy"]["past_forecasts"] == {
            "scored": 0,
            "interval_held_pct": None,
            "mean_abs_error_pct": None,
        }
    assert client.get(PATH).json()["data"]["horizon"] == "30d"
    assert {row["operator_slug"] for row in data["by_operator"]} == {first.slug, second.slug}


def test_a_platform_without_history_says_so(client):
    make_operator(onboarded_at=NOW)
    data = client.get(PATH).json()["data"]
    assert (data["projected_revenue_usd"], data["growth_rate_pct"]) == (0, None)
    assert "No revenue yet" in data["accuracy"]["note"]
    assert StoredForecast.objects.count() == 3
    assert client.get(PATH).json()["data"] == data


def test_too_little_history_is_said(client):
    earn_daily(make_operator(onboarded_at=at(2026, 3, 9)), days=10)
    accuracy = client.get(PATH).json()["data"]["accuracy"]
    assert accuracy["note"].startswith("Only 10 days of history, 28 are needed")
    assert (accuracy["mase"], accuracy["origins"]) == (None, 0)


def test_a_long_history_is_left_to_the_job(client, monkeypatch):
    earn_daily(make_operator(onboarded_at=at(2026, 1, 1)), days=40)
    monkeypatch.setattr(forecasts, "CHEAP_CELLS", 39)
    answer = client.get(PATH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert answer["Retry-After"] == "60"
    assert not StoredForecast.objects.exists()
    forecasts.refresh(now=NOW)
    assert client.get(PATH).status_code == 200


def test_the_feature_can_be_switched_off(client):
    newest = ConfigRevision.objects.order_by("-number").first()
    ConfigRevision.objects.create(
        values={"features.revenue_forecast": False}, reason="off", actor=newest.actor, created_at=NOW
    )
    answer = client.get(PATH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FEATURE_DISABLED")
    assert not StoredForecast.objects.exists()


@pytest.mark.parametrize("horizon", ["7d", "30", "30D"])
def test_other_horizons_are_refused(client, horizon):
    assert client.get(f"{PATH}?horizon={horizon}").status_code == 400


def stored(*, starts_on, days=30, projected=3000, low=2500, high=3500):
    return StoredForecast.objects.create(
        horizon_days=days,
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=days - 1),
        document={"accuracy": {}},
        model="theta+ets",
        projected_usd=projected,
        low_usd=low,
        high_usd=high,
        generated_at=NOW,
    )


def test_forecasts_are_scored_when_their_days_have_passed():
    operator = make_operator()
    earn_daily(operator, days=60)
    weekends = 10 * sum((date(2026, 2, 1) + timedelta(days=day)).weekday() >= 5 for day in range(30))
    good = stored(starts_on=date(2026, 2, 1))
    bad = stored(starts_on=date(2026, 2, 1) - timedelta(days=1), projected=1500, low=1000, high=2000)
    running = stored(starts_on=date(2026, 2, 18))
    assert forecasts.score(now=NOW) == 2
    assert forecasts.score(now=NOW) == 0
    for row in (good, bad, running):
        row.refresh_from_db()
    assert (good.actual_usd, good.held) == (Decimal(3000 + weekends), True)
    assert (bad.held, bad.scored_at) == (False, NOW)
    assert bad.error_pct == round((bad.projected_usd - bad.actual_usd) * 100 / bad.actual_usd, 1)
    assert (running.actual_usd, running.held, running.error_pct) == (None, None, None)
    record = forecasts.track_record(30)
    assert (record["scored"], record["interval_held_pct"]) == (2, Decimal("50.0"))
    expected = sum(abs(row.projected_usd - row.actual_usd) * 100 / row.actual_usd for row in (good, bad)) / 2
    assert abs(record["mean_abs_error_pct"] - expected) < Decimal("0.06")
    assert forecasts.track_record(60)["scored"] == 0


@time_machine.travel(NOW + timedelta(days=31), tick=False)
def test_the_job_scores_and_makes_anew():
    earn_daily(make_operator(onboarded_at=at(2026, 1, 1)), days=40)
    forecasts.refresh(now=NOW)
    forecast_revenue()
    first = StoredForecast.objects.get(horizon_days=30, starts_on=date(2026, 3, 20))
    assert (first.actual_usd, first.held) == (0, False)
    assert StoredForecast.objects.filter(starts_on=date(2026, 4, 20)).count() == 3


def test_suspended_and_unborn_operators():
    operator = make_operator(onboarded_at=at(2026, 1, 1))
    earn_daily(operator, days=50)
    type(operator).objects.update(suspended_at=at(2026, 3, 10))
    make_operator(onboarded_at=NOW + timedelta(days=5))
    make_operator(stage="testing", onboarded_at=None)
    (told,) = forecasts.histories(now=NOW)
    assert (told.slug, told.live_on, told.suspended_on) == (operator.slug, date(2026, 1, 1), date(2026, 3, 10))
    assert max(told.revenue) == date(2026, 3, 18)
    forecasts.refresh(now=NOW)
    row = StoredForecast.objects.get(horizon_days=30)
    assert row.projected_usd == 0
    assert row.document["drivers"][0]["factor"] == f"Suspended operator ({operator.name})"
