"""Mails that are owed: sent once, tried again, given up at last."""

from datetime import date

import pytest
from django.core import mail

from billing.models import Invoice, InvoiceMail
from billing.services import credit_notes, invoices, mails, reminders
from billing.tasks import bill_last_month, sweep_mails
from predictu.platform.models import ActivityEvent
from tests.billing.facts import at, february
from tests.factories import make_admin, make_operator
from tests.pdfs import text_of

pytestmark = pytest.mark.django_db
FEBRUARY, FIRST = date(2026, 2, 1), at(2026, 3, 1, 0, 5)


@pytest.fixture
def owed():
    february(make_operator(billing_email="bills@casino.example", contact_email="ops@casino.example"))
    invoices.run_month(month=FEBRUARY, now=FIRST)
    return InvoiceMail.objects.get()


def test_the_invoice_goes_to_the_billing_address_with_its_pdf(owed):
    assert mails.due(now=FIRST) == [owed.pk]
    assert mails.deliver(owed.pk, now=FIRST)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["bills@casino.example"], "Invoice INV-2026-00001")
    assert "USD 5,460.00, payable by 15 March 2026" in sent.body
    ((name, content, kind),) = sent.attachments
    assert (name, kind) == ("INV-2026-00001.pdf", "application/pdf")
    assert "INV-2026-00001" in text_of(content)
    assert sent.extra_headers["Message-ID"] == f"<mail-{owed.pk}@billing.predictu>"
    assert not mails.deliver(owed.pk, now=at(2026, 3, 2))
    assert len(mail.outbox) == 1 and mails.due(now=at(2027, 1, 1)) == []


def test_without_a_billing_address_it_goes_to_the_contact():
    february(make_operator(billing_email="", contact_email="ops@casino.example"))
    invoices.run_month(month=FEBRUARY, now=FIRST)
    assert InvoiceMail.objects.get().recipient == "ops@casino.example"


def test_a_mail_server_that_is_down_is_tried_again_and_staff_are_told_in_the_end(owed, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1
    now = FIRST
    for attempt, pause in enumerate(mails.PAUSES, start=1):
        assert not mails.deliver(owed.pk, now=now)
        owed.refresh_from_db()
        assert (owed.attempts, owed.error, owed.sent_at) == (attempt, "ConnectionRefusedError", None)
        assert owed.next_attempt_at == now + pause
        assert not mails.deliver(owed.pk, now=now)
        now = owed.next_attempt_at
    assert not mails.deliver(owed.pk, now=now)
    owed.refresh_from_db()
    assert (owed.failed_at, owed.next_attempt_at, owed.attempts) == (now, None, len(mails.PAUSES) + 1)
    assert ActivityEvent.objects.filter(title="Invoice mail failed", severity="critical").count() == 1
    assert Invoice.objects.get().status == "sent"


def test_it_goes_out_once_the_server_is_back(owed, settings):
    down, up = "django.core.mail.backends.smtp.EmailBackend", settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = down, "127.0.0.1", 9
    assert not mails.deliver(owed.pk, now=FIRST)
    settings.EMAIL_BACKEND = up
    assert mails.deliver(owed.pk, now=FIRST + mails.PAUSES[0])
    owed.refresh_from_db()
    assert (len(mail.outbox), owed.error, owed.attempts) == (1, "", 2)


def test_a_worker_that_died_costs_a_lease(owed):
    InvoiceMail.objects.filter(pk=owed.pk).update(attempts=1, next_attempt_at=FIRST + mails.LEASE)
    assert not mails.deliver(owed.pk, now=FIRST)
    assert mails.deliver(owed.pk, now=FIRST + mails.LEASE)


def test_reminders_and_credit_notes_are_worded(owed):
    invoice, admin = Invoice.objects.get(), make_admin()
    reminder = reminders.remind(invoice=invoice, actor=admin, reason="late", now=at(2026, 4, 1))
    note = credit_notes.issue(invoice=invoice, amount_usd=460, reason="discount", actor=admin, now=at(2026, 4, 2))
    for one in (reminder, InvoiceMail.objects.get(credit_note=note)):
        assert mails.deliver(one.pk, now=at(2026, 4, 3))
    first, second = mail.outbox
    assert first.subject == "Reminder: invoice INV-2026-00001" and "USD 5,000.00" in first.body
    assert second.subject == "Credit note CN-2026-00001 for invoice INV-2026-00001"
    assert "over USD 460.00" in second.body and "USD 5,000.00 remain due" in second.body


def test_the_jobs(owed, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        sweep_mails()
    assert len(mail.outbox) == 1
    bill_last_month()
    assert Invoice.objects.count() == 1
