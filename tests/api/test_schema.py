"""The OpenAPI description: public, complete, in the words of each API."""

import json

import pytest
from django.core.management import call_command
from django.test import Client

from predictu.api import schema

STATUSES = {"400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "500", "503"}
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def described():
    return json.loads(schema.document()[0])


def operations(described):
    return [
        (path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


@pytest.mark.django_db
def test_it_is_public_and_says_when_it_has_not_changed():
    answer = Client().get("/api/schema/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/vnd.oai.openapi+json")
    assert answer.json()["openapi"] == "3.1.1"
    again = Client().get("/api/schema/", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.django_db
def test_the_pages_files_are_our_own():
    answer = Client().get("/api/docs/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in text
    assert "https://" not in text and "/api/schema/" in text


def test_nothing_but_the_apis_is_described(described):
    prefixes = ("/api/auth/", "/api/internal/", "/api/s2s/", "/api/casino/")
    assert described["paths"] and all(path.startswith(prefixes) for path in described["paths"])


def test_every_operation_has_a_summary_a_tag_and_every_error(described):
    for path, method, operation in operations(described):
        assert operation.get("summary"), f"{method} {path}"
        assert len(operation["tags"]) == 1, f"{method} {path}"
        assert set(operation["responses"]) >= STATUSES, f"{method} {path}"
        assert [status for status in operation["responses"] if status < "400"], f"{method} {path}"


def test_every_operation_names_its_security(described):
    for path, method, operation in operations(described):
        named = {name for scheme in operation.get("security", []) for name in scheme}
        if path == "/api/auth/admin/login" or path.endswith("/public-key"):
            assert not named, f"{method} {path}"
        elif path.startswith("/api/casino/"):
            assert named == {"operatorKey", "operatorTimestamp", "operatorSignature"}, f"{method} {path}"
        else:
            assert named == {"adminToken"}, f"{method} {path}"


def test_errors_are_worded_as_each_face_words_them(described):
    shown = {
        name: answer["content"]["application/json"]["example"]
        for name, answer in described["components"]["responses"].items()
    }
    assert shown["Error401"] == {
        "error": {"code": "UNAUTHORIZED", "message": "Admin authentication required", "details": None}
    }
    assert shown["Error422"]["error"]["code"] == "VALIDATION_ERROR"
    assert shown["S2SError400"]["error"]["code"] == "VALIDATION_ERROR"
    assert shown["S2SError404"]["success"] is False
    assert shown["CasinoError503"]["error"]["code"] == "UNAVAILABLE"
    assert "Retry-After" in described["components"]["responses"]["CasinoError429"]["headers"]


def test_every_reference_leads_somewhere(described):
    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
            node = list(node.values())
        if isinstance(node, list):
            for item in node:
                yield from references(item)

    for reference in set(references(described)):
        node = described
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


def test_it_is_made_without_a_warning(tmp_path):
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yml"))
