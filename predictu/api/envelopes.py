"""The one renderer of errors: ``{"error": {"code", "message", "details"}}``, with ``success: false`` in the S2S API."""

import logging
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from predictu import errors
from predictu.api.rendering import dumps

log = logging.getLogger("predictu.errors")

_LOCK_NOT_AVAILABLE, _DEADLOCK, _SERIALIZATION = "55P03", "40P01", "40001"


class MethodNotAllowed(errors.PredictuError):
    kind, status, message = "METHOD_NOT_ALLOWED", 405, "This method is not allowed here"


class UnsupportedMediaType(errors.PredictuError):
    kind, status, message = "UNSUPPORTED_MEDIA_TYPE", 415, "The body must be application/json"


_BY_STATUS: dict[int, type[errors.PredictuError]] = {
    kind.status: kind
    for kind in (errors.BadRequest, errors.Forbidden, errors.NotFound, MethodNotAllowed, errors.PayloadTooLarge)
}


def error_body(face: Any, error: errors.PredictuError) -> tuple[int, dict[str, Any]]:
    """Status and body of ``error`` in the words of ``face``."""
    status = error.status
    code = error.code if face is None or face.prints_code else error.kind
    if isinstance(error, errors.ValidationFailed) and face is not None:
        status = face.validation_status
    if isinstance(error, errors.BadRequest) and face is not None and face.name == "s2s":
        code = errors.ValidationFailed.kind
    body: dict[str, Any] = {"error": {"code": code, "message": error.message, "details": error.details}}
    return status, {"success": False, **body} if face is not None and face.shows_success else body


def error_response(request: HttpRequest, error: errors.PredictuError) -> HttpResponse:
    """The envelope as a plain response, for the layers outside a view."""
    request.refusal = error  # type: ignore[attr-defined]
    status, body = error_body(getattr(request, "face", None), error)
    response = HttpResponse(dumps(body), content_type="application/json", status=status)
    _hints(response, error)
    return response


def fault_response(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Any exception as an envelope; what is not an expected refusal is logged and says nothing of itself."""
    return error_response(request, as_error(exception))


def enforced(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer as it is, or the envelope where Django put a page of its own for an error of an API."""
    if response.status_code < 400 or getattr(request, "face", None) is None:
        return response
    if response.get("Content-Type", "").startswith("application/json"):
        return response
    enveloped = error_response(request, _BY_STATUS.get(response.status_code, errors.PredictuError)())
    if "Allow" in response:
        enveloped["Allow"] = response["Allow"]
    return enveloped


def render_exception(exception: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler for every face."""
    request = context["request"]
    error = request._request.refusal = as_error(exception)
    status, body = error_body(getattr(request._request, "face", None), error)
    response = Response(body, status=status)
    _hints(response, error)
    return response


def as_error(exception: Exception) -> errors.PredictuError:
    """The member of the one tree that ``exception`` means; unknown ones are logged and become INTERNAL_ERROR."""
    if isinstance(exception, errors.PredictuError):
        return exception
    known = _from_framework(exception) or _from_database(exception)
    if known is not None:
        return known
    log.error("unexpected %s", type(exception).__name__, exc_info=exception)
    return errors.PredictuError()


def _from_framework(exception: Exception) -> errors.PredictuError | None:
    if isinstance(exception, drf.ValidationError):
        return errors.ValidationFailed(details=flatten(exception.detail))
    if isinstance(exception, drf.ParseError):
        return errors.BadRequest(str(exception.detail))
    if isinstance(exception, drf.MethodNotAllowed):
        return MethodNotAllowed()
    if isinstance(exception, drf.UnsupportedMediaType):
        return UnsupportedMediaType()
    if isinstance(exception, (UnreadablePostError, BadRequest, SuspiciousOperation)):
        return errors.BadRequest()
    if isinstance(exception, (drf.NotAuthenticated, drf.AuthenticationFailed)):
        return errors.Unauthorized()
    if isinstance(exception, (drf.PermissionDenied, PermissionDenied)):
        return errors.Forbidden()
    if isinstance(exception, (drf.NotFound, Http404)):
        return errors.NotFound()
    if isinstance(exception, DjangoValidationError):
        return errors.ValidationFailed(details={"": exception.messages})
    return None


def _from_database(exception: Exception) -> errors.PredictuError | None:
    if not isinstance(exception, (DatabaseError, OperationalError)):
        return None
    state = getattr(exception.__cause__, "sqlstate", None)
    if state in (_LOCK_NOT_AVAILABLE, _DEADLOCK, _SERIALIZATION):
        return errors.Busy()
    if isinstance(exception, OperationalError):
        log.error("database unavailable", exc_info=exception)
        return errors.Unavailable()
    return None


def flatten(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """DRF's nested details as ``{dotted.field: [sentence, …]}``."""
    if isinstance(detail, dict):
        flat: dict[str, list[str]] = {}
        for name, value in detail.items():
            field = "" if name == "non_field_errors" else str(name)
            flat |= flatten(value, ".".join(filter(None, [prefix, field])))
        return flat
    if isinstance(detail, list) and any(isinstance(item, (dict, list)) for item in detail):
        flat = {}
        for index, item in enumerate(detail):
            flat |= flatten(item, f"{prefix}.{index}".lstrip("."))
        return flat
    return {prefix or "body": [str(item) for item in detail] if isinstance(detail, list) else [str(detail)]}


def _hints(response: HttpResponse | Response, error: errors.PredictuError) -> None:
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
