"""Receivables and the month-close check through HTTP."""

from datetime import date

import pytest
import time_machine
from django.test import Client

from accounts.models import AdminUser
from billing.models import InvoiceMail, MonthNote
from billing.services import invoices
from predictu.platform.models import Heartbeat
from tests.billing.facts import at, february
from tests.factories import as_admin, make_admin, make_operator

pytestmark = pytest.mark.django_db
FEBRUARY, FIRST = date(2026, 2, 1), at(2026, 3, 1, 0, 5)
MONTH = "/api/internal/billing/months/2026-02"


@pytest.fixture(autouse=True)
def spring():
    february(make_operator(slug="example-casino", name="Example Casino"))
    invoices.run_month(month=FEBRUARY, now=FIRST)
    with time_machine.travel("2026-05-01T00:00:00Z", tick=False):
        yield


@pytest.fixture
def client(spring):
    return Client(headers=as_admin(make_admin("Finance")))


def test_receivables(client):
    data = client.get("/api/internal/billing/receivables").json()["data"]
    (row,) = data["by_operator"]
    assert row == {
        "operator_slug": "example-casino",
        "operator_name": "Example Casino",
        "invoices": 1,
        "not_due_usd": 0,
        "days_1_30_usd": 0,
        "days_31_60_usd": 5460.0,
        "days_61_90_usd": 0,
        "days_over_90_usd": 0,
        "total_usd": 5460.0,
    }
    assert data["totals"]["total_usd"] == data["totals"]["days_31_60_usd"] == 5460.0


def test_the_month(client):
    data = client.get(MONTH).json()["data"]
    assert data["month"] == "2026-02"
    assert {one["name"] for one in data["checks"] if not one["ok"]} == {"ledger", "mails"}
    said = client.post(
        f"{MONTH}/explanations", {"check": "mails", "reason": "handed over"}, content_type="application/json"
    )
    assert said.status_code == 201
    mails = next(one for one in client.get(MONTH).json()["data"]["checks"] if one["name"] == "mails")
    assert (mails["ok"], mails["explanation"]) == (True, "handed over")
    wrong = client.post(f"{MONTH}/explanations", {"check": "seals", "reason": "x y"}, content_type="application/json")
    assert wrong.status_code == 422 and MonthNote.objects.count() == 1


def test_a_month_is_closed_when_everything_is_in_order(client):
    refused = client.post(f"{MONTH}/close", {"reason": "all filed"}, content_type="application/json")
    assert (refused.status_code, sorted(refused.json()["error"]["details"])) == (409, ["ledger", "mails"])
    assert client.get(MONTH).json()["data"]["closed"] is None
    Heartbeat.objects.create(name="ledger", seen_at=at(2026, 5, 1), detail={"findings": []})
    InvoiceMail.objects.update(sent_at=FIRST)
    closed = client.post(f"{MONTH}/close", {"reason": "all filed"}, content_type="application/json")
    assert closed.status_code == 201
    told = client.get(MONTH).json()["data"]["closed"]
    assert (
        told
        == closed.json()["data"]["closed"]
        == {
            "closed_at": "2026-05-01T00:00:00Z",
            "closed_by": AdminUser.objects.get(is_system=False).id,
            "reason": "all filed",
            "gross_usd": 18200.0,
            "predictu_share_usd": 5460.0,
        }
    )
    assert client.post(f"{MONTH}/close", {"reason": "again"}, content_type="application/json").status_code == 409


@pytest.mark.parametrize("month", ["2026-2", "2026-13", "february", "2026-02-01"])
def test_what_is_no_month_is_not_found(client, month):
    assert client.get(f"/api/internal/billing/months/{month}").status_code == 404
