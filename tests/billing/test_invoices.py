"""The monthly run, sending, the seal, payments, credit notes and falling due."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from billing import queries, seal
from billing.errors import AlreadyRecorded, MonthOpen, WrongStatus
from billing.models import CarriedMonth, Invoice, InvoiceLine, InvoiceMail, NumberSeries, Payment
from billing.services import credit_notes, invoices
from predictu.errors import ValidationFailed
from predictu.platform.models import ActivityEvent, AuditEntry
from tests.billing.facts import at, earn, february
from tests.factories import make_admin, make_operator, make_player

pytestmark = pytest.mark.django_db
FEBRUARY = date(2026, 2, 1)
FIRST = at(2026, 3, 1, 0, 5)


def billed(operator=None, **changes):
    """The documents' invoice, sent."""
    operator = operator or make_operator(**changes)
    february(operator)
    invoices.run_month(month=FEBRUARY, now=FIRST)
    return Invoice.objects.get(operator=operator)


def pay(invoice, amount, reference="WIR-1", **changes):
    values = {"method": "wire", "paid_at": at(2026, 3, 5), "actor": make_admin(), "now": at(2026, 3, 6), **changes}
    return invoices.record_payment(invoice=invoice, amount_usd=Decimal(amount), reference=reference, **values)


def lines_of(invoice):
    return [(line.kind, line.share_pct, line.gross_usd, line.amount_usd) for line in invoice.lines.all()]


def test_the_documents_invoice():
    invoice = billed()
    assert lines_of(invoice) == [
        ("spread", Decimal(30), Decimal("14200.00"), Decimal("4260.00")),
        ("fees", Decimal(30), Decimal("4000.00"), Decimal("1200.00")),
    ]
    assert (invoice.amount_usd, invoice.gross_usd - invoice.share_usd) == (Decimal("5460.00"), Decimal("12740.00"))
    assert (invoice.trade_volume_usd, invoice.trade_count, invoice.unique_traders) == (Decimal(182000), 8420, 3)
    assert (invoice.status, invoice.number) == ("sent", "INV-2026-00001")
    assert (invoice.issued_at, invoice.due_at, invoice.sent_at) == (at(2026, 3, 1), at(2026, 3, 15), FIRST)
    assert seal.holds(invoice)


def test_the_operators_example_of_share_amounts():
    operator = make_operator()
    earn(make_player(operator), at(2026, 2, 3), spread="14000", fee="4200", volume="182000", trades=8420)
    invoices.run_month(month=FEBRUARY, now=FIRST)
    invoice = Invoice.objects.get()
    assert (invoice.spread_share_usd, invoice.fee_share_usd) == (Decimal("4200.00"), Decimal("1260.00"))
    assert invoice.amount_usd == Decimal("5460.00")


def test_a_second_run_changes_nothing():
    invoice = billed()
    before = list(Invoice.objects.values())
    run = invoices.run_month(month=FEBRUARY, now=at(2026, 3, 2))
    assert (run.made, run.sent, run.carried) == ([], [], [])
    assert list(Invoice.objects.values()) == before
    assert InvoiceMail.objects.filter(invoice=invoice).count() == 1


def test_numbers_have_no_gaps_and_start_anew_each_year():
    crowd = [make_player(make_operator()) for _ in range(3)]
    for player in crowd:
        earn(player, at(2025, 12, 5), fee="10")
        earn(player, at(2026, 1, 5), fee="10")
        earn(player, at(2024, 11, 5), fee="10")
    for month in (date(2024, 11, 1), date(2025, 12, 1), date(2026, 1, 1)):
        invoices.run_month(month=month, now=at(2026, 3, 1))
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == ["INV-2024-00001", "INV-2024-00002", "INV-2024-00003"] + [
        f"INV-2026-{number:05d}" for number in range(1, 7)
    ]


def test_a_number_that_was_rolled_back_is_taken_again():
    with pytest.raises(RuntimeError), transaction.atomic():
        billed()
        raise RuntimeError
    assert not NumberSeries.objects.exists()
    assert billed().number == "INV-2026-00001"


def test_two_percentages_have_a_line_per_source_and_percentage():
    player = make_player(make_operator())
    earn(player, at(2026, 2, 3), spread="100.01", fee="33.33", share="30")
    earn(player, at(2026, 2, 20), spread="50.05", fee="10", share="25")
    invoices.run_month(month=FEBRUARY, now=FIRST)
    invoice = Invoice.objects.get()
    assert lines_of(invoice) == [
        ("spread", Decimal(25), Decimal("50.05"), Decimal("12.51")),
        ("spread", Decimal(30), Decimal("100.01"), Decimal("30.00")),
        ("fees", Decimal(25), Decimal("10.00"), Decimal("2.50")),
        ("fees", Decimal(30), Decimal("33.33"), Decimal("10.00")),
    ]
    assert invoice.amount_usd == Decimal("55.01")
    assert invoice.revenue_share_pct == Decimal("28.4")


def test_months_at_or_below_zero_are_carried_to_the_next_invoice_as_lines_of_their_own():
    player = make_player(make_operator())
    earn(player, at(2025, 12, 5), spread="-100", kind="void", trades=0)
    earn(player, at(2026, 1, 5), spread="50", fee="50", trades=2)
    earn(player, at(2026, 2, 5), spread="100", fee="20", trades=3)
    runs = [
        invoices.run_month(month=month, now=FIRST)
        for month in (date(2025, 12, 1), date(2026, 1, 1), FEBRUARY, FEBRUARY)
    ]
    assert [(len(run.made), run.carried) for run in runs] == [
        (0, [player.operator.slug]),
        (0, [player.operator.slug]),
        (1, []),
        (0, []),
    ]
    invoice = Invoice.objects.get()
    assert [(line.kind, line.month.month, line.amount_usd) for line in invoice.lines.all()] == [
        ("spread", 2, Decimal("30.00")),
        ("fees", 2, Decimal("6.00")),
        ("carried", 12, Decimal("-30.00")),
        ("carried", 1, Decimal("30.00")),
    ]
    assert (invoice.amount_usd, invoice.share_usd) == (Decimal("36.00"), Decimal("36.00"))
    assert invoice.spread_share_usd == Decimal("15.00") and invoice.fee_share_usd == Decimal("21.00")
    assert not CarriedMonth.objects.filter(invoice=None).exists()
    earn(player, at(2026, 3, 5), spread="10")
    invoices.run_month(month=date(2026, 3, 1), now=at(2026, 4, 1, 0, 5))
    assert Invoice.objects.get(month=date(2026, 3, 1)).amount_usd == Decimal("3.00")


@pytest.mark.parametrize("now", [at(2026, 2, 28), at(2026, 3, 1), at(2026, 3, 1, 0, 4)])
def test_a_month_that_may_still_be_written_is_not_billed(now):
    february(make_operator())
    with pytest.raises(MonthOpen):
        invoices.run_month(month=FEBRUARY, now=now)
    assert not Invoice.objects.exists()


def test_drafts_wait_for_review_where_that_is_wished(settings):
    settings.PREDICTU_BILLING_HOLD_FOR_REVIEW = True
    invoice = billed()
    assert (invoice.status, invoice.number, invoice.issued_at, invoice.due_at) == ("draft", None, None, None)
    assert not InvoiceMail.objects.exists() and not NumberSeries.objects.exists()
    admin = make_admin()
    sent = invoices.send(invoice=invoice, now=at(2026, 3, 5, 9), actor=admin, reason="looked at it")
    assert (sent.number, sent.issued_at, sent.due_at) == ("INV-2026-00001", at(2026, 3, 1), at(2026, 3, 19))
    entry = AuditEntry.objects.get(action="invoice.send")
    assert (entry.actor, entry.reason, entry.object_id) == (admin, "looked at it", invoice.id)
    with pytest.raises(WrongStatus):
        invoices.send(invoice=invoice, now=at(2026, 3, 5, 9))
    assert NumberSeries.objects.get().last == 1


def test_parties_and_tax_are_those_of_the_sending(settings):
    settings.PREDICTU_BILLING_HOLD_FOR_REVIEW = True
    settings.PREDICTU_BILLING_NAME, settings.PREDICTU_BILLING_ADDRESS = "Predictu Ltd", "1 Street|Valletta"
    settings.PREDICTU_BILLING_PAYMENT = "Bank: Example Bank|IBAN: MT00 1"
    operator = make_operator(legal_name="Old N.V.", tax_id="1")
    invoice = billed(operator)
    type(operator).objects.update(
        legal_name="New N.V.", billing_address="A\n\nB", tax_rate_pct=Decimal("18.00"), payment_terms_days=30
    )
    sent = invoices.send(invoice=invoice, now=FIRST)
    type(operator).objects.update(legal_name="Later", tax_rate_pct=0)
    sent.refresh_from_db()
    assert sent.buyer == {
        "legal_name": "New N.V.",
        "address": ["A", "B"],
        "tax_id": "1",
        "email": operator.contact_email,
        "po_reference": "",
    }
    assert sent.seller["legal_name"] == "Predictu Ltd" and sent.seller["address"] == ["1 Street", "Valletta"]
    assert sent.payment_details == [["Bank", "Example Bank"], ["IBAN", "MT00 1"], ["Reference", "INV-2026-00001"]]
    assert (sent.amount_usd, sent.tax_usd, sent.total_usd) == (Decimal(5460), Decimal("982.80"), Decimal("6442.80"))
    assert sent.due_at == at(2026, 3, 31)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_usd": Decimal(1)},
        {"number": "INV-2026-99999"},
        {"buyer": {}},
        {"due_at": at(2027, 1, 1)},
        {"content_hash": "0" * 64},
        {"trade_count": 1},
        {"status": "draft"},
    ],
)
def test_the_database_keeps_a_sent_invoice_as_it_is(change):
    invoice = billed()
    before = Invoice.objects.filter(pk=invoice.pk).values().get()
    with pytest.raises(DatabaseError, match="sealed"), transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk)._raw_delete("default")
    assert Invoice.objects.filter(pk=invoice.pk).values().get() == before


def test_the_database_keeps_the_lines_payments_and_credit_notes():
    invoice = billed()
    payment = pay(invoice, "10")
    credit_notes.issue(
        invoice=invoice, amount_usd=Decimal(5), reason="too much", actor=make_admin(), now=at(2026, 3, 7)
    )
    for table in ("invoice", "invoiceline", "payment", "creditnote"):
        for statement in (f"UPDATE billing_{table} SET amount_usd = 1", f"TRUNCATE billing_{table} CASCADE"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
    extra = InvoiceLine(invoice=invoice, number=9, kind="carried", month=FEBRUARY, amount_usd=1, trade_count=0)
    with pytest.raises(DatabaseError, match="sealed"), transaction.atomic():
        extra.save()
    payment.refresh_from_db()
    assert payment.amount_usd == 10


def test_a_change_by_force_breaks_the_seal():
    invoice = billed()
    assert seal.holds(invoice)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_invoiceline DISABLE TRIGGER invoice_lines_sealed")
        cursor.execute("UPDATE billing_invoiceline SET amount_usd = amount_usd + 1 WHERE number = 1")
    assert not seal.holds(Invoice.objects.get(pk=invoice.pk))


def test_payments_in_parts():
    invoice = billed()
    pay(invoice, "5000", "A")
    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at, queries.balance_of(invoice)) == ("sent", None, Decimal(460))
    with pytest.raises(ValidationFailed):
        pay(invoice, "460.01", "B")
    with pytest.raises(AlreadyRecorded):
        pay(invoice, "1", "A")
    with pytest.raises(ValidationFailed):
        pay(invoice, "1", "C", paid_at=at(2026, 3, 7))
    assert Payment.objects.count() == 1
    pay(invoice, "460", "B", paid_at=at(2026, 3, 6))
    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at, queries.balance_of(invoice)) == ("paid", at(2026, 3, 6), 0)
    with pytest.raises(WrongStatus):
        pay(invoice, "1", "D")


def test_a_payment_taken_back_is_due_again():
    invoice = billed()
    payment = pay(invoice, "5460")
    admin = make_admin()
    invoices.reverse_payment(payment=payment, actor=admin, now=at(2026, 4, 1), reason="returned by the bank")
    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at, queries.balance_of(invoice)) == ("overdue", None, Decimal(5460))
    with pytest.raises(WrongStatus):
        invoices.reverse_payment(payment=payment, actor=admin, now=at(2026, 4, 1), reason="again")
    pay(invoice, "5460", now=at(2026, 4, 2))
    invoice.refresh_from_db()
    assert invoice.status == "paid"


def test_credit_notes_take_tax_along_and_never_more_than_the_invoice():
    operator = make_operator(tax_rate_pct=Decimal("7.70"))
    invoice = billed(operator)
    assert invoice.tax_usd == Decimal("420.42")
    admin = make_admin()
    issue = {"invoice": invoice, "actor": admin, "now": at(2026, 3, 9)}
    first = credit_notes.issue(amount_usd=Decimal("0.07"), reason="a", **issue)
    assert (first.number, first.tax_usd, first.total_usd) == ("CN-2026-00001", Decimal("0.01"), Decimal("0.08"))
    with pytest.raises(ValidationFailed):
        credit_notes.issue(amount_usd=Decimal("5459.94"), reason="b", **issue)
    second = credit_notes.issue(amount_usd=Decimal("5459.93"), reason="b", **issue)
    invoice.refresh_from_db()
    assert second.number == "CN-2026-00002"
    assert first.total_usd + second.total_usd == invoice.total_usd
    assert (invoice.status, queries.balance_of(invoice)) == ("paid", 0)
    assert InvoiceMail.objects.filter(kind="credit_note").count() == 2


def test_overdue_is_past_due_and_unpaid():
    invoice, paid = billed(), billed()
    pay(paid, "5460")
    assert invoices.mark_overdue(now=invoice.due_at - timedelta(seconds=1)) == 0
    assert invoices.mark_overdue(now=invoice.due_at) == 1
    assert invoices.mark_overdue(now=invoice.due_at) == 0
    assert sorted(Invoice.objects.values_list("status", flat=True)) == ["overdue", "paid"]
    assert ActivityEvent.objects.filter(title="Invoice overdue").count() == 1


def test_receivables_by_age():
    old, new = billed(), billed()
    pay(old, "1000")
    now = old.due_at + timedelta(days=30)
    rows = queries.receivables(now=now)
    assert [row.buckets["days_31_60"] for row in rows] == [Decimal(5460), Decimal(4460)]
    assert queries.totals(rows)["days_31_60"] == Decimal(9920)
    assert queries.age(new, new.due_at - timedelta(seconds=1)) == "not_due"
    days = (0, 29, 30, 60, 90, 400)
    assert [queries.age(new, new.due_at + timedelta(days=day)) for day in days] == [
        "days_1_30",
        "days_1_30",
        "days_31_60",
        "days_61_90",
        "days_over_90",
        "days_over_90",
    ]


def test_the_command_bills_any_month_and_one_operator(capsys):
    one, other = make_operator(), make_operator()
    february(one), february(other)
    call_command("bill", "--month", "2026-02", "--operator", one.slug)
    assert "2026-02: 1 invoices made, 1 sent" in capsys.readouterr().out
    assert list(Invoice.objects.values_list("operator_id", flat=True)) == [one.id]
    call_command("bill", "--month", "2026-02")
    assert Invoice.objects.count() == 2
    for wrong in (["--month", "2999-01"], ["--month", "02-2026"], ["--operator", "nobody"]):
        with pytest.raises(CommandError):
            call_command("bill", *wrong)
