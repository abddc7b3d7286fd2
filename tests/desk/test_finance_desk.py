"""Finance at its desk: find what is owed, see the consequences, act with a reason, and find it in the audit trail."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import roles
from billing.models import CreditNote, Invoice, InvoiceMail, MonthClose, MonthNote, Payment
from billing.services import invoices, mails
from predictu.admin_base import url_of
from predictu.platform.models import AuditEntry, Heartbeat
from reports.models import StoredForecast
from tests.billing.facts import at, february
from tests.factories import make_admin, make_operator

pytestmark = pytest.mark.django_db
FEBRUARY, FIRST = date(2026, 2, 1), at(2026, 3, 1, 0, 5)
DESK = "/admin/finance/"


@pytest.fixture(autouse=True)
def spring():
    with time_machine.travel("2026-04-20T10:00:00Z", tick=False):
        yield


@pytest.fixture
def operator():
    return make_operator(slug="example-casino", name="Example Casino", tax_rate_pct=Decimal(10))


@pytest.fixture
def invoice(operator, django_capture_on_commit_callbacks):
    """February, sent on 1 March, due on the 15th: 5,460 and a tax of 546."""
    february(operator)
    with django_capture_on_commit_callbacks(execute=True):
        invoices.run_month(month=FEBRUARY, now=FIRST)
    invoices.mark_overdue(now=at(2026, 3, 15, 1))
    return Invoice.objects.get()


@pytest.fixture
def draft(operator, settings):
    settings.PREDICTU_BILLING_HOLD_FOR_REVIEW = True
    february(operator)
    invoices.run_month(month=FEBRUARY, now=FIRST)
    return Invoice.objects.get()


def enter(*groups):
    admin = make_admin(*(groups or (roles.FINANCE,)))
    client = Client()
    client.force_login(admin)
    return admin, client


def act(row, name):
    return url_of(type(row), row.pk) + f"act/{name}/"


def page(client, row):
    return client.get(url_of(type(row), row.pk)).content.decode()


def text_of(answer):
    return answer.content.decode()


def test_the_desk_shows_who_owes_how_long_and_leads_to_the_invoice(invoice):
    _, client = enter()
    shown = text_of(client.get(DESK))
    # 36 days past due, all of it from one operator.
    row = "".join(f'<td class="is-fixed">{cell}</td>' for cell in ("Example Casino", "2026-02", "15 March 2026"))
    assert row in shown and 'class="is-number">36</td>' in shown
    assert ">$6,006.00</p>" in shown.split('data-card="past-due"')[1] and url_of(Invoice, invoice.pk) in shown
    ageing = shown.split('data-table="receivables-by-days-past-due"')[1].split("</table>")[0]
    assert ageing.count('<td class="is-number">6,006.00</td>') == 4, "31-60 and total, of the operator and of all"
    assert client.get(DESK, {"month": "nonsense"}).status_code == 200
    assert Client().get(DESK).status_code == 302


def test_the_desk_costs_the_same_for_one_operator_and_for_many(invoice):
    _, client = enter()

    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert client.get(DESK, {"month": "2026-02"}).status_code == 200
        return len(seen)

    client.get(DESK)
    before = queries()
    for _ in range(4):
        february(make_operator())
    invoices.run_month(month=FEBRUARY, now=FIRST)
    assert Invoice.objects.count() == 5
    assert queries() == before <= 45


def test_a_draft_is_sent(draft, django_capture_on_commit_callbacks):
    admin, client = enter()
    assert url_of(Invoice, draft.pk) in text_of(client.get(DESK)).split('data-table="waiting-to-be-sent"')[1]
    asked = text_of(client.get(act(draft, "send")))
    for told in ("INV-2026-00001", "5,460.00", "546.00", "6,006.00", "4 May 2026", "the contact"):
        assert told in asked
    draft.refresh_from_db()
    assert draft.is_draft, "asking moves nothing"
    mail.outbox = []
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(act(draft, "send"), {"reason": "Looked at"}).status_code == 302
    draft.refresh_from_db()
    assert (draft.status, draft.number, draft.total_usd) == ("sent", "INV-2026-00001", Decimal("6006.00"))
    assert draft.due_at == at(2026, 5, 4)
    assert [name for name, _, _ in mail.outbox[0].attachments] == ["INV-2026-00001.pdf"]
    row = AuditEntry.objects.get(action="invoice.send")
    assert (row.actor_id, row.reason, row.address) == (admin.id, "Looked at", "127.0.0.1")
    shown = page(client, draft)
    assert "Looked at" in shown and 'data-act="send"' not in shown
    again = client.post(act(draft, "send"), {"reason": "Again"})
    assert (again.status_code, "Only a draft" in text_of(again)) == (400, True)
    assert AuditEntry.objects.filter(action="invoice.send").count() == 1


def test_an_invoice_is_paid_in_parts(invoice):
    admin, client = enter()
    shown = page(client, invoice)
    assert 'data-act="payment"' in shown and 'data-act="send"' not in shown
    asked = text_of(client.get(act(invoice, "payment")))
    assert "6,006.00" in asked and 'value="6006.00"' in asked
    part = {"amount_usd": "1000", "method": "wire", "reference": "ref-1", "paid_at": "2026-04-17", "reason": "By bank"}
    assert client.post(act(invoice, "payment"), part).status_code == 302
    payment = Payment.objects.get()
    assert (payment.amount_usd, payment.paid_at, payment.recorded_by_id) == (1000, at(2026, 4, 17), admin.id)
    assert "5,006.00" in page(client, invoice) and "ref-1" in page(client, invoice)
    for wrong, told in (
        ({"amount_usd": "5006.01", "reference": "ref-2"}, "is more than the 5006.00"),
        ({"amount_usd": "0", "reference": "ref-2"}, "greater than or equal to 0.01"),
        ({"amount_usd": "1", "reference": "ref-1"}, "is recorded on this invoice"),
        ({"amount_usd": "1", "reference": "ref-2", "paid_at": "2026-04-21"}, "must not be in the future"),
        ({"amount_usd": "1", "reference": "ref-2", "reason": " "}, "This field is required"),
    ):
        refused = client.post(act(invoice, "payment"), part | wrong)
        assert (refused.status_code, told in text_of(refused)) == (400, True), wrong
    assert Payment.objects.count() == AuditEntry.objects.filter(action="invoice.payment").count() == 1
    rest = part | {"amount_usd": "5006", "reference": "ref-2", "reason": "The rest"}
    assert client.post(act(invoice, "payment"), rest).status_code == 302
    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at) == ("paid", at(2026, 4, 17))
    assert 'data-act="payment"' not in page(client, invoice)
    reasons = AuditEntry.objects.filter(object_id=invoice.id, action="invoice.payment").order_by("created_at", "id")
    assert sorted(reasons.values_list("reason", flat=True)) == ["By bank", "The rest"]

    assert client.post(act(payment, "reverse"), {"reason": "Returned by the bank"}).status_code == 302
    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at) == ("overdue", None)
    assert "1,000.00" in text_of(client.get(DESK)).split('data-table="sent-and-not-paid"')[1]
    assert AuditEntry.objects.get(action="invoice.payment_reversed").reason == "Returned by the bank"
    assert client.post(act(payment, "reverse"), {"reason": "Twice"}).status_code == 400
    assert Payment.objects.count() == 3


def test_a_credit_note_is_linked_both_ways_and_takes_its_tax_along(invoice):
    _, client = enter()
    asked = text_of(client.get(act(invoice, "credit-note")))
    assert "CN-2026-00001" in asked and "5,460.00" in asked
    refused = client.post(act(invoice, "credit-note"), {"amount_usd": "5460.01", "reason": "All of it and more"})
    assert refused.status_code == 400 and not CreditNote.objects.exists()
    given = {"amount_usd": "460", "reason": "Trades of a test user"}
    assert client.post(act(invoice, "credit-note"), given).status_code == 302
    note = CreditNote.objects.get()
    assert (note.number, note.total_usd) == ("CN-2026-00001", Decimal("506.00"))
    assert url_of(CreditNote, note.pk) in page(client, invoice) and "5,500.00" in page(client, invoice)
    assert url_of(Invoice, invoice.pk) in page(client, note)
    document = client.get(url_of(CreditNote, note.pk) + "credit-note.pdf")
    assert (document["Content-Type"], document.content[:5]) == ("application/pdf", b"%PDF-")
    assert AuditEntry.objects.get(action="invoice.credit_note").reason == "Trades of a test user"
    assert InvoiceMail.objects.filter(credit_note=note).count() == 1


def test_a_reminder_is_sent_and_not_twice_at_once(invoice, django_capture_on_commit_callbacks):
    _, client = enter()
    asked = text_of(client.get(act(invoice, "reminder")))
    assert "Days past due" in asked and ">36<" in asked and "Reminders so far" in asked
    assert client.post(act(invoice, "reminder"), {"reason": "Five weeks late"}).status_code == 302
    again = client.post(act(invoice, "reminder"), {"reason": "Quickly"})
    assert (again.status_code, "on its way" in text_of(again)) == (400, True)
    assert InvoiceMail.objects.filter(kind="reminder").count() == 1
    assert AuditEntry.objects.get(action="invoice.remind").reason == "Five weeks late"


def test_a_mail_that_was_given_up_goes_out_again_to_the_address_of_today(invoice, operator):
    lost = InvoiceMail.objects.get()
    _, client = enter()
    assert client.post(act(lost, "again"), {"reason": "Try"}).status_code == 400, "it went out"
    InvoiceMail.objects.update(sent_at=None, failed_at=FIRST, attempts=8, error="SMTPRecipientsRefused")
    assert "failed" in page(client, invoice)
    operator.billing_email = "billing@example-casino.example"
    operator.save(update_fields=["billing_email"])
    mail.outbox = []
    assert client.post(act(lost, "again"), {"reason": "They mended their mailbox"}).status_code == 302
    lost.refresh_from_db()
    assert mails.deliver(lost.pk, now=lost.next_attempt_at)
    assert mail.outbox[0].to == ["billing@example-casino.example"]
    assert AuditEntry.objects.get(action="invoice.mail_again").reason == "They mended their mailbox"


def test_the_page_shows_its_pdf_in_a_frame_and_its_lines_lead_to_their_trades(invoice):
    _, client = enter(roles.READ_ONLY)
    base = url_of(Invoice, invoice.pk)
    shown = page(client, invoice)
    assert f'<iframe src="{base}invoice.pdf#' in shown
    document = client.get(base + "invoice.pdf")
    assert (document["Content-Type"], document["X-Frame-Options"]) == ("application/pdf", "SAMEORIGIN")
    assert "frame-ancestors 'self'" in document["Content-Security-Policy"]
    for line in invoice.lines.all():
        assert f"{base}lines/{line.number}.csv" in shown
        rows = b"".join(client.get(f"{base}lines/{line.number}.csv").streaming_content).decode().splitlines()[1:]
        assert sum(Decimal(row.rsplit(",", 1)[1]) for row in rows) == line.amount_usd
        assert sum(Decimal(row.rsplit(",", 3)[1]) for row in rows) == line.gross_usd
    assert client.get(f"{base}lines/9.csv").status_code == 404
    assert "ops@" not in shown, "whom it was mailed to is for who may see personal data"
    assert Client().get(base + "invoice.pdf").status_code == 302


def test_a_month_is_looked_at_explained_verified_and_closed(
    invoice, django_capture_on_commit_callbacks, settings, tmp_path
):
    settings.PREDICTU_ANCHOR_DIR = str(tmp_path)
    InvoiceMail.objects.update(sent_at=None, failed_at=FIRST)
    _, client = enter()
    month = {"month": "2026-02"}
    shown = text_of(client.get(DESK, month))
    assert 'data-check="ledger" data-ok="no"' in shown and 'data-check="mails" data-ok="no"' in shown
    assert 'data-check="amounts" data-ok="yes"' in shown and 'data-act="close"' not in shown
    refused = client.post(f"{DESK}2026-02/close/", {"reason": "All the same"})
    assert (refused.status_code, "ledger: The ledger was not verified" in text_of(refused)) == (400, True)
    assert not MonthClose.objects.exists()
    assert client.post(f"{DESK}2026-02/explain-mails/", {"reason": "Handed over in person"}).status_code == 302
    assert MonthNote.objects.get().reason == "Handed over in person"
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"{DESK}2026-02/verify/", {"reason": "Before closing"}).status_code == 302
    found = Heartbeat.objects.get(name="ledger").detail["findings"]
    assert found == [], "the facts of this test stand without trades, which is no matter of the ledger"
    shown = text_of(client.get(DESK, month))
    assert 'data-act="close"' in shown and "Handed over in person" in shown
    asked = text_of(client.get(f"{DESK}2026-02/close/"))
    assert "5,460.00" in asked and "8 of 8" in asked
    assert client.post(f"{DESK}2026-02/close/", {"reason": "Filed with the auditors"}).status_code == 302
    row = MonthClose.objects.get()
    assert (row.gross_usd, row.share_usd) == (Decimal("18200.00"), Decimal("5460.00"))
    shown = text_of(client.get(DESK, month))
    assert "Filed with the auditors" in shown and 'data-act="close"' not in shown
    trail = AuditEntry.objects.filter(object_id="2026-02").order_by("created_at", "id").values_list("action", flat=True)
    assert sorted(trail) == ["billing.close_month", "billing.explain", "billing.verify_ledger"]
    for path in ("2026-2/close/", "2026-02/nothing/"):
        assert client.get(f"{DESK}{path}").status_code == 404


def test_forecasts_are_shown_with_how_they_did():
    StoredForecast.objects.create(
        horizon_days=30,
        starts_on=date(2026, 3, 1),
        ends_on=date(2026, 3, 30),
        document={"accuracy": {"mase": 0.81, "coverage_pct": 78.0}},
        model="theta",
        projected_usd=1000,
        low_usd=900,
        high_usd=1100,
        actual_usd=1250,
        scored_at=at(2026, 3, 31),
        generated_at=at(2026, 2, 28),
    )
    _, client = enter()
    shown = text_of(client.get(DESK))
    table = shown.split('data-table="forecasts"')[1].split("</table>")[0]
    for told in ("0.81", "78.0%", "theta", "900.00 to 1,100.00", "20.0%"):
        assert told in table
    over = shown.split('data-table="forecasts-whose-days-are-over"')[1]
    assert "1,250.00" in over and ">no</td>" in over


@pytest.mark.parametrize("role", [roles.READ_ONLY, roles.RISK])
def test_who_may_not_is_offered_nothing_and_moves_nothing(role, invoice):
    _, client = enter(role)
    assert "data-act" not in page(client, invoice)
    assert "data-act" not in text_of(client.get(DESK, {"month": "2026-02"}))
    before = list(Invoice.objects.values())
    given = {"amount_usd": "1", "method": "wire", "reference": "r", "reason": "x"}
    for name in ("send", "payment", "credit-note", "reminder"):
        assert client.post(act(invoice, name), given).status_code == 403
    for name in ("verify", "close", "explain-mails"):
        assert client.post(f"{DESK}2026-02/{name}/", given).status_code == 403
    assert list(Invoice.objects.values()) == before
    assert not Payment.objects.exists() and not CreditNote.objects.exists() and not MonthNote.objects.exists()
