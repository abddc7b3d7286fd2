"""Bulk exports from the request to the file and its manifest; made by a worker."""

import json
import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from operators.models import Operator
from predictu import clock, ids, jobs
from predictu.errors import Conflict, Forbidden, NotFound
from predictu.platform import audit
from reports.exports import copying
from reports.exports.tables import DUMPS, Dump, Field, Scope
from reports.models import Export, Status
from reports.services import files, leases
from reports.services.leases import Lease

log = logging.getLogger("predictu.reports")

TASK = "reports.tasks.make_export"
LIFE = timedelta(hours=1)
PII = "accounts.export_pii"
# How large a row is, against csv without compression.
_FORMATS = {"csv": 1.0, "jsonl": 2.1, "parquet": 0.6}
_COMPRESSIONS = {"none": 1.0, "gzip": 0.26, "zstd": 0.22}
# Personal columns make a row so many bytes longer.
_PERSONAL_BYTES = 40


def scope_of(export: Export) -> Scope:
    return Scope(export.start, export.end, export.operator_id)


def request(
    *,
    actor: Any,
    type: str,
    format: str,
    compression: str,
    start: datetime,
    end: datetime,
    operator: Operator | None,
    include_pii: bool,
    now: datetime,
) -> Export:
    """Ask for an export of [start, end). Raises NotFound for an unknown type, Forbidden for PII not allowed."""
    dump = DUMPS.get(type)
    if dump is None:
        raise NotFound("No such type of export")
    if include_pii and not actor.has_perm(PII):
        raise Forbidden(f"include_pii needs the permission {PII}")
    rows = estimated_rows(dump, Scope(start, end, operator.pk if operator else None))
    row_bytes = dump.csv_bytes + (_PERSONAL_BYTES if include_pii else 0)
    with transaction.atomic():
        export = Export.objects.create(
            type=type,
            format=format,
            compression=compression,
            operator=operator,
            start=start,
            end=end,
            include_pii=include_pii,
            estimated_rows=rows,
            estimated_size_bytes=int(rows * row_bytes * _FORMATS[format] * _COMPRESSIONS[compression]),
            requested_by=actor,
            rung_at=now,
            created_at=now,
        )
        audit.record(
            actor=actor,
            action="export.created",
            object_type="export",
            object_id=export.pk,
            metadata={
                "type": type,
                "format": format,
                "compression": compression,
                "filters": {
                    "from": clock.seconds(start),
                    "to": clock.shown_to(end),
                    "operator": operator.slug if operator else None,
                },
                "include_pii": include_pii,
            },
            now=now,
        )
        jobs.enqueue(TASK, export.pk)
    return export


def estimated_rows(dump: Dump, scope: Scope) -> int:
    """What the planner's statistics say; nothing is counted."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {dump.records(scope)}")
        found = cursor.fetchone()[0]
    plan = json.loads(found) if isinstance(found, str) else found
    return int(plan[0]["Plan"]["Plan Rows"])


def make(pk: str, *, now: datetime) -> None:
    """Make the file if nobody else does."""
    known = Export.objects.filter(pk=pk).values_list("path", "format", "compression").first()
    if known is None:
        return
    before, format, compression = known
    lease = leases.claim(Export, pk, path=files.new_path(ending(format, compression)), now=now)
    if lease is None:
        return
    files.remove(before)
    try:
        with lease.kept():
            _make(lease)
    except leases.Lost:
        files.remove(lease.job.path)
    except Exception as error:
        log.exception("export %s failed", pk)
        files.remove(lease.job.path)
        leases.release(lease, error=f"unexpected {type(error).__name__}")


def _make(lease: Lease) -> None:
    export = lease.job
    assert isinstance(export, Export)
    dump = DUMPS[export.type]
    columns = dump.columns(personal=export.include_pii)
    with files.scratch() as file:
        with copying.snapshot() as snapshot:
            taken_at = snapshot.execute("SELECT now()").fetchone()[0]  # type: ignore[index]
            rows = _write(export, dump, columns, file, snapshot, lease)
        lease.check()
        size, digest = files.keep(file, export.path)
    done = clock.now()
    ready = leases.finish(
        lease,
        status=Status.READY,
        row_count=rows,
        file_size_bytes=size,
        sha256=digest,
        progress_pct=100,
        error="",
        generated_at=done,
        expires_at=done + LIFE,
        manifest=_manifest(export, columns, rows, size, digest, taken_at),
    )
    if not ready:
        raise leases.Lost


def _write(export: Export, dump: Dump, columns: tuple[Field, ...], file: Any, snapshot: Any, lease: Lease) -> int:
    sql = copying.statement(dump, scope_of(export), format=export.format, personal=export.include_pii)

    def progress(rows: int) -> None:
        lease.progress(rows, export.estimated_rows)

    if export.format == "parquet":
        from reports.exports.parquet import write_parquet  # pyarrow is 60 MB that no other job needs

        return write_parquet(file, snapshot, sql, columns=columns, compression=export.compression, progress=progress)
    return copying.write_text(file, snapshot, sql, compression=export.compression, progress=progress)


def _manifest(
    export: Export, columns: tuple[Field, ...], rows: int, size: int, digest: str, taken_at: datetime
) -> dict[str, Any]:
    return {
        "export_id": export.pk,
        "type": export.type,
        "format": export.format,
        "compression": export.compression,
        "from": clock.seconds(export.start),
        "to": clock.shown_to(export.end),
        "operator": export.operator.slug if export.operator else None,
        "include_pii": export.include_pii,
        "snapshot_at": clock.seconds(taken_at),
        "row_count": rows,
        "file_size_bytes": size,
        "sha256": digest,
        "columns": [{"name": column.name, "type": column.kind.value} for column in columns],
        "raw": True,
        "note": "Texts are as they are stored: a spreadsheet may run one that begins with = + - @ as a formula.",
    }


def ending(format: str, compression: str) -> str:
    """The ending of the file's name; Parquet compresses its pages, not the file."""
    if format == "parquet":
        return format
    return format + {"none": "", "gzip": ".gz", "zstd": ".zst"}[compression]


def file_name(export: Export) -> str:
    last = max(export.start, export.end - timedelta(seconds=1))
    return f"{export.type}-{export.start:%Y-%m-%d}-{last:%Y-%m-%d}.{ending(export.format, export.compression)}"


def by_id(pk: str) -> Export:
    """The export of a path. Raises NotFound, for malformed ids too."""
    try:
        ids.decode("exp", pk)
    except ValueError:
        raise NotFound("No such export") from None
    found = Export.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("No such export")
    return found


def cancel(*, export: Export, actor: Any, now: datetime) -> Export:
    """Stop an export that is being made. Raises Conflict when it is not."""
    with transaction.atomic():
        stopped = Export.objects.filter(pk=export.pk, status=Status.PROCESSING).update(
            status=Status.CANCELLED, lease="", lease_until=None
        )
        export.refresh_from_db()
        if not stopped:
            raise Conflict(f"The export is {export.status}")
        audit.record(actor=actor, action="export.cancelled", object_type="export", object_id=export.pk, now=now)
    return export
