"""Runs at the same moment, transactions that are still open, and mails claimed twice; on committed data."""

import threading
from datetime import date, timedelta

import psycopg
import pytest
from django.core import mail
from django.db import connection, connections

from billing.errors import MonthOpen
from billing.models import Invoice, InvoiceMail, NumberSeries
from billing.services import drafts, invoices, mails
from predictu import clock
from tests import databases
from tests.billing.facts import at, earn
from tests.factories import make_operator, make_player

pytestmark = pytest.mark.committed
FEBRUARY, FIRST = date(2026, 2, 1), at(2026, 3, 1, 0, 5)


def together(work, count=4):
    """Run ``work`` in threads that start at the same moment; what each raised."""
    barrier, problems = threading.Barrier(count), []

    def run():
        try:
            barrier.wait()
            work()
        except Exception as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


def test_four_runs_at_once_make_one_invoice_each_and_mail_it_once():
    for _ in range(5):
        earn(make_player(make_operator()), at(2026, 2, 3), fee="10")
    mail.outbox = []
    assert together(lambda: invoices.run_month(month=FEBRUARY, now=FIRST)) == []
    assert sorted(Invoice.objects.values_list("number", flat=True)) == [f"INV-2026-{n:05d}" for n in range(1, 6)]
    assert NumberSeries.objects.get().last == 5
    assert len(mail.outbox) == InvoiceMail.objects.exclude(sent_at=None).count() == 5


def test_a_mail_is_claimed_by_one_worker(monkeypatch):
    monkeypatch.setattr("predictu.jobs.enqueue", lambda *arguments: None)
    earn(make_player(make_operator()), at(2026, 2, 3), fee="10")
    invoices.run_month(month=FEBRUARY, now=FIRST)
    mail.outbox = []
    owed = InvoiceMail.objects.get()
    sent = []
    assert together(lambda: sent.append(mails.deliver(owed.pk, now=FIRST))) == []
    assert sorted(sent) == [False, False, False, True] and len(mail.outbox) == 1


def test_a_month_waits_for_transactions_older_than_its_end():
    """The month ends, for this test, a moment after a transaction began that is still open."""
    earn(make_player(make_operator()), at(2026, 2, 3), fee="10")
    month = clock.now().date().replace(day=1)
    with psycopg.connect(databases.url_of(databases.own_name())) as open_one:
        open_one.execute("SELECT 1")
        with pytest.raises(MonthOpen, match="1 transactions"):
            drafts.require_closed(month, now=clock.next_month(clock.now()) + timedelta(days=1))
        drafts.require_closed(FEBRUARY, now=clock.now())
        open_one.rollback()
        drafts.require_closed(month, now=clock.next_month(clock.now()) + timedelta(days=1))
    assert connection.in_atomic_block is False
