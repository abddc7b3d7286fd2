"""Alerts raised and cleared once, from rows as the platform writes them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from billing.services import invoices
from operators.models import CallbackEvent, Delivery, KeyUse
from operators.services import keys
from predictu.platform import heartbeats, notices
from predictu.platform.models import ActivityEvent, AdminNotice
from reports.models import StandingAlert
from reports.services import alerts
from tests.factories import make_market, make_operator, make_pair, make_player, place

pytestmark = pytest.mark.django_db
# In the middle of a month, so that invoices have long been due.
NOW = datetime(2026, 3, 19, 12, tzinfo=UTC)
S = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def alive():
    ActivityEvent.objects.filter(number=None).delete()
    for name in ("beat", "prices", "ledger", "alerts"):
        heartbeats.seen(name, now=NOW)


def standing(now=NOW):
    return [(alert.name, alert.subject) for alert in alerts.standing(now=now)]


def event_of(operator, **changes):
    return CallbackEvent.objects.create(
        **{"operator": operator, "event": "TRADE_PLACED", "body": b"{}", "created_at": NOW, **changes}
    )


def test_a_sound_platform_has_none():
    assert standing() == []


@pytest.mark.parametrize("stream", ["operator", "activity"])
def test_what_waits_for_its_number(stream):
    if stream == "operator":
        event = event_of(make_operator(), created_at=NOW - 31 * S)
        event_of(event.operator, created_at=NOW - 40 * S, sequence=1)
    else:
        event = ActivityEvent.objects.create(type="trade", title="t", created_at=NOW - 31 * S)
    assert standing() == [("relay_lag", "")]
    type(event).objects.filter(pk=event.pk).update(created_at=NOW - 30 * S)
    assert standing() == []


@pytest.mark.parametrize(("name", "age", "rule"), [("beat", 91, "beat_silent"), ("prices", 121, "sync_stale")])
def test_who_is_silent(name, age, rule):
    heartbeats.seen(name, now=NOW - age * S)
    assert standing() == [(rule, "")]
    heartbeats.seen(name, now=NOW - (age - 1) * S)
    assert standing() == []


def test_differences_of_the_last_verification():
    heartbeats.seen("ledger", now=NOW, detail={"findings": [{"check": "balances", "count": 3}]})
    found = alerts.standing(now=NOW)
    assert [(alert.name, alert.sentence) for alert in found] == [("ledger_difference", "balances: 3 wrong.")]
    heartbeats.seen("ledger", now=NOW, detail={"findings": []})
    assert standing() == []


def test_dead_callbacks_count_for_a_week_and_until_replayed():
    operator = make_operator()
    event = event_of(operator, sequence=1)
    delivery = Delivery.objects.create(
        event=event, operator=operator, state="dead", last_attempt_at=NOW - timedelta(days=7) + S
    )
    assert standing() == [("dead_deliveries", operator.slug)]
    assert standing(NOW + S)[-1:] == []
    Delivery.objects.filter(pk=delivery.pk).update(state="confirmed")
    assert standing() == []


def test_a_month_that_nobody_billed():
    player = make_player(make_operator(), balance=100)
    place(player, make_market(), 10)
    ActivityEvent.objects.filter(number=None).delete()
    CallbackEvent.objects.all().delete()
    operator = player.operator
    first = (datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(
        day=1
    )
    for name in ("beat", "prices", "ledger"):
        heartbeats.seen(name, now=first + timedelta(hours=2))
    assert standing(first + timedelta(hours=2) - S) == []
    assert standing(first + timedelta(hours=2)) == [("invoices_late", operator.slug)]
    invoices.run_month(month=(first - S).date(), now=first + timedelta(hours=2))
    ActivityEvent.objects.filter(number=None).delete()
    assert standing(first + timedelta(hours=2)) == []


def test_a_key_that_ends_while_it_is_the_one_in_use():
    operator = make_operator()
    old = make_pair(operator, now=NOW - timedelta(days=9)).key
    KeyUse.objects.create(key=old, last_used_at=NOW)
    new = keys.generate(operator=operator, now=NOW - timedelta(hours=12)).key
    assert standing(NOW - S) == []
    assert standing() == [("key_expiring", operator.slug)]
    used = KeyUse.objects.create(key=new, last_used_at=NOW)
    assert standing() == []
    used.delete()
    assert standing(NOW + timedelta(hours=12))[-1:] != [("key_expiring", operator.slug)]  # it has ended


def test_an_alert_is_told_once_and_its_end_once(settings, django_capture_on_commit_callbacks):
    settings.PREDICTU_ALERT_EMAILS = ["ops@predictu.com", "night@predictu.com"]
    heartbeats.seen("prices", now=NOW - 130 * S)
    with django_capture_on_commit_callbacks(execute=True):
        assert alerts.watch(now=NOW) == (["sync_stale"], [])
    for later in (15, 30):
        heartbeats.seen("beat", now=NOW + later * S)
        assert alerts.watch(now=NOW + later * S) == ([], [])
    assert [(sent.subject, sent.to) for sent in mail.outbox] == [
        ("Predictu: Prices are old", ["ops@predictu.com"]),
        ("Predictu: Prices are old", ["night@predictu.com"]),
    ]
    assert "Prices were last read 2 min ago." in mail.outbox[0].body and "What to do:" in mail.outbox[0].body
    heartbeats.seen("prices", now=NOW + 40 * S)
    assert alerts.watch(now=NOW + 45 * S) == ([], ["sync_stale"])
    assert alerts.watch(now=NOW + 60 * S) == ([], [])
    row = StandingAlert.objects.get()
    assert (row.severity, row.raised_at, row.cleared_at) == ("critical", NOW, NOW + 45 * S)
    told = ActivityEvent.objects.filter(metadata__alert="sync_stale").order_by("ordinal")
    assert list(told.values_list("severity", "title")) == [
        ("critical", "Prices are old"),
        ("info", "Over: Prices are old"),
    ]
    heartbeats.seen("prices", now=NOW - 130 * S)
    heartbeats.seen("beat", now=NOW + 75 * S)
    assert alerts.watch(now=NOW + 75 * S) == (["sync_stale"], [])
    assert StandingAlert.objects.count() == 2


def test_the_first_look_after_a_while_tells_nothing_yet():
    heartbeats.seen("prices", now=NOW - 130 * S)
    later = NOW + 121 * S  # nobody has watched since
    heartbeats.seen("beat", now=later)
    assert alerts.watch(now=later) == ([], [])
    assert alerts.watch(now=later + 15 * S) == (["sync_stale"], [])
    heartbeats.seen("prices", now=later + 400 * S)
    heartbeats.seen("beat", now=later + 400 * S)
    assert alerts.watch(now=later + 400 * S) == ([], ["sync_stale"])


def test_without_addresses_nobody_is_mailed():
    heartbeats.seen("prices", now=NOW - 130 * S)
    alerts.watch(now=NOW)
    assert AdminNotice.objects.count() == 0 and ActivityEvent.objects.filter(metadata__alert="sync_stale").exists()


def test_a_notice_with_recipients_goes_to_no_admin(settings):
    notice = notices.tell(recipients=["ops@predictu.com"], subject="s", text="t", now=NOW)
    notices.send(notice.pk, now=NOW)
    assert [sent.to for sent in mail.outbox] == [["ops@predictu.com"]]
    notice.refresh_from_db()
    assert notice.sent_at is not None
