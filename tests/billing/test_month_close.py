"""The month-close check names what keeps a month open, and nothing else."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from billing.errors import MonthIsClosed, MonthNotReady
from billing.models import InvoiceMail, MonthClose, MonthNote, NumberSeries
from billing.services import invoices, mails, month_close
from operators.models import CallbackEvent, Delivery
from predictu import ids
from predictu.errors import ValidationFailed
from predictu.platform.models import AuditEntry, Heartbeat
from tests.billing.facts import at, earn, february
from tests.factories import make_admin, make_operator, make_player

pytestmark = pytest.mark.django_db
FEBRUARY, FIRST = date(2026, 2, 1), at(2026, 3, 1, 0, 5)


def failing(now=FIRST, **how):
    return {one.name: one.findings for one in month_close.check(month=FEBRUARY, now=now, **how) if not one.ok}


@pytest.fixture
def closed():
    """A February that can be closed: an invoice, and a losing month that is carried on."""
    operator = make_operator(slug="example-casino")
    february(operator)
    earn(make_player(make_operator()), at(2026, 2, 3), spread="-5", kind="void", trades=0)
    invoices.run_month(month=FEBRUARY, now=FIRST)
    for pk in mails.due(now=FIRST):
        mails.deliver(pk, now=FIRST)
    Heartbeat.objects.create(name="ledger", seen_at=FIRST, detail={"findings": []})
    return operator


def test_a_month_in_order(closed):
    assert failing() == {}


def test_the_ledger_has_to_be_verified(closed):
    Heartbeat.objects.update(detail={"findings": [{"check": "balances", "count": 2}]})
    assert failing() == {"ledger": ("balances: 2 wrong.",)}
    Heartbeat.objects.update(seen_at=at(2026, 2, 28))
    assert failing() == {"ledger": ("The ledger was not verified since the month ended.",)}


def test_the_ledger_is_verified_now_where_that_is_wished():
    make_player(make_operator(), trade_count=7)
    (found,) = failing(verify=True)["ledger"]
    assert "counters: 1 wrong" in found


def test_before_its_end_a_month_is_open(closed):
    assert list(failing(now=at(2026, 2, 28))) == ["over"]


def test_operators_that_were_not_billed_and_drafts(closed, settings):
    late = make_operator(slug="late")
    earn(make_player(late), at(2026, 2, 9), fee="10")
    assert failing() == {"invoices": ("late is not billed.",)}
    settings.PREDICTU_BILLING_HOLD_FOR_REVIEW = True
    invoices.run_month(month=FEBRUARY, now=FIRST)
    assert failing() == {"invoices": ("The invoice of late is a draft.",)}


def test_amounts_that_are_not_the_revenues(closed):
    earn(make_player(closed), at(2026, 2, 9), fee="10")
    assert failing() == {"amounts": ("example-casino: billed on 5,460.00, earned 5,463.00.",)}


def test_broken_seals_and_missing_numbers(closed):
    NumberSeries.objects.update(last=2)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_invoice DISABLE TRIGGER invoice_sealed")
        cursor.execute("UPDATE billing_invoice SET trade_count = 1")
    assert failing() == {
        "seals": (
            "INV-2026-00001 is not what was sealed.",
            "2 numbers of 2026 were taken, 1 invoices carry one.",
        )
    }


def test_mails_and_callbacks_may_be_explained(closed):
    InvoiceMail.objects.update(sent_at=None, failed_at=FIRST)
    for state in ("dead", "slow", "confirmed", "recorded"):
        event = CallbackEvent.objects.create(
            id=ids.new("dlv"), operator=closed, event="TRADE_PLACED", body=b"{}", created_at=at(2026, 2, 5)
        )
        Delivery.objects.create(event=event, operator=closed, state=state)
    assert failing() == {
        "callbacks": (
            "example-casino: 1 callbacks are dead.",
            "example-casino: 1 callbacks are slow.",
        ),
        "mails": ("The invoice mail of INV-2026-00001 failed.",),
    }
    admin = make_admin("Finance")
    for name in ("callbacks", "mails"):
        month_close.explain(month=FEBRUARY, name=name, reason="agreed by phone", actor=admin, now=FIRST)
    assert failing() == {}
    with pytest.raises(ValidationFailed):
        month_close.explain(month=FEBRUARY, name="amounts", reason="trust me", actor=admin, now=FIRST)
    with pytest.raises(DatabaseError), transaction.atomic():
        MonthNote.objects.update(reason="other")
    assert MonthNote.objects.count() == 2


def test_a_month_is_closed_once_and_held_against_what_it_was(closed):
    admin = make_admin("Finance")
    late = make_operator(slug="late")
    earn(make_player(late), at(2026, 2, 9), fee="10")
    with pytest.raises(MonthNotReady) as refused:
        month_close.close(month=FEBRUARY, reason="filed", actor=admin, now=FIRST)
    assert refused.value.details == {"invoices": ["late is not billed."]}
    assert not MonthClose.objects.exists() and not AuditEntry.objects.filter(action="billing.close_month").exists()
    invoices.run_month(month=FEBRUARY, now=FIRST)
    for pk in mails.due(now=FIRST):
        mails.deliver(pk, now=FIRST)
    row = month_close.close(month=FEBRUARY, reason="filed", actor=admin, now=FIRST)
    # 18,200 and 10 earned, 5 given back: at 30 % 5,460 + 3 - 1.50
    assert (row.gross_usd, row.share_usd) == (Decimal("18205.00"), Decimal("5461.50"))
    assert AuditEntry.objects.get(action="billing.close_month").object_id == "2026-02"
    with pytest.raises(MonthIsClosed):
        month_close.close(month=FEBRUARY, reason="again", actor=admin, now=FIRST)
    earn(make_player(late), at(2026, 2, 9), fee="1")
    assert failing()["unchanged"] == (
        "Gross revenue was 18,205.00 when the month was closed and is 18,206.00.",
        "Predictu's share was 5,461.50 when the month was closed and is 5,461.80.",
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        MonthClose.objects.update(gross_usd=1)


def test_the_ledger_is_verified_on_demand(closed, django_capture_on_commit_callbacks, settings, tmp_path):
    settings.PREDICTU_ANCHOR_DIR = str(tmp_path)
    Heartbeat.objects.all().delete()
    assert list(failing()) == ["ledger"]
    with django_capture_on_commit_callbacks(execute=True):
        month_close.ask_to_verify(month=FEBRUARY, reason="now", actor=make_admin("Finance"), now=FIRST)
    assert failing() == {}
    assert AuditEntry.objects.get(action="billing.verify_ledger").reason == "now"


def test_the_command(capsys):
    call_command("close_month", "--month", "2026-02")
    assert "2026-02 can be closed" in capsys.readouterr().out
    earn(make_player(make_operator(slug="late")), at(2026, 2, 9), fee=Decimal(10))
    with pytest.raises(CommandError, match="2026-02 cannot be closed"):
        call_command("close_month", "--month", "2026-02")
    told = capsys.readouterr().out
    assert "NOT OK  Every operator with revenue" in told and "late is not billed." in told
    with pytest.raises(CommandError):
        call_command("close_month", "--month", "last")
