"""Reports by e-mail: the file itself, or past 10 MB a signed link to that one file. Sent by a job, tried again, shown.

Every recipient gets a message apart, so that nobody learns who the others are, and nobody gets it twice.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db.models import F

from predictu import clock, jobs
from predictu.errors import Gone, NotFound
from reports.models import Report, Status
from reports.services import files
from reports.tables import TABLES, filters

log = logging.getLogger("predictu.reports")

TASK = "reports.tasks.deliver_report"
ATTACHED_MOST = 10_000_000
LINK_LIFE = timedelta(days=7)
LINK_PREFIX = "/files/reports/"
# Waits after a failure; after the last one it counts as failed.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
# Longer than the mail server may take for everybody, so that nobody sends what another is sending.
_CLAIM = timedelta(minutes=10)
_SALT = "reports.link"


def due(report: Report, *, size: int, now: datetime, life: timedelta) -> dict[str, Any]:
    """What a file that has just been made owes: when it expires, and for e-mail that it must be sent."""
    if report.delivery != Report.Delivery.EMAIL:
        return {"expires_at": now + life}
    linked = size > ATTACHED_MOST
    return {
        "delivery_due_at": now,
        "expires_at": now + (LINK_LIFE if linked else life),
        "link_expires_at": now + LINK_LIFE if linked else None,
    }


def deliver(pk: str, *, now: datetime) -> None:
    """Send a report to those who have not got it yet, unless somebody else is sending it."""
    claimed = Report.objects.filter(pk=pk, status=Status.READY, delivery_due_at__lte=now).update(
        delivery_due_at=now + _CLAIM, delivery_attempts=F("delivery_attempts") + 1
    )
    if not claimed:
        return
    report = Report.objects.get(pk=pk)
    try:
        for address in report.recipients:
            if address not in report.delivered_to:
                _message(report, address).send()
                report.delivered_to.append(address)
                report.save(update_fields=["delivered_to"])
    except Exception as error:  # noqa: BLE001 whatever the mail server does, the report is tried again or shown as failed
        _failed(report, error, now)
        return
    report.delivered_at, report.delivery_due_at, report.delivery_error = clock.now(), None, ""
    report.save(update_fields=["delivered_at", "delivery_due_at", "delivery_error"])


def _failed(report: Report, error: Exception, now: datetime) -> None:
    tried = report.delivery_attempts
    log.warning("report %s could not be sent: %s", report.pk, type(error).__name__)
    report.delivery_due_at = now + WAITS[tried - 1] if tried <= len(WAITS) else None
    report.delivery_error = type(error).__name__
    report.save(update_fields=["delivery_due_at", "delivery_error"])


def _message(report: Report, address: str) -> EmailMessage:
    title = report.schedule.name if report.schedule else f"{TABLES[report.type].title} report"
    period = filters.shown(report.filters)
    lines = [
        f"{title}: {report.row_count:,} rows, {period['from']} to {period['to']} (UTC).",
    ]
    message = EmailMessage(title, "", settings.DEFAULT_FROM_EMAIL, [address])
    if report.link_expires_at:
        lines += ["", f"Download until {clock.seconds(report.link_expires_at)}:", link(report)]
    else:
        with files.open_file(report.path) as file:
            message.attach(file_name(report), file.read(), CONTENT_TYPES[report.format].partition(";")[0])
    message.body = "\n".join(lines) + "\n"
    return message


CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


def file_name(report: Report) -> str:
    """What the file is called where it is saved: type and period."""
    start, end = filters.bounds(report.filters)
    last = max(start, end - timedelta(seconds=1))
    return f"{report.type}-{start:%Y-%m-%d}-{last:%Y-%m-%d}.{report.format}"


def link(report: Report) -> str:
    """The signed link to this one file."""
    return settings.PREDICTU_PUBLIC_URL.rstrip("/") + LINK_PREFIX + signing.Signer(salt=_SALT).sign(report.pk)


def linked(token: str, *, now: datetime) -> Report:
    """The report a link names. Raises NotFound for a forged one, Gone for one that expired or was revoked."""
    try:
        pk = signing.Signer(salt=_SALT).unsign(token)
    except signing.BadSignature:
        raise NotFound from None
    report = Report.objects.filter(pk=pk, link_expires_at__isnull=False).first()
    if report is None:
        raise NotFound
    assert report.link_expires_at is not None
    if report.link_revoked_at or now >= report.link_expires_at or report.status != Status.READY:
        raise Gone("This link is no longer valid")
    return report


def sweep(*, now: datetime) -> int:
    """Ring for every e-mail that is due."""
    waiting = list(Report.objects.filter(delivery_due_at__lte=now).values_list("pk", flat=True)[:200])
    for pk in waiting:
        jobs.enqueue(TASK, pk)
    return len(waiting)
