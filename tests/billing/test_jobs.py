"""The month's run as production has it: in a Celery worker, tried again while the month is open, and twice at once."""

import time
from datetime import timedelta

import psycopg
import pytest

from billing import months
from billing.models import Invoice, InvoiceMail, NumberSeries
from predictu import clock, jobs
from tests import databases
from tests.billing.facts import earn
from tests.factories import make_operator, make_player

pytestmark = [pytest.mark.committed, pytest.mark.slow]
RUN = "billing.tasks.bill_last_month"

# For the worker it is six minutes past midnight on the 1st of the month to come, so that this month is the last.
LATER = """
import datetime
import time_machine
time_machine.travel(datetime.datetime({year}, {month}, 1, 0, 6, tzinfo=datetime.UTC), tick=True).start()
"""


def until(true, what, *, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def test_two_runs_wait_for_an_open_transaction_and_then_bill_once(celery_worker_process, tmp_path):
    month = clock.now().date().replace(day=1)
    first = months.end(month)
    folder = tmp_path / "calendar"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(LATER.format(year=first.year, month=first.month))
    for _ in range(3):
        earn(make_player(make_operator()), months.start(month) + timedelta(hours=2), fee="10")
    with psycopg.connect(databases.url_of(databases.own_name())) as writing:
        writing.execute("SELECT 1")
        worker = celery_worker_process(
            queue="slow",
            PYTHONPATH=str(folder),
            PREDICTU_BILLING_RETRY_SECONDS="1",
            EMAIL_BACKEND="django.core.mail.backends.console.EmailBackend",
        )
        for _ in range(2):
            jobs.enqueue(RUN)
        told = worker.log.read_text
        until(lambda: told().count("are still open") >= 3, "both found the open transaction, and one of them again")
        assert not Invoice.objects.exists(), "a month that may still be written is not billed"
        writing.rollback()
    until(lambda: InvoiceMail.objects.exclude(sent_at=None).count() == 3, "three invoices are mailed")
    until(lambda: succeeded(told()) == 2, "both runs come to an end")
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == [f"INV-{first.year}-{number:05d}" for number in range(1, 4)]
    assert NumberSeries.objects.get().last == 3
    assert [told().count(f"Subject: Invoice {number}") for number in numbers] == [1, 1, 1]


def succeeded(log):
    return sum(RUN in line and "succeeded" in line for line in log.splitlines())
