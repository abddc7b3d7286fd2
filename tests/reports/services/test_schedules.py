"""Schedules: right due times, each exactly once, whatever the schedulers do; stopped, failed and shown."""

from datetime import UTC, datetime, time, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client

from accounts import roles
from predictu.platform.models import AuditEntry
from reports import times
from reports.models import Report, ReportSchedule
from reports.services import leases, runs, schedules
from tests.factories import as_admin, make_admin, make_operator

URL = "/api/internal/reports/scheduled"
EXAMPLE = {
    "name": "Weekly Operator Trade Report",
    "type": "trades",
    "format": "xlsx",
    "frequency": "weekly",
    "day_of_week": 1,
    "time_utc": "08:00",
    "filters": {"operator": "example-casino"},
    "recipients": ["ops@predictu.com", "reports@example-casino.com"],
    "enabled": True,
}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def staff(settings):
    settings.PREDICTU_ADMIN_RATE_LIMIT = 10_000
    make_operator(slug="example-casino", contact_email="ops@example-casino.com")
    return Client(headers=as_admin(make_admin()))


def post(client, **body):
    return client.post(URL, {**EXAMPLE, **body}, content_type="application/json")


def scheduled(rule, now):
    return schedules.create(
        actor=make_admin(),
        values={
            "name": "x",
            "type": "users",
            "format": "csv",
            "day_of_week": None,
            "day_of_month": None,
            "filters": {},
            "columns": None,
            "recipients": ["ops@predictu.com"],
            "enabled": True,
            **rule,
        },
        now=now,
    )


DAILY = {"frequency": "daily", "time_utc": time(6, 30)}
WEEKLY = {"frequency": "weekly", "day_of_week": 6, "time_utc": time(0)}
MONTHLY = {"frequency": "monthly", "day_of_month": 31, "time_utc": time(23, 59)}


@pytest.mark.django_db
def test_the_documents_example(staff):
    now = at("2026-03-19T12:00")
    values = {**EXAMPLE, "day_of_month": None, "columns": None, "time_utc": at("2026-03-19T08:00").time()}
    assert schedules.create(actor=make_admin(), values=values, now=now).next_run_at == at("2026-03-24T08:00")


@pytest.mark.django_db
def test_made_listed_changed_deleted_and_audited(staff):
    made = post(staff)
    assert made.status_code == 201, made.json()
    row = made.json()["data"]
    assert {name: row[name] for name in EXAMPLE} == EXAMPLE
    assert at(row["next_run_at"][:-1]).weekday() == 1
    path = f"{URL}/{row['id']}"
    assert [each["id"] for each in staff.get(URL).json()["data"]] == [row["id"]]
    stopped = staff.patch(path, {"enabled": False}, content_type="application/json").json()["data"]
    assert (stopped["enabled"], stopped["next_run_at"]) == (False, None)
    monthly = {"enabled": True, "frequency": "monthly", "day_of_month": 31}
    changed = staff.patch(path, monthly, content_type="application/json").json()["data"]
    assert (changed["day_of_month"], "day_of_week" in changed) == (31, False) and changed["next_run_at"]
    assert staff.delete(path).status_code == 204
    assert staff.get(path).status_code == 404 and staff.get(URL).json()["data"] == []
    actions = list(AuditEntry.objects.order_by("created_at", "id").values_list("action", flat=True))
    assert actions == ["schedule.created", "schedule.changed", "schedule.changed", "schedule.deleted"]
    assert "predictu.com" not in str(list(AuditEntry.objects.values_list("changes", "metadata")))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body, field",
    [
        ({"day_of_week": 7}, "day_of_week"),
        ({"day_of_week": None}, "day_of_week"),
        ({"frequency": "daily"}, "day_of_week"),
        ({"frequency": "monthly", "day_of_week": None, "day_of_month": 32}, "day_of_month"),
        ({"time_utc": "24:00"}, "time_utc"),
        ({"recipients": ["a@elsewhere.example"]}, "recipients.0"),
        ({"recipients": []}, "recipients"),
        ({"filters": {}}, "recipients.1"),
        ({"filters": {"from": "2026-01-01"}}, "filters.from"),
        ({"filters": {"nonsense": 1}}, "filters.nonsense"),
        ({"columns": ["nonsense"]}, "columns"),
        ({"type": "secrets"}, "type"),
    ],
)
def test_what_cannot_be_is_refused(staff, body, field):
    answer = post(staff, **body)
    assert answer.status_code == 422 and field in answer.json()["error"]["details"], answer.json()
    assert not ReportSchedule.objects.exists()


@pytest.mark.django_db
@pytest.mark.slow
def test_400_days_with_two_schedulers_run_every_due_time_once():
    begun = at("2026-11-21T12:00")
    rules = (DAILY, WEEKLY, MONTHLY)
    made = [scheduled(rule, begun) for rule in rules]
    moment, end = begun, begun + timedelta(days=400)
    while moment < end:
        moment += timedelta(hours=5, minutes=17)
        schedules.run_due(now=moment)
        schedules.run_due(now=moment - timedelta(seconds=40))  # the other one's clock is late
    for schedule in made:
        due, expected = times.next_due(schedules.rule_of(schedule), begun), []
        while due <= moment:
            expected.append(due)
            due = times.next_due(schedules.rule_of(schedule), due)
        found = list(schedule.runs.order_by("due_at").values_list("due_at", flat=True))
        assert found == expected and len(found) in (400, 401, 57, 58, 13, 14)


@pytest.mark.committed
def test_two_beats_at_the_same_moment_start_one_run():
    now = at("2026-11-21T12:00")
    for _ in range(6):
        scheduled(DAILY, now)
    barrier, started = Barrier(2), []

    def beat():
        barrier.wait()
        started.append(schedules.run_due(now=now + timedelta(days=1)))
        connection.close()

    threads = [Thread(target=beat) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(started) == 6 and Report.objects.count() == 6


@pytest.mark.django_db
def test_after_downtime_there_is_one_catch_up():
    schedule = scheduled(DAILY, at("2026-11-21T12:00"))
    assert schedules.run_due(now=at("2026-12-09T11:00")) == 1
    report = schedule.runs.get()
    assert report.due_at == at("2026-12-09T06:30")
    assert report.filters["from"] == at("2026-12-08T00:00").isoformat()
    assert report.filters["to"] == at("2026-12-09T00:00").isoformat()
    assert schedules.run_due(now=at("2026-12-09T11:01")) == 0
    schedule.refresh_from_db()
    assert schedule.next_run_at == at("2026-12-10T06:30")


@pytest.mark.django_db
def test_a_stopped_one_does_not_run():
    schedule = scheduled(DAILY, at("2026-11-21T12:00"))
    schedules.change(
        schedule=schedule, actor=schedule.created_by, values={"enabled": False}, now=at("2026-11-21T13:00")
    )
    assert schedules.run_due(now=at("2026-12-21T13:00")) == 0 and not Report.objects.exists()


@pytest.mark.django_db
def test_a_run_that_cannot_begin_is_there_and_says_why(staff):
    schedule = scheduled(DAILY, at("2026-11-21T12:00"))
    schedule.created_by.groups.clear()
    schedules.run_due(now=at("2026-11-22T12:00"))
    shown = staff.get(f"{URL}/{schedule.pk}").json()["data"]
    assert shown["last_run"]["status"] == "failed" and "may not create reports" in shown["last_run"]["error"]
    assert shown["next_run_at"] == "2026-11-23T06:30:00Z"


@pytest.mark.django_db
def test_a_run_that_fails_is_tried_three_times(monkeypatch):
    schedule = scheduled(DAILY, at("2026-11-21T12:00"))
    now = at("2026-11-22T12:00")
    schedules.run_due(now=now)
    report = schedule.runs.get()

    def broken(lease):
        raise RuntimeError

    monkeypatch.setattr(runs, "_make", broken)
    for attempt in range(1, 4):
        runs.make(report.pk, now=now)
        report.refresh_from_db()
        assert report.attempts == attempt
        now += timedelta(minutes=2)
        leases.sweep(Report, runs.TASK, now=now)
    assert (report.status, report.error) == ("failed", "unexpected RuntimeError")


@pytest.mark.django_db
def test_finance_may_and_readers_may_not(staff):
    assert post(Client(headers=as_admin(make_admin(roles.FINANCE)))).status_code == 201
    assert post(Client(headers=as_admin(make_admin(roles.READ_ONLY)))).status_code == 403
