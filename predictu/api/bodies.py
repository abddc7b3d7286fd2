"""Request bodies: bounded before anything reads them, whichever way their length is told."""

import io

from django.core.handlers.wsgi import LimitedStream
from django.http import HttpRequest

from predictu.errors import BadRequest, PayloadTooLarge

JSON_BODY_MAX = 1_000_000
UPLOAD_BODY_MAX = 20_000_000  # a file over 5 MB is answered as such, not cut off, up to here
UPLOAD_PATH = "/api/internal/upload"
_DRAINED_MAX = 20_000_000
_CHUNK = 65_536


def most(request: HttpRequest) -> int:
    """The largest body this path takes, in bytes."""
    return UPLOAD_BODY_MAX if request.path == UPLOAD_PATH else JSON_BODY_MAX


def bound(request: HttpRequest) -> None:
    """Raises PayloadTooLarge for a body over the bound; a chunked body is read, up to it, so that Django can see it."""
    if hasattr(request, "_body"):
        return
    if _is_chunked(request):
        _take_chunked(request)
    elif _length(request) > most(request):
        raise PayloadTooLarge(f"The request body is larger than {most(request):,} bytes")


def drain(request: HttpRequest) -> None:
    """Read and throw away what the client still sends, so that it can read the answer; never without end."""
    stream = request.META["wsgi.input"] if _is_chunked(request) else request
    left = _DRAINED_MAX if _is_chunked(request) else min(_length(request), _DRAINED_MAX)
    try:
        while left > 0 and (chunk := stream.read(min(left, _CHUNK))):
            left -= len(chunk)
    except (OSError, ValueError):
        return


def _length(request: HttpRequest) -> int:
    try:
        return max(0, int(request.META.get("CONTENT_LENGTH") or 0))
    except ValueError:
        return 0


def _is_chunked(request: HttpRequest) -> bool:
    """Whether the server hands over a body without a length: Django itself would take it for empty."""
    return (
        not request.META.get("CONTENT_LENGTH")
        and bool(request.META.get("wsgi.input_terminated"))
        and ("chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower())
    )


def _take_chunked(request: HttpRequest) -> None:
    try:
        body = request.META["wsgi.input"].read(most(request) + 1)
    except OSError:
        raise BadRequest("The request body ended early") from None
    if len(body) > most(request):
        raise PayloadTooLarge(f"The request body is larger than {most(request):,} bytes")
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._stream = LimitedStream(io.BytesIO(body), len(body))  # type: ignore[assignment]
