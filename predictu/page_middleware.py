"""The middleware of staff's pages. Requests of the APIs go past it: they know no session and no cookie.

Whatever every answer needs (request id, security headers, the check of the host, frame options) is not here, nor is the
check of forms: Django's own stands, and lets by what is exempt.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django_otp.middleware import OTPMiddleware


class _PastApis:
    """Mixed into a middleware of Django's: a request of an API goes on as if it were not there."""

    get_response: Callable[[HttpRequest], HttpResponse]

    def __call__(self, request: HttpRequest) -> Any:
        if request.face is not None:  # type: ignore[attr-defined]
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class PageSession(_PastApis, SessionMiddleware):
    """Sessions, for pages."""


class PageUser(_PastApis, AuthenticationMiddleware):
    """The session's admin, for pages."""


class PageSecondFactor(_PastApis, OTPMiddleware):
    """The session's second factor, for pages."""


class PageMessages(_PastApis, MessageMiddleware):
    """Messages to the one who reads a page."""
