"""Invoices through HTTP: the documents' answers, the PDF, the trades behind a line, and what staff may do."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from billing.models import Invoice, InvoiceMail, Payment
from billing.services import credit_notes, invoices
from predictu.platform.models import AuditEntry
from tests.billing.facts import at, earn, february
from tests.factories import as_admin, make_admin, make_operator, make_player
from tests.pdfs import text_of

pytestmark = pytest.mark.django_db
FEBRUARY, FIRST = date(2026, 2, 1), at(2026, 3, 1, 0, 5)


@pytest.fixture
def client():
    return Client(headers=as_admin(make_admin("Finance")))


@pytest.fixture
def invoice():
    operator = make_operator(
        slug="example-casino",
        name="Example Casino",
        billing_email="billing@example-casino.com",
        legal_name="Example NV",
    )
    february(operator)
    invoices.run_month(month=FEBRUARY, now=FIRST)
    return Invoice.objects.get()


def pay(client, invoice, amount=5460.0, reference="WIR-2026-0305-001", **more):
    body = {"amount_usd": amount, "method": "wire", "reference": reference, "paid_at": "2026-03-05T14:20:00Z", **more}
    return post(client, invoice, "payments", body)


def post(client, invoice, act, body):
    return client.post(f"/api/internal/invoices/{invoice.id}/{act}", body, content_type="application/json")


def test_the_documents_detail(client, invoice):
    pay(client, invoice)
    data = client.get(f"/api/internal/invoices/{invoice.id}").json()["data"]
    lines = [{key: value for key, value in line.items() if key != "trades_url"} for line in data["line_items"]]
    assert lines == [
        {
            "description": "Player losses from spread - 8,420 trades",
            "gross_usd": 14200.0,
            "share_pct": 30,
            "amount_usd": 4260.0,
        },
        {
            "description": "Player losses from fees - 8,420 trades",
            "gross_usd": 4000.0,
            "share_pct": 30,
            "amount_usd": 1200.0,
        },
    ]
    assert data["summary"] == {
        "trade_volume_usd": 182000.0,
        "trade_count": 8420,
        "unique_traders": 3,
        "gross_revenue_usd": 18200.0,
        "predictu_share_usd": 5460.0,
        "operator_share_usd": 12740.0,
        "revenue_share_pct": 30,
    }
    assert data["payment"] == {
        "method": "wire",
        "reference": "WIR-2026-0305-001",
        "paid_at": "2026-03-05T14:20:00Z",
    }
    expected = {
        "id": invoice.id,
        "number": "INV-2026-00001",
        "operator_slug": "example-casino",
        "operator_name": "Example Casino",
        "operator_contact_email": "billing@example-casino.com",
        "period": {"from": "2026-02-01", "to": "2026-02-28"},
        "status": "paid",
        "amount_usd": 5460.0,
        "total_usd": 5460.0,
        "balance_due_usd": 0.0,
        "issued_at": "2026-03-01T00:00:00Z",
        "due_at": "2026-03-15T00:00:00Z",
        "created_at": "2026-03-01T00:05:00Z",
    }
    assert {name: data[name] for name in expected} == expected


def test_the_documents_list(client, invoice):
    pay(client, invoice)
    answer = client.get("/api/internal/invoices?operator=example-casino&status=paid").json()
    assert answer["pagination"] == {"page": 1, "limit": 50, "total": 1, "total_pages": 1}
    row = answer["data"][0]
    assert row["line_items"] == [
        {"description": "Predictu share of spread player losses (30%)", "amount_usd": 4260.0},
        {"description": "Predictu share of fee player losses (30%)", "amount_usd": 1200.0},
    ]
    assert (row["paid_at"], row["balance_due_usd"]) == ("2026-03-05T14:20:00Z", 0.0)
    assert client.get("/api/internal/invoices?status=draft").json()["data"] == []
    assert client.get("/api/internal/invoices?status=open").status_code == 400


def test_an_operators_history(client, invoice):
    make_operator(slug="other")
    path = "/api/internal/operators/example-casino/invoices"
    answer = client.get(path).json()
    assert answer["total"] == 1
    row = answer["data"][0]
    assert (row["spread_revenue_usd"], row["fee_revenue_usd"], row["amount_usd"]) == (4260.0, 1200.0, 5460.0)
    assert row["pdf_url"] == f"/api/internal/invoices/{invoice.id}/pdf"
    for query, total in (
        ("from=2026-02-01&to=2026-02-01", 1),
        ("from=2026-02-02", 0),
        ("to=2026-01-31", 0),
        ("from=2026-01-31T12:00:00Z&to=2026-02-01T00:00:01Z", 1),
        ("status=paid", 0),
    ):
        assert client.get(f"{path}?{query}").json()["total"] == total, query
    assert client.get("/api/internal/operators/other/invoices").json() == {"data": [], "total": 0}
    assert client.get("/api/internal/operators/nobody/invoices").status_code == 404


def test_pages_neither_repeat_nor_skip(client):
    for _ in range(5):
        earn(make_player(make_operator()), at(2026, 2, 3), fee="10")
    invoices.run_month(month=FEBRUARY, now=FIRST)
    seen = [
        row["id"]
        for page in (1, 2, 3, 4)
        for row in client.get(f"/api/internal/invoices?limit=2&page={page}").json()["data"]
    ]
    assert len(seen) == 5 and set(seen) == set(Invoice.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("path", ["inv_none", "trd_01h455vb4pex5vsknk084sn02q", "inv_01h455vb4pex5vsknk084sn02q"])
def test_an_unknown_invoice_is_not_found(client, path):
    for rest in ("", "/pdf", "/lines/1/trades.csv"):
        answer = client.get(f"/api/internal/invoices/{path}{rest}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_the_pdf(client, invoice):
    path = f"/api/internal/invoices/{invoice.id}/pdf"
    answer = client.get(path)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="invoice-{invoice.id}.pdf"'
    assert client.get(path).content == answer.content
    text = text_of(answer.content)
    for wanted in ("INV-2026-00001", "Example NV", "14,200.00 × 30% = 4,260.00", "USD 5,460.00", "15 March 2026"):
        assert wanted in text


def test_credit_notes_and_payments_are_on_the_next_pdf(client, invoice):
    answer = post(client, invoice, "credit-notes", {"amount_usd": 460.0, "reason": "agreed discount"})
    assert answer.status_code == 201
    pay(client, invoice, amount=2000.0)
    data = client.get(f"/api/internal/invoices/{invoice.id}").json()["data"]
    (note,) = data["credit_notes"]
    assert note["number"].startswith("CN-") and note["number"].endswith("-00001")
    assert (note["total_usd"], data["balance_due_usd"]) == (460.0, 3000.0)
    assert data["payment"] == {"method": None, "reference": None, "paid_at": None}
    assert [one["amount_usd"] for one in data["payments"]] == [2000.0]
    text = text_of(client.get(data["pdf_url"]).content)
    assert note["number"] in text and "-460.00" in text and "-2,000.00" in text and "USD 3,000.00" in text
    pdf = client.get(note["pdf_url"])
    assert pdf["Content-Disposition"] == f'attachment; filename="credit-note-{note["number"]}.pdf"'
    text = text_of(pdf.content)
    assert "INV-2026-00001" in text and "agreed discount" in text and "460.00" in text
    assert client.get(note["pdf_url"].replace("CN-", "XX-")).status_code == 404


def test_a_lines_trades_sum_to_the_line_to_the_cent(client):
    player = make_player(make_operator())
    for number in range(1, 40):
        earn(player, at(2026, 2, 1 + number % 28), spread=f"0.{number:02d}", fee="0.07", share="33.33")
        earn(player, at(2026, 2, 15), fee="0.11", settlement="0.05", share="20", kind="settlement_fee", trades=0)
    earn(player, at(2026, 1, 7), spread="-3.33", fee="1.11", share="33.33", kind="void", trades=0)
    invoices.run_month(month=date(2026, 1, 1), now=FIRST)
    invoices.run_month(month=FEBRUARY, now=FIRST)
    data = client.get(f"/api/internal/invoices/{Invoice.objects.get().id}").json()["data"]
    assert len(data["line_items"]) == 4
    for line in data["line_items"]:
        answer = client.get(line["trades_url"])
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
        shares = sum(Decimal(row["share_usd"]) for row in rows)
        assert rows and float(shares) == line["amount_usd"]
        if line["gross_usd"] is not None:
            assert float(sum(Decimal(row["gross_usd"]) for row in rows)) == line["gross_usd"]
            assert {float(row["share_pct"]) for row in rows} == {line["share_pct"]}
    assert data["line_items"][-1]["description"] == "Carried forward from 1 to 31 January 2026"
    assert client.get(line["trades_url"].replace("/4/", "/5/")).status_code == 404


def test_sending_paying_and_reminding_need_the_permission_and_the_right_status(client, invoice, settings):
    reader = Client(headers=as_admin(make_admin("Risk")))
    for act in ("send", "payments", "credit-notes", "reminders"):
        assert post(reader, invoice, act, {"reason": "because"}).status_code == 403
    assert post(client, invoice, "send", {"reason": "because"}).json()["error"]["code"] == "CONFLICT"
    assert post(client, invoice, "reminders", {"reason": "asked for"}).status_code == 202
    assert post(client, invoice, "reminders", {"reason": "asked for"}).status_code == 409
    assert InvoiceMail.objects.filter(kind="reminder").count() == 1
    assert pay(client, invoice).status_code == 201
    assert pay(client, invoice).status_code == 409
    assert post(client, invoice, "reminders", {"reason": "asked for"}).status_code == 409
    assert Payment.objects.count() == 1
    actions = list(AuditEntry.objects.filter(object_id=invoice.id).order_by("id").values_list("action", flat=True))
    assert sorted(actions) == ["invoice.payment", "invoice.remind", "invoice.send"]


def test_a_payment_is_taken_back(client, invoice):
    payment = pay(client, invoice).json()["data"]["payments"][0]
    answer = post(client, invoice, f"payments/{payment['id']}/reverse", {"reason": "wrong invoice"})
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert (data["balance_due_usd"], data["payment"]["method"]) == (5460.0, None)
    assert [one["amount_usd"] for one in data["payments"]] == [5460.0, -5460.0]
    assert "Payment received" not in text_of(client.get(data["pdf_url"]).content)
    assert post(client, invoice, "payments/pay_x/reverse", {"reason": "wrong"}).status_code == 404


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"amount_usd": 0}, "amount_usd"),
        ({"amount_usd": 1.005}, "amount_usd"),
        ({"amount_usd": "5"}, "amount_usd"),
        ({"amount_usd": 5460.01}, "amount_usd"),
        ({"method": "goats"}, "method"),
        ({"reference": ""}, "reference"),
        ({"paid_at": "2999-01-01"}, "paid_at"),
        ({"paid": True}, "paid"),
    ],
)
def test_bad_payments_record_nothing(client, invoice, changes, field):
    body = {"amount_usd": 10, "method": "wire", "reference": "WIR-1", **changes}
    answer = post(client, invoice, "payments", body)
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, [field])
    assert not Payment.objects.exists()


def test_the_detail_of_a_draft_shows_what_there_is(client, settings):
    settings.PREDICTU_BILLING_HOLD_FOR_REVIEW = True
    february(make_operator(billing_email="pay@casino.example"))
    invoices.run_month(month=FEBRUARY, now=FIRST)
    draft = Invoice.objects.get()
    data = client.get(f"/api/internal/invoices/{draft.id}").json()["data"]
    assert (data["status"], data["number"], data["issued_at"]) == ("draft", None, None)
    assert data["operator_contact_email"] == "pay@casino.example"
    assert "DRAFT" in text_of(client.get(data["pdf_url"]).content)
    assert post(client, draft, "send", {}).status_code == 422
    assert post(client, draft, "send", {"reason": "reviewed"}).json()["data"]["status"] == "sent"
    assert post(client, draft, "credit-notes", {"amount_usd": 6000, "reason": "too much"}).status_code == 422


def test_the_list_costs_the_same_for_one_and_for_many(client, django_assert_max_num_queries):
    for _ in range(6):
        earn(make_player(make_operator()), at(2026, 2, 3), fee="10")
    invoices.run_month(month=FEBRUARY, now=FIRST)
    for one in Invoice.objects.all():
        credit_notes.issue(invoice=one, amount_usd=Decimal(1), reason="x", actor=make_admin(), now=at(2026, 3, 2))
    with django_assert_max_num_queries(7):
        rows = client.get("/api/internal/invoices").json()["data"]
    assert [row["balance_due_usd"] for row in rows] == [2.0] * 6
