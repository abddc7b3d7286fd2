"""Handing out files: to whom they may go, streamed in whole or the one range asked for, under a name of ours."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from predictu import clock
from predictu.errors import Conflict, Forbidden, Gone, RangeNotSatisfiable
from predictu.platform import audit
from reports.models import FileJob, Report, Status
from reports.services import delivery, files, runs

_CHUNK = 1 << 16
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def may_fetch(job: FileJob, admin: Any) -> None:
    """Raises Gone for an expired or unmade file, Conflict while it is made, Forbidden for personal data not allowed."""
    if job.include_pii and not admin.has_perm(runs.PII):
        raise Forbidden(f"This file holds personal data and needs the permission {runs.PII}")
    if job.has_expired(clock.now()):
        raise Gone("The file has expired")
    if job.is_processing:
        raise Conflict("The file is still being made")
    if job.status != Status.READY:
        raise Gone(f"There is no file: {job.status}")


def send_report(request: HttpRequest, report: Report, *, actor: Any, action: str = "report.downloaded") -> HttpResponse:
    """A report's file; that it was fetched is in the audit trail. Raises as ``send``."""
    audit.record(
        actor=actor,
        action=action,
        object_type="report",
        object_id=report.pk,
        metadata={"include_pii": report.include_pii},
        now=clock.now(),
    )
    assert report.file_size_bytes is not None
    return send(
        request,
        path=report.path,
        size=report.file_size_bytes,
        sha256=report.sha256,
        name=delivery.file_name(report),
        content_type=delivery.CONTENT_TYPES[report.format],
    )


def send(request: HttpRequest, *, path: str, size: int, sha256: str, name: str, content_type: str) -> HttpResponse:
    """The file at ``path`` in the storage. Raises Gone when it is not there, RangeNotSatisfiable."""
    etag = f'"{sha256}"'
    span = _span(request, size, etag)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    try:
        file = files.open_file(path)
    except FileNotFoundError:
        raise Gone("The file is no longer there") from None
    start, length = span if span is not None else (0, size)
    headers["Content-Length"] = str(length)
    if span is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    if request.method == "HEAD":
        file.close()
        return HttpResponse(b"", content_type=content_type, headers=headers, status=206 if span else 200)
    return StreamingHttpResponse(
        _Part(file, start, length), content_type=content_type, headers=headers, status=206 if span else 200
    )


class _Part:
    """So many bytes of a file from ``start`` on; Django closes it when the client is served or gone."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self._left = file, start, length

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        while self._left and (chunk := self._file.read(min(_CHUNK, self._left))):
            self._left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()


def _span(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """Start and length of the one range asked for; None for the whole file, as for forms we do not know."""
    asked = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if asked is None or asked.groups() == ("", "") or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = asked.groups()
    if not first:
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        if last and int(last) < start:
            return None
        length = min(int(last) + 1 if last else size, size) - start
    if length <= 0:
        raise RangeNotSatisfiable(details={"range": [f"the file has {size} bytes"]})
    return start, length
