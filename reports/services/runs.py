"""Reports from the request to the file: checked and audited when asked for, made at once or by a worker."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from django.db import transaction

from predictu import clock, ids, jobs
from predictu.errors import Conflict, NotFound, PredictuError, ValidationFailed
from predictu.platform import audit
from reports.formats import pdf
from reports.formats.csv import write_csv
from reports.formats.pdf import write_pdf
from reports.formats.tables import Column, Heading, Row, Rows, Written
from reports.models import Report, ReportSchedule, Status
from reports.services import delivery, files, leases, recipients
from reports.services.leases import Lease
from reports.tables import TABLES, filters
from reports.tables.filters import Wanted

log = logging.getLogger("predictu.reports")

TASK = "reports.tasks.make_report"
LIFE = timedelta(hours=2)
# Up to so many rows the answer waits for the file.
AT_ONCE = {"csv": 2_000, "xlsx": 2_000, "pdf": 200}
PII = "accounts.export_pii"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A checked request: what the report is to hold, and whom it goes to."""

    type: str
    format: str
    wanted: Wanted
    columns: list[str]
    include_pii: bool
    rows: int
    recipients: list[str]


def check(
    *,
    actor: Any,
    type: str,
    format: str,
    given: Mapping[str, Any],
    columns: Sequence[str] | None,
    addresses: Sequence[str] | None,
    now: datetime,
    period: tuple[datetime, datetime] | None = None,
    field: str = "recipients",
) -> Asked:
    """Raises ValidationFailed, and Forbidden for personal data that ``actor`` may not export."""
    table = TABLES[type]
    wanted = filters.parse(given, table.filters, now=now, period=period)
    names = table.chosen(columns, personal=actor.has_perm(PII))
    sent_to = [] if addresses is None else recipients.check(addresses, operator=wanted.operator, field=field)
    rows = table.count(wanted)
    if format == "pdf" and rows > pdf.MAX_ROWS:
        raise ValidationFailed(
            details={
                "format": [f"a pdf holds at most {pdf.MAX_ROWS:,} rows and this has {rows:,}: csv and xlsx take them"]
            }
        )
    return Asked(
        type=type,
        format=format,
        wanted=wanted,
        columns=names,
        include_pii=bool(table.personal & set(names)),
        rows=rows,
        recipients=sent_to,
    )


def request(*, actor: Any, asked: Asked, now: datetime) -> Report:
    """Make the report, at once when it is small, else through a worker."""
    with transaction.atomic():
        report = create(actor=actor, asked=asked, now=now)
        if asked.rows > AT_ONCE[asked.format]:
            jobs.enqueue(TASK, report.pk)
    if asked.rows <= AT_ONCE[asked.format]:
        make(report.pk, now=now)
        report.refresh_from_db()
    return report


def create(
    *, actor: Any, asked: Asked, now: datetime, schedule: ReportSchedule | None = None, due_at: datetime | None = None
) -> Report:
    """The report's row, audited; to be called in a transaction."""
    report = Report.objects.create(
        type=asked.type,
        format=asked.format,
        filters=filters.stored(asked.wanted),
        columns=asked.columns,
        include_pii=asked.include_pii,
        expected_rows=asked.rows,
        delivery=Report.Delivery.EMAIL if asked.recipients else Report.Delivery.DOWNLOAD,
        recipients=asked.recipients,
        schedule=schedule,
        due_at=due_at,
        requested_by=actor,
        rung_at=now,
        created_at=now,
    )
    audit.record(
        actor=actor,
        action="report.created",
        object_type="report",
        object_id=report.pk,
        metadata={
            "type": report.type,
            "format": report.format,
            "filters": filters.shown(report.filters),
            "columns": report.columns,
            "include_pii": report.include_pii,
            "recipient_count": len(report.recipients),
            "schedule_id": schedule.pk if schedule else None,
        },
        now=now,
    )
    return report


def make(pk: str, *, now: datetime, beating: bool = False) -> None:
    """Make the file if nobody else does; ``beating`` keeps the lease up for what takes long."""
    before = Report.objects.filter(pk=pk).values_list("path", flat=True).first()
    ending = Report.objects.filter(pk=pk).values_list("format", flat=True).first()
    if before is None or ending is None:
        return
    lease = leases.claim(Report, pk, path=files.new_path(ending), now=now)
    if lease is None:
        return
    files.remove(before)
    try:
        if beating:
            with lease.kept():
                _make(lease)
        else:
            _make(lease)
    except leases.Lost:
        files.remove(lease.job.path)
    except (PredictuError, pdf.TooManyRows) as error:
        leases.finish(lease, status=Status.FAILED, error=str(error))
    except Exception as error:
        log.exception("report %s failed", pk)
        leases.release(lease, error=f"unexpected {type(error).__name__}")


def _make(lease: Lease) -> None:
    report = lease.job
    assert isinstance(report, Report)
    table = TABLES[report.type]
    wanted = filters.reread(report.filters, table.filters, now=report.created_at)
    heading = Heading(title=table.title, generated_at=clock.now(), filters=_labels(report.filters))
    rows = _counted(table.rows(wanted, report.columns), lease, report.expected_rows)
    with files.scratch() as file:
        written = _write(report.format, file, table.typed(report.columns, wanted), rows, heading)
        lease.check()
        size, digest = files.keep(file, report.path)
    done = clock.now()
    ready = leases.finish(
        lease,
        status=Status.READY,
        row_count=written.rows,
        file_size_bytes=size,
        sha256=digest,
        progress_pct=100,
        error="",
        generated_at=done,
        **delivery.due(report, size=size, now=done, life=LIFE),
    )
    if not ready:
        raise leases.Lost
    if report.delivery == Report.Delivery.EMAIL:
        jobs.enqueue(delivery.TASK, report.pk)


def _write(format: str, file: BinaryIO, columns: Sequence[Column], rows: Rows, heading: Heading) -> Written:
    if format == "csv":
        return write_csv(file, columns, rows)
    if format == "xlsx":
        from reports.formats.xlsx import write_xlsx  # a tenth of a second that other processes are spared

        return write_xlsx(file, columns, rows, heading=heading)
    return write_pdf(file, columns, rows, heading=heading)


def _counted(rows: Iterator[Row], lease: Lease, expected: int) -> Iterator[Row]:
    for done, row in enumerate(rows, 1):
        if done % 500 == 0:
            lease.progress(done, expected)
        yield row


def _labels(stored: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", " ").capitalize(), str(value)) for name, value in filters.shown(stored).items())


def by_id(pk: str) -> Report:
    """The report of a path. Raises NotFound, for malformed ids too."""
    try:
        ids.decode("rpt", pk)
    except ValueError:
        raise NotFound("No such report") from None
    found = Report.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("No such report")
    return found


def cancel(*, report: Report, actor: Any, now: datetime, reason: str = "") -> Report:
    """Stop a report that is being made. Raises Conflict when it is not."""
    with transaction.atomic():
        stopped = Report.objects.filter(pk=report.pk, status=Status.PROCESSING).update(
            status=Status.CANCELLED, lease="", lease_until=None
        )
        report.refresh_from_db()
        if not stopped:
            raise Conflict(f"The report is {report.status}")
        audit.record(
            actor=actor, action="report.cancelled", object_type="report", object_id=report.pk, reason=reason, now=now
        )
    return report


def revoke_link(*, report: Report, actor: Any, now: datetime, reason: str = "") -> Report:
    """Make the e-mailed link useless. Raises Conflict when there is none in force."""
    with transaction.atomic():
        revoked = Report.objects.filter(pk=report.pk, link_expires_at__gt=now, link_revoked_at=None).update(
            link_revoked_at=now
        )
        if not revoked:
            raise Conflict("No link of this report is in force")
        audit.record(
            actor=actor, action="report.link_revoked", object_type="report", object_id=report.pk, reason=reason, now=now
        )
    report.refresh_from_db()
    return report
