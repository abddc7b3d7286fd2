"""``/api/internal/reports``: made, described, handed out, gone."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from accounts import roles
from predictu.platform.models import AuditEntry
from reports.models import Report
from reports.services import delivery, expiry, runs
from reports.tables import TABLES
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, place

URL = "/api/internal/reports"
EXAMPLE = "id user_name market_title outcome side price quantity cost_usd fee_usd created_at".split()

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.PREDICTU_ADMIN_RATE_LIMIT = 10_000


@pytest.fixture
def staff():
    return Client(headers=as_admin(make_admin()))


@pytest.fixture
def world():
    """Two operators, a user each, three trades."""
    first, second = (
        make_operator(slug="northlight", contact_email="ops@northlight.example", new_tier_limit=1000),
        make_operator(),
    )
    ada, bob = make_player(first, balance=500), make_player(second, balance=500)
    market = make_market(title="=HYPERLINK(1)")
    place(ada, market, 20)
    place(ada, market, 30, outcome="no")
    place(bob, market, 10)
    return {"operator": first, "ada": ada, "bob": bob, "market": market}


def post(client, **body):
    values = {"type": "trades", "format": "csv", "filters": {}, "delivery": "download", **body}
    return client.post(URL, values, content_type="application/json")


def text_of(client, report):
    answer = client.get(report["download_url"])
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("kind", list(TABLES))
@pytest.mark.parametrize("form, magic", [("csv", b""), ("xlsx", b"PK"), ("pdf", b"%PDF")])
def test_every_type_in_every_format(staff, world, kind, form, magic):
    answer = post(staff, type=kind, format=form)
    assert answer.status_code == 200, answer.json()
    report = answer.json()["data"]
    assert (report["type"], report["format"], report["status"]) == (kind, form, "ready")
    file = staff.get(report["download_url"])
    content = b"".join(file.streaming_content)
    assert content.startswith(magic) and len(content) == report["file_size_bytes"] == int(file["Content-Length"])
    assert file["Content-Disposition"].startswith(f'attachment; filename="{kind}-')


def test_rows_and_columns_are_those_asked_for(staff, world):
    filters = {"operator": "northlight", "min_amount": 10, "outcome": "yes"}
    report = post(staff, filters=filters, columns=EXAMPLE).json()["data"]
    rows = list(csv.reader(io.StringIO(text_of(staff, report))))
    assert rows[0] == EXAMPLE and report["row_count"] == len(rows) - 1 == 1
    listed = staff.get("/api/internal/trades?operator=northlight&outcome=yes").json()["data"][0]
    shown = dict(zip(*rows, strict=True))
    assert (shown["id"], shown["user_name"], shown["created_at"]) == (
        listed["id"],
        world["ada"].username,
        listed["created_at"],
    )
    assert Decimal(shown["cost_usd"]) == Decimal(str(listed["cost_usd"]))
    assert shown["market_title"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    "body, field, told",
    [
        ({"columns": ["id", "nonsense"]}, "columns", "known are id, user_id"),
        ({"columns": ["id", "id"]}, "columns", "named twice"),
        ({"filters": {"nonsense": 1}}, "filters.nonsense", "known are from, to, operator"),
        ({"filters": {"operator": "nobody"}}, "filters.operator", "not a known operator"),
        ({"filters": {"side": "up"}}, "filters.side", "buy, sell"),
        ({"filters": {"min_amount": "10"}}, "filters.min_amount", "number"),
        ({"filters": {"user_id": "trd_1"}}, "filters.user_id", "usr_"),
        ({"filters": {"from": "2026-03-02", "to": "2026-03-01"}}, "filters.from", "after"),
        ({"type": "users", "filters": {"side": "buy"}}, "filters.side", "known are from, to, operator, tier, status"),
        ({"type": "secrets"}, "type", "trades"),
        ({"format": "docx"}, "format", "csv, xlsx, pdf"),
        ({"delivery": "email"}, "email", "needed"),
        ({"delivery": "email", "email": "x@elsewhere.example"}, "email", "not sent to this domain"),
        ({"surprise": 1}, "surprise", "unknown"),
    ],
)
def test_what_cannot_be_is_refused_by_name(staff, world, body, field, told):
    answer = post(staff, **body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert told in answer.json()["error"]["details"][field][0]
    assert not Report.objects.exists()


def test_personal_columns_are_absent_without_the_permission(staff, world):
    finance = Client(headers=as_admin(make_admin(roles.FINANCE)))
    report = post(finance, type="users").json()["data"]
    header = text_of(finance, report).splitlines()[0].split(",")
    assert {"email", "username", "external_id"}.isdisjoint(header) and not report["include_pii"]
    assert post(finance, type="users", columns=["id", "email"]).status_code == 403
    with_names = post(staff, type="users").json()["data"]
    assert with_names["include_pii"] and world["ada"].email in text_of(staff, with_names)
    assert finance.get(with_names["download_url"]).status_code == 403


def test_it_is_gone_after_two_hours_and_the_file_with_it(staff, world):
    report = post(staff).json()["data"]
    row = Report.objects.get()
    assert row.expires_at - row.generated_at == timedelta(hours=2)
    assert default_storage.exists(row.path)
    Report.objects.update(expires_at=row.generated_at)
    answer = staff.get(report["download_url"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "GONE")
    assert expiry.sweep(now=datetime.now(UTC)) == 1
    assert not default_storage.exists(row.path)
    assert staff.get(f"{URL}/{row.pk}").json()["data"]["status"] == "expired"
    assert staff.get(report["download_url"]).status_code == 410


def test_parts_of_a_file(staff, world):
    report = post(staff).json()["data"]
    whole = text_of(staff, report).encode()
    first = staff.get(report["download_url"])
    for asked, start, end in (("bytes=0-9", 0, 10), ("bytes=5-", 5, len(whole)), ("bytes=-7", len(whole) - 7, None)):
        part = staff.get(report["download_url"], headers={"Range": asked})
        assert part.status_code == 206 and b"".join(part.streaming_content) == whole[start:end]
        assert part["Content-Range"].endswith(f"/{len(whole)}")
    stale = staff.get(report["download_url"], headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert stale.status_code == 200 and stale["ETag"] == first["ETag"]
    assert staff.get(report["download_url"], headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_a_larger_one_is_processed_and_can_be_cancelled(staff, world, monkeypatch):
    monkeypatch.setitem(runs.AT_ONCE, "csv", 2)
    answer = post(staff)
    report = answer.json()["data"]
    assert (answer.status_code, report["status"], report["progress_pct"]) == (202, "processing", 0)
    assert staff.get(report["poll_url"]).json()["data"]["status"] == "processing"
    assert staff.get(f"{URL}/{report['report_id']}/download").status_code == 409
    cancelled = staff.delete(report["poll_url"])
    assert cancelled.json()["data"]["status"] == "cancelled"
    runs.make(report["report_id"], now=datetime.now(UTC))
    assert Report.objects.get().status == "cancelled" and Report.objects.get().path == ""
    assert staff.post(f"{report['poll_url']}/cancel", content_type="application/json").status_code == 409
    assert staff.get(f"{URL}/{report['report_id']}/download").status_code == 410


def test_a_pdf_past_its_limit_names_the_formats_that_take_it(staff, world, monkeypatch):
    monkeypatch.setattr("reports.formats.pdf.MAX_ROWS", 2)
    answer = post(staff, format="pdf")
    assert answer.status_code == 422 and "csv and xlsx" in answer.json()["error"]["details"]["format"][0]


def test_everything_is_audited_and_no_address_with_it(staff, world, django_capture_on_commit_callbacks, mailoutbox):
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(staff, delivery="email", email="ops@northlight.example", filters={"operator": "northlight"})
    assert answer.status_code == 200
    entry = AuditEntry.objects.get(action="report.created")
    assert entry.metadata["filters"]["operator"] == "northlight" and entry.metadata["include_pii"] is True
    assert "ops@" not in str(entry.metadata) + str(entry.changes)
    [mail] = mailoutbox
    [(name, content, kind)] = mail.attachments
    assert mail.to == ["ops@northlight.example"] and kind == "text/csv" and name.endswith(".csv")
    assert content.count("\n") == 3
    report = Report.objects.get()
    assert report.delivered_at and report.delivered_to == mail.to and report.delivery_due_at is None


def test_a_file_too_large_for_a_mail_goes_as_a_link(
    staff, world, django_capture_on_commit_callbacks, mailoutbox, monkeypatch
):
    monkeypatch.setattr(delivery, "ATTACHED_MOST", 100)
    with django_capture_on_commit_callbacks(execute=True):
        post(staff, delivery="email", email="ops@predictu.com")
    [mail] = mailoutbox
    report = Report.objects.get()
    assert not mail.attachments and report.link_expires_at - report.generated_at == timedelta(days=7)
    link = mail.body.split()[-1].partition("//")[2].partition("/")[2]
    anyone = Client()
    file = anyone.get(f"/{link}")
    assert file.status_code == 200 and len(b"".join(file.streaming_content)) == report.file_size_bytes
    assert AuditEntry.objects.filter(action="report.link_fetched", object_id=report.pk).count() == 1
    assert anyone.get(f"/{link[:-1]}").status_code == 404
    assert staff.post(f"{URL}/{report.pk}/revoke-link", content_type="application/json").status_code == 200
    assert anyone.get(f"/{link}").status_code == 410
    assert AuditEntry.objects.filter(action="report.link_fetched").count() == 1
    assert staff.post(f"{URL}/{report.pk}/revoke-link", content_type="application/json").status_code == 409


def test_a_mail_that_fails_is_tried_again_and_nobody_gets_it_twice(
    staff, world, django_capture_on_commit_callbacks, mailoutbox, monkeypatch
):
    post(staff, delivery="email", email="ops@predictu.com")
    now = datetime.now(UTC)
    Report.objects.update(recipients=["ops@predictu.com", "two@predictu.com"])
    real = delivery._message

    def second_fails(report, address):
        if address.startswith("two"):
            raise OSError
        return real(report, address)

    monkeypatch.setattr(delivery, "_message", second_fails)
    report = Report.objects.get()
    delivery.deliver(report.pk, now=now)
    report.refresh_from_db()
    assert (report.delivery_error, report.delivered_to) == ("OSError", ["ops@predictu.com"])
    assert report.delivery_due_at == now + timedelta(minutes=1)
    monkeypatch.setattr(delivery, "_message", real)
    delivery.deliver(report.pk, now=now)
    assert len(mailoutbox) == 1
    delivery.deliver(report.pk, now=now + timedelta(minutes=1))
    assert [mail.to for mail in mailoutbox] == [["ops@predictu.com"], ["two@predictu.com"]]


def test_unknown_reports_are_not_found(staff):
    for name in ("rpt_none", "rpt_01h455vb4pex5vsknk084sn02q"):
        assert staff.get(f"{URL}/{name}").status_code == 404
        assert staff.get(f"{URL}/{name}/download").status_code == 404
