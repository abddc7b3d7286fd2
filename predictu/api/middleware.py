"""The two outermost layers: request context with the access log, and what the API promises of every answer.

The second answers before Django's own pages would: authentication before routing, envelopes for unknown paths and
faults, CORS for the browser client, rate-limit headers on everything, a bound on bodies, validators and compression.
"""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from predictu import logs, metrics
from predictu.api import bodies, context, envelopes, faces, throttling, transfer
from predictu.api.throttling import Limit
from predictu.errors import NotFound
from predictu.platform import audit

log = logging.getLogger("predictu.access")
Handler = Callable[[HttpRequest], HttpResponse]

_CORS_METHODS = "GET, POST, PATCH, PUT, DELETE, OPTIONS"
_CORS_EXPOSED = (
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Request-ID, Content-Disposition, ETag"
)


class RequestContextMiddleware:
    """Gives every request its id and address, and writes one access line without query string or personal data."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = context.request_id_of(request)  # type: ignore[attr-defined]
        request.client_address = context.client_address(request)  # type: ignore[attr-defined]
        request.face = faces.face_of(request.path)  # type: ignore[attr-defined]
        token = logs.request_id.set(request.request_id)  # type: ignore[attr-defined]
        begun = time.monotonic()
        try:
            with audit.came_from(request.client_address):  # type: ignore[attr-defined]
                response = envelopes.enforced(request, self.get_response(request))
            response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
            seconds = time.monotonic() - begun
            metrics.answered(request, response, seconds=seconds)
            log.info(
                "%s %s %s",
                request.method,
                request.path,
                response.status_code,
                extra={"status": response.status_code, "ms": round(seconds * 1000, 1)},
            )
            return response
        finally:
            logs.request_id.reset(token)


class ApiMiddleware:
    """Everything under ``/api/``: who asks is settled here, before any route is looked at."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        face = request.face  # type: ignore[attr-defined]
        if face is None:
            return self.get_response(request)
        if face.allows_browsers and _is_preflight(request):
            response = HttpResponse(status=204)
        else:
            response = transfer.finished(request, self._answer(request, face))
        if not hasattr(request, "limit_headers"):
            throttling.describe(request, Limit(settings.PREDICTU_ADMIN_RATE_LIMIT))
        for name, value in request.limit_headers.items():
            response[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return self._with_cors(request, response) if face.allows_browsers else response

    def _answer(self, request: HttpRequest, face: faces.Face) -> HttpResponse:
        try:
            face.admit(request)
            if "\x00" in request.path:  # no route may meet one: the database does not take it
                raise NotFound
        except Exception as error:  # noqa: BLE001 a fault here must end in the envelope too
            bodies.drain(request)
            return envelopes.fault_response(request, error)
        return envelopes.enforced(request, self.get_response(request))

    def _with_cors(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        origin = request.headers.get("Origin")
        response["Vary"] = ", ".join(filter(None, [response.get("Vary"), "Origin"]))
        if origin and origin in settings.PREDICTU_CORS_ORIGINS:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = _CORS_EXPOSED
            if request.method == "OPTIONS":
                response["Access-Control-Allow-Methods"] = _CORS_METHODS
                response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-None-Match, X-Request-ID"
                response["Access-Control-Max-Age"] = "600"
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A fault outside any view's own handler still ends in the envelope."""
        return envelopes.fault_response(request, exception) if request.face else None  # type: ignore[attr-defined]


def _is_preflight(request: HttpRequest) -> bool:
    return request.method == "OPTIONS" and "Origin" in request.headers
