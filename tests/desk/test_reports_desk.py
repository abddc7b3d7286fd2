"""Reports and schedules as staff work with them: asked for, fetched, stopped, and all of it audited."""

from datetime import time

import pytest
from django.test import Client

from accounts import roles
from operators.models import Operator
from predictu.admin_base import url_of
from predictu.platform.models import AuditEntry
from reports.models import Report, ReportSchedule
from reports.services import schedules
from tests.factories import make_admin, make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db
NEW, NEW_SCHEDULE = "/admin/reports/new/", "/admin/reports/schedules/new/"


def enter(*groups):
    admin = make_admin(*groups)
    client = Client()
    client.force_login(admin)
    return admin, client


def made_schedule(actor, **changes):
    values = {
        "name": "Trades of the day",
        "type": "trades",
        "format": "csv",
        "frequency": "daily",
        "time_utc": time(6),
        "day_of_week": None,
        "day_of_month": None,
        "filters": {},
        "columns": None,
        "enabled": True,
        "recipients": ["finance@predictu.com"],
    }
    return schedules.create(actor=actor, values={**values, **changes}, now=now())


def test_a_report_is_asked_for_looked_at_and_fetched():
    operator = make_operator(name="Casino Blue")
    place(make_player(operator, balance="100"), make_market(title="Will it rain?"), 10)
    place(make_player(make_operator(), balance="100"), make_market(title="Will it snow?"), 10)
    admin, client = enter(roles.FINANCE)
    assert "New report" in client.get("/admin/reports/report/").content.decode()
    answer = client.post(NEW, {"type": "trades", "format": "csv", "operator": operator.pk})
    report = Report.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, url_of(Report, report.pk))
    assert (report.status, report.row_count, report.filters["operator"]) == ("ready", 1, operator.slug)
    page = client.get(answer["Location"]).content.decode()
    assert operator.slug in page and f"/admin/reports/{report.pk}/file/" in page
    file = client.get(f"/admin/reports/{report.pk}/file/")
    text = b"".join(file.streaming_content).decode()
    assert "Will it rain?" in text and "Will it snow?" not in text
    audited = AuditEntry.objects.filter(object_id=report.pk).order_by("created_at", "id")
    assert [(row.action, row.actor_id) for row in audited] == [
        ("report.created", admin.id),
        ("report.downloaded", admin.id),
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"email": "spy@elsewhere.example"}, "not sent to this domain"),
        ({"first_day": "2026-03-02", "last_day": "2026-03-01"}, "must not be after to"),
        ({"type": "risk_events", "operator": True}, "unknown filter"),
        ({"type": "nothing"}, "not one of the available choices"),
        ({"first_day": "yesterday"}, "valid date"),
    ],
)
def test_what_cannot_be_made_is_said_beside_the_field_and_makes_nothing(changes, told):
    operator = make_operator()
    values = {"type": "trades", "format": "csv", **changes}
    values |= {"operator": operator.pk} if "operator" in changes else {}
    _, client = enter(roles.FINANCE)
    answer = client.post(NEW, values)
    assert answer.status_code == 400 and told in answer.content.decode()
    assert not Report.objects.exists() and not AuditEntry.objects.filter(action="report.created").exists()


def test_a_file_with_personal_data_is_for_who_may_see_it():
    make_player(make_operator())
    _, risk = enter(roles.RISK)
    risk.post(NEW, {"type": "users", "format": "csv"})
    report = Report.objects.get()
    assert report.include_pii
    _, finance = enter(roles.FINANCE)
    answer = finance.get(f"/admin/reports/{report.pk}/file/")
    assert answer["Location"] == url_of(Report, report.pk)
    assert "needs the permission" in finance.get(answer["Location"]).content.decode()
    assert not AuditEntry.objects.filter(action="report.downloaded").exists()
    assert finance.get("/admin/reports/rpt_nothing/file/").status_code == 302


def test_a_schedule_is_made_looked_at_stopped_and_deleted():
    operator = make_operator(slug="casino-blue")
    admin, client = enter(roles.FINANCE)
    answer = client.post(
        NEW_SCHEDULE,
        {
            "name": "Weekly revenue",
            "type": "revenue",
            "format": "xlsx",
            "operator": operator.pk,
            "frequency": "weekly",
            "day_of_week": "0",
            "time_utc": "07:30",
            "recipients": "finance@predictu.com\nboss@predictu.com",
        },
    )
    schedule = ReportSchedule.objects.get()
    page = url_of(ReportSchedule, schedule.pk)
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert (schedule.day_of_week, schedule.time_utc, schedule.filters) == (0, time(7, 30), {"operator": "casino-blue"})
    assert schedule.recipients == ["finance@predictu.com", "boss@predictu.com"]
    shown = client.get(page).content.decode()
    assert "every Monday at 07:30 UTC" in shown and "boss@predictu.com" not in shown
    _, risk = enter(roles.RISK)
    assert "boss@predictu.com" in risk.get(page).content.decode()
    for name, enabled in (("disable", False), ("enable", True)):
        assert client.post(f"{page}act/{name}/", {"reason": f"To {name}"}).status_code == 302
        schedule.refresh_from_db()
        assert (schedule.enabled, schedule.next_run_at is not None) == (enabled, enabled)
    assert client.post(f"{page}act/delete/", {"reason": "No longer read"}).status_code == 302
    schedule.refresh_from_db()
    assert schedule.deleted_at is not None and "data-act" not in client.get(page).content.decode()
    audited = AuditEntry.objects.filter(object_id=schedule.pk).order_by("created_at", "id")
    assert [(row.action, row.reason) for row in audited] == [
        ("schedule.created", ""),
        ("schedule.changed", "To disable"),
        ("schedule.changed", "To enable"),
        ("schedule.deleted", "No longer read"),
    ]
    assert {row.actor_id for row in audited} == {admin.id}


def test_a_schedule_that_does_not_fit_is_refused_beside_its_field():
    _, client = enter(roles.FINANCE)
    values = {"name": "X", "type": "trades", "format": "csv", "frequency": "weekly", "time_utc": "06:00"}
    answer = client.post(NEW_SCHEDULE, {**values, "recipients": "spy@elsewhere.example"})
    assert answer.status_code == 400 and "is needed for a weekly schedule" in answer.content.decode()
    answer = client.post(NEW_SCHEDULE, {**values, "day_of_week": "1", "recipients": "spy@elsewhere.example"})
    assert answer.status_code == 400 and "not sent to this domain" in answer.content.decode()
    assert not ReportSchedule.objects.exists()


def test_its_page_lists_the_runs():
    schedule = made_schedule(make_admin())
    schedules.run_due(now=schedule.next_run_at)
    run = Report.objects.get(schedule=schedule)
    _, client = enter(roles.READ_ONLY)
    page = client.get(url_of(ReportSchedule, schedule.pk)).content.decode()
    assert url_of(Report, run.pk) in page and "every day at 06:00 UTC" in page


def test_read_only_staff_look_and_ask_for_nothing():
    schedule = made_schedule(make_admin())
    _, client = enter(roles.READ_ONLY)
    for path in (NEW, NEW_SCHEDULE):
        assert client.get(path).status_code == 403
        assert client.post(path, {"type": "trades", "format": "csv"}).status_code == 403
    page = url_of(ReportSchedule, schedule.pk)
    assert "data-act" not in client.get(page).content.decode()
    assert client.post(f"{page}act/disable/", {"reason": "x"}).status_code == 403
    assert "New report" not in client.get("/admin/reports/report/").content.decode()
    schedule.refresh_from_db()
    assert schedule.enabled and not Report.objects.exists() and Operator.objects.count() == 0
