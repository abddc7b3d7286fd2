"""Reports, schedules and exports in the documents' words."""

from typing import Any

from predictu import clock
from reports.models import Export, Report, ReportSchedule, Status
from reports.tables import filters


def report(row: Report) -> dict[str, Any]:
    base = f"/api/internal/reports/{row.pk}"
    shown: dict[str, Any] = {"report_id": row.pk, "type": row.type, "format": row.format, "status": row.status}
    if row.status == Status.READY:
        shown["download_url"] = f"{base}/download"
    if row.status == Status.PROCESSING:
        shown |= {"poll_url": base, "progress_pct": row.progress_pct, "expected_rows": row.expected_rows}
    if row.status in (Status.READY, Status.EXPIRED):
        shown |= {
            "expires_at": clock.seconds(row.expires_at),
            "row_count": row.row_count,
            "file_size_bytes": row.file_size_bytes,
            "generated_at": clock.seconds(row.generated_at),
        }
    if row.error:
        shown["error"] = row.error
    if row.delivery == Report.Delivery.EMAIL:
        shown["email"] = _email(row)
    return shown | {
        "filters": filters.shown(row.filters),
        "columns": row.columns,
        "include_pii": row.include_pii,
        "delivery": row.delivery,
        "schedule_id": row.schedule_id,
        "requested_by": row.requested_by_id,
        "created_at": clock.seconds(row.created_at),
    }


def _email(row: Report) -> dict[str, Any]:
    return {
        "recipients": row.recipients,
        "sent_at": clock.seconds(row.delivered_at),
        "attempts": row.delivery_attempts,
        "error": row.delivery_error or None,
        "link_expires_at": clock.seconds(row.link_expires_at),
        "link_revoked_at": clock.seconds(row.link_revoked_at),
    }


def schedule(row: ReportSchedule, last: Report | None) -> dict[str, Any]:
    day = {"weekly": {"day_of_week": row.day_of_week}, "monthly": {"day_of_month": row.day_of_month}}
    return {
        "id": row.pk,
        "name": row.name,
        "type": row.type,
        "format": row.format,
        "frequency": row.frequency,
        **day.get(row.frequency, {}),
        "time_utc": f"{row.time_utc:%H:%M}",
        "next_run_at": clock.seconds(row.next_run_at),
        "filters": filters.raw(row.filters),
        "columns": row.columns,
        "recipients": row.recipients,
        "enabled": row.enabled,
        "last_run": _run(last) if last else None,
        "created_by": row.created_by_id,
        "created_at": clock.seconds(row.created_at),
        "updated_at": clock.seconds(row.updated_at),
    }


def _run(row: Report) -> dict[str, Any]:
    return {
        "report_id": row.pk,
        "due_at": clock.seconds(row.due_at),
        "status": row.status,
        "attempts": row.attempts,
        "error": row.error or row.delivery_error or None,
        "sent_at": clock.seconds(row.delivered_at),
    }


def export(row: Export) -> dict[str, Any]:
    base = f"/api/internal/export/{row.pk}"
    shown: dict[str, Any] = {
        "export_id": row.pk,
        "type": row.type,
        "format": row.format,
        "compression": row.compression,
        "status": row.status,
        "progress_pct": row.progress_pct,
        "estimated_rows": row.estimated_rows,
        "estimated_size_bytes": row.estimated_size_bytes,
        "include_pii": row.include_pii,
        "poll_url": f"{base}/status",
        "requested_by": row.requested_by_id,
        "created_at": clock.seconds(row.created_at),
    }
    if row.status == Status.READY:
        shown |= {"download_url": f"{base}/download", "manifest_url": f"{base}/manifest"}
    if row.status in (Status.READY, Status.EXPIRED):
        shown |= {
            "expires_at": clock.seconds(row.expires_at),
            "row_count": row.row_count,
            "file_size_bytes": row.file_size_bytes,
            "sha256": row.sha256,
            "generated_at": clock.seconds(row.generated_at),
        }
    return shown | ({"error": row.error} if row.error else {})
