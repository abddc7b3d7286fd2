"""What is documented is what handlers really take: the parameters they read, with bounds, and the body they check."""

import pytest

from predictu.api import documented, params, views
from tests.api.world import JSON, UNLIMITED, WRITING, World, operations

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings):
    for name, value in UNLIMITED.items():
        setattr(settings, name, value)
    return World()


@pytest.fixture
def asked(monkeypatch):
    """What handlers ask of their query, as JSON Schemas by name; still answered by the query itself."""
    found = {}
    shapes = {
        "text": lambda longest=200: {"type": "string", "maxLength": longest},
        "choice": lambda choices, default=None: _choice([str(choice) for choice in choices], default),
        "integer": lambda default, least, most: {
            "type": "integer", "minimum": least, "maximum": most, "default": default,
        },
        "number": lambda: {"type": "number"},
        "type_id": lambda prefix: {"type": "string", "pattern": documented.id_pattern(prefix)},
        "instant": lambda parse: {"type": "string"},
    }  # fmt: skip

    def watch(method, shape):
        really = getattr(params.Query, method)

        def watched(query, name, *args, **kwargs):
            found[name] = shape(*args, **kwargs)
            return really(query, name, *args, **kwargs)

        monkeypatch.setattr(params.Query, method, watched)

    for method, shape in shapes.items():
        watch(method, shape)
    return found


def _choice(choices, default):
    if choices == ["true", "false"]:
        return {"type": "boolean"}
    return {"type": "string", "enum": choices} | ({} if default is None else {"default": str(default)})


def test_parameters_are_those_that_are_read(world, asked):
    wrong = []
    for _, path, operation in operations("get"):
        if "/download" in path or path.endswith("pdf"):
            continue
        asked.clear()
        told = {each["name"]: each["schema"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        needed = {each["name"] for each in operation.get("parameters", ()) if each.get("required")} & set(told)
        known = {"outcome": "yes", "date": "2026-03-01", "transaction_id": "tx-1"}
        query = "&".join(["page=1", *(f"{name}={known[name]}" for name in needed)])
        world.call("get", f"{world.url(path)}?{query}")
        read = {name: schema for name, schema in asked.items() if f"{{{name}}}" not in path}
        for name in told.keys() | read.keys():
            plain = {key: value for key, value in told.get(name, {}).items() if key not in ("anyOf", "format")}
            if name not in told or name not in read or plain != read[name]:
                wrong.append(f"{path} {name}: documented {told.get(name)}, read {read.get(name)}")
    assert wrong == []


def test_bodies_are_those_that_are_checked(world, monkeypatch):
    checked, really = [], views.ApiView.body

    def watched(view, kind, **more):
        checked.append(kind.__name__)
        return really(view, kind, **more)

    monkeypatch.setattr(views.ApiView, "body", watched)
    wrong = []
    for method, path, operation in operations(*WRITING):
        checked.clear()
        world.call(method, world.url(path, name=world.ids["export_id" if method == "delete" else "name"]), b'{"zz": 1}')
        content = operation.get("requestBody", {}).get("content", {})
        reference = content.get(JSON, {}).get("schema", {}).get("$ref", "")
        if reference:
            as_told = len(checked) == 1 and reference.endswith(f"{checked[0]}Request")
        else:  # checked by hand, as the configuration is, or no JSON; else there is none
            as_told = checked == ([] if content else ["Nothing"])
        wrong += [] if as_told else [f"{method} {path}: documented {reference or list(content)}, checked {checked}"]
    assert wrong == []
