"""Staff's paths open to their networks alone, and their pages come with a policy."""

import re

import pytest
from django.test import Client

from tests.factories import as_admin, make_admin, make_operator, make_pair

pytestmark = pytest.mark.django_db
HERE = "127.0.0.1"


@pytest.mark.parametrize(
    ("networks", "let_in"),
    [
        ([], True),
        (["127.0.0.0/8"], True),
        (["10.0.0.0/8", "127.0.0.1"], True),
        (["2001:db8::/32"], False),
    ],
)
def test_the_list_holds_for_pages_and_api(settings, networks, let_in):
    settings.PREDICTU_STAFF_NETWORKS = networks
    api = Client(headers=as_admin(make_admin())).get("/api/internal/activity")
    assert (api.status_code, api["Content-Type"]) == (200 if let_in else 403, "application/json")
    assert Client().get("/admin/login/").status_code == (200 if let_in else 403)
    assert Client().get("/healthz").status_code == 200


def test_the_s2s_api_is_staffs_too_but_for_the_public_key(settings):
    settings.PREDICTU_STAFF_NETWORKS = ["10.0.0.0/8"]
    operator = make_operator()
    make_pair(operator)
    client = Client(headers=as_admin(make_admin()))
    assert client.get("/api/s2s/operators").status_code == 403
    assert client.get(f"/api/s2s/operators/{operator.id}").status_code == 403
    assert Client().get(f"/api/s2s/operators/{operator.id}/public-key").status_code == 200


def test_an_operator_is_not_asked_where_it_calls_from(settings):
    settings.PREDICTU_STAFF_NETWORKS = ["10.0.0.0/8"]
    assert Client().get("/api/casino/markets").status_code == 401


def test_pages_run_no_inline_script():
    policy = Client().get("/admin/login/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy and "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/admin/operators/operator/", "/admin/two-factor/"])
def test_no_page_brings_a_script_the_policy_would_stop(path):
    client = Client()
    if path != "/admin/login/":
        client.force_login(make_admin())
    page = client.get(path).content.decode()
    inline = [tag for tag in re.findall(r"<script\b[^>]*>", page) if " src=" not in tag and "json" not in tag]
    assert inline == [] and re.findall(r"<[^>]+\son[a-z]+=", page) == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page) == []
