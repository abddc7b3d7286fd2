"""The OpenAPI description: public, complete, in the words of each API."""

import json

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

from predictu.api import documented, schema

EVERYWHERE = {"400", "401", "403", "404", "405", "413", "429", "500", "503"}
OF_WRITES = {"409", "415", "422"}
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


def test_every_operation_says_what_it_is_and_how_it_refuses(described):
    names = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(described):
        assert len(operation["summary"].split()) > 1 and operation["summary"][-1] in ".;)", f"{method} {path}"
        assert len(operation["tags"]) == 1, f"{method} {path}"
        refusals = EVERYWHERE | (OF_WRITES if method in ("post", "put", "patch") else set())
        assert {status for status in operation["responses"] if status >= "400"} >= refusals, f"{method} {path}"


def test_every_refusal_is_the_envelope_with_an_example(described):
    for name, answer in described["components"]["responses"].items():
        if name == "NotModified":
            continue
        content = answer["content"]["application/json"]
        assert content["schema"]["$ref"] == f"#/components/schemas/{'S2SError' if name[:3] == 'S2S' else 'Error'}"
        assert problems(described, content["schema"], content["example"]) == [], name


def test_every_answer_has_an_example_that_fits_its_schema(described):
    for path, method, operation in operations(described):
        answers = {status: answer for status, answer in operation["responses"].items() if status < "300"}
        assert answers, f"{method} {path}"
        for status, answer in answers.items():
            assert status == "204" or answer["content"], f"{method} {path} {status}"
            for kind, content in answer.get("content", {}).items():
                if kind != "application/json":
                    assert content["schema"] == {"type": "string", "contentEncoding": "binary"}
                    continue
                assert content["schema"]["type"] == "object" and content["examples"], f"{method} {path} {status}"
                for name, example in content["examples"].items():
                    wrong = problems(described, content["schema"], example["value"])
                    assert wrong == [], f"{method} {path} {status} {name}"


def test_every_body_has_a_closed_schema_and_an_example_that_fits_it(described):
    bodies = 0
    for path, method, operation in operations(described):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            bodies += 1
            schema = resolved(described, content["schema"])
            assert schema["type"] == "object" and schema["additionalProperties"] is False, f"{method} {path}"
            assert content["examples"], f"{method} {path}"
            for name, example in content["examples"].items():
                assert problems(described, schema, example["value"]) == [], f"{method} {path} {name}"
    assert bodies > 40


def test_nothing_is_documented_that_is_no_operation(described):
    known = {f"{method.upper()} {path}" for path, method, _ in operations(described)}
    assert set(documented.entries()) == known


def test_every_shared_parameter_is_used(described):
    used = {
        parameter["name"] for _, _, operation in operations(described) for parameter in operation.get("parameters", ())
    }
    assert set(documented.shared()) <= used


def resolved(described, schema):
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return described["components"]["schemas"][name] if name else schema


def problems(described, schema, value):
    """What is wrong with ``value``, formats included."""
    whole = {**schema, "components": described["components"]}
    return [error.message for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)]


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
        if "content" in answer
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
