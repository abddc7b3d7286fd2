"""Which middleware an API's request meets: what pages need goes past it, what every answer needs does not."""

import pytest
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.test import Client
from django.utils.module_loading import import_string
from django_otp.middleware import OTPMiddleware

from tests.factories import as_admin, make_admin

PAGES = (SessionMiddleware, AuthenticationMiddleware, OTPMiddleware, MessageMiddleware)


def test_every_answer_meets_these_and_only_pages_the_rest():
    layers = [import_string(path) for path in settings.MIDDLEWARE]
    of_pages = [layer.__name__ for layer in layers if issubclass(layer, PAGES)]
    assert of_pages == ["PageSession", "PageUser", "PageSecondFactor", "PageMessages"]
    assert [layer.__name__ for layer in layers if layer.__name__ not in of_pages] == [
        "RequestContextMiddleware",
        "SecurityMiddleware",
        "WhiteNoiseMiddleware",
        "StaffDoorMiddleware",
        "ApiMiddleware",
        "CommonMiddleware",
        "CsrfViewMiddleware",
        "XFrameOptionsMiddleware",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/internal/config", "/api/internal/nowhere", "/api/casino/whoami"])
def test_a_request_of_an_api_has_no_session_but_every_header(path):
    answer = Client(headers=as_admin(make_admin())).get(path)
    assert not [name for name in ("session", "_messages") if hasattr(answer.wsgi_request, name)]
    assert getattr(answer.wsgi_request, "user", None) is None
    assert not answer.cookies
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "X-Request-ID": answer["X-Request-ID"],
    }
    assert {name: answer.get(name) for name in wanted} == wanted
    assert answer["X-RateLimit-Limit"]


@pytest.mark.django_db
def test_a_page_has_all_of_it_and_a_form_without_its_token_is_refused():
    client = Client(enforce_csrf_checks=True)
    page = client.get("/admin/login/")
    assert not [name for name in ("session", "user", "_messages") if not hasattr(page.wsgi_request, name)]
    assert hasattr(page.wsgi_request.user, "otp_device")
    assert client.post("/admin/login/", {"username": "x", "password": "y"}).status_code == 403
