"""Handing out files: streamed, in whole or the one range asked for, under a name of ours."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from predictu.errors import Gone, PredictuError
from reports.services import files

_CHUNK = 1 << 16
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class RangeNotSatisfiable(PredictuError):
    kind, status, message = "RANGE_NOT_SATISFIABLE", 416, "The range lies outside the file"


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
