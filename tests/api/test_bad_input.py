"""Bad input, sent to every operation there is: a clear 4xx in the envelope each time, and not a row is changed."""

import json

import pytest

from predictu.api import documented
from tests import fingerprint
from tests.api.world import JSON, UNLIMITED, WRITING, World, described, operations

pytestmark = pytest.mark.django_db
_TURNS = 10

BROKEN = {
    "no JSON": b"{",
    "no object": b"[]",
    "a text": b'"x"',
    "NaN": b'{"amount_usd": NaN}',
    "infinity": b'{"amount_usd": -Infinity}',
    "huge number": b'{"amount_usd": 1e999999}',
    "endless number": b'{"amount_usd": ' + b"9" * 5000 + b"}",
    "broken UTF-8": b'{"reason": "\xff\xfe"}',
    "null byte": b'{"reason": "a\x00b"}',
    "escaped null byte": b'{"reason": "a\\u0000b"}',
    "half a character": b'{"reason": "\\ud800"}',
    "twice": b'{"reason": "a", "reason": "b"}',
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "unknown field": b'{"zz_unknown": 1}',
    "5 MB": b'{"reason": "' + b"x" * 5_000_000 + b'"}',
}
UPLOAD = "/api/internal/upload"
# Values no field of the type may take, whatever its bounds.
WRONG = {
    "string": [7, True, [], {}],
    "number": ["7", True, [], {}, 10**30, -(10**30)],
    "integer": ["7", True, [], {}, 1.5, 10**30, -(10**30)],
    "boolean": ["true", 1, [], {}],
    "array": ["x", 7, {}],
    "object": ["x", 7, []],
}


@pytest.fixture
def world(settings):
    for name, value in UNLIMITED.items():
        setattr(settings, name, value)
    return World()


def refused(path, answer, *, but=()):
    """What is wrong with a refusal; nothing if it is a 4xx in the words of its API."""
    if not 400 <= answer.status_code < 500 or answer.status_code in (401, 403, 405, 429):
        return f"{answer.status_code} {answer.content[:200]!r}"
    if answer["Content-Type"] != JSON:
        return f"{answer['Content-Type']}"
    body = answer.json()
    expected = {"error"} | ({"success"} if path.startswith("/api/s2s") else set())
    if set(body) != expected or set(body["error"]) != {"code", "message", "details"} or not body["error"]["message"]:
        return f"no envelope: {body}"
    return None


def walk(calls):
    """Make every call of (what, path, function); nothing may be moved, and all that is wrong is told at once."""
    wrong, before, last = [], fingerprint.everything(), None
    for what, path, call in calls:
        if last not in (None, path) and (after := fingerprint.everything()) != before:
            wrong.append(f"{last} moved {[table for table in after if after[table] != before[table]]}")
            before = after
        last = path
        if (problem := refused(path, call())) is not None:
            wrong.append(f"{what}: {problem}")
    assert fingerprint.everything() == before
    assert wrong == []


def test_bodies_nobody_can_read(world):
    walk(
        (f"{method} {path} {what}", path, lambda m=method, p=path, b=body: world.call(m, world.url(p), b))
        for method, path, _ in operations(*WRITING)
        if path != UPLOAD and not (path.endswith("{name}") and method == "delete")
        for what, body in BROKEN.items()
    )


def test_fields_that_cannot_be(world):
    """Every field of a body is wrong at once, again and again in other ways: each of them is named."""
    wrong, before = [], fingerprint.everything()
    for method, path, example, schema in documented_bodies():
        for turn in range(_TURNS):
            body = spoilt(example, schema, turn)
            answer = world.call(method, world.url(path), json.dumps(body).encode())
            problem = refused(path, answer) or unnamed(path, answer, body)
            wrong += [f"{method} {path} {body}: {problem}"] if problem else []
    assert fingerprint.everything() == before
    assert wrong == []


def unnamed(path, answer, body):
    """Fields that the answer does not call wrong; the configuration may name just one."""
    named = answer.json()["error"]["details"] or {}
    missing = [name for name in body if not any(f"{detail}.".startswith(f"{name}.") for detail in named)]
    unknown = [name for name, what in named.items() if what == ["unknown field"]]
    if unknown:
        return f"documented, yet unknown: {unknown}"
    return None if not missing or ("/config" in path and named) else f"{missing} not named in {named}"


def documented_bodies():
    components = described()["components"]["schemas"]

    def resolved(schema):
        name = schema.get("$ref", "").rpartition("/")[2]
        found = dict(components[name] if name else schema)
        if "properties" in found:
            found["properties"] = {key: resolved(inner) for key, inner in found["properties"].items()}
        return found

    for method, path, operation in operations(*WRITING):
        content = operation.get("requestBody", {}).get("content", {}).get(JSON)
        if content:
            yield method, path, next(iter(content["examples"].values()))["value"], resolved(content["schema"])


def spoilt(example, schema, turn):
    """A body with the ``turn``-th bad value of each field; every other turn goes into what is nested."""
    body = {}
    for name, field in schema["properties"].items():
        bad = list(bad_values(field))
        if field.get("properties") and (turn % 2 or not bad):
            body[name] = spoilt({}, field, turn)
        elif bad:
            body[name] = bad[turn % len(bad)]
    return body


def bad_values(field):
    kinds = field.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    yield from WRONG.get(next((kind for kind in kinds if kind != "null"), ""), [])
    if kinds and "null" not in kinds:
        yield None
    if "minimum" in field:
        yield from (field["minimum"] - 1, field["maximum"] + 1)
    if "number" in kinds:
        yield 0.123456789
    if "enum" in field:
        yield "zz"
    if "maxLength" in field:
        yield "x" * (field["maxLength"] + 1)
    if field.get("minLength"):
        yield ""
    if field.get("pattern", "").startswith("^") and "_[0-7]" in field["pattern"]:
        yield from ("stl_01km2zbba0e36tcasj3fbmsfa7", field["pattern"][1:].partition("_")[0] + "_x", "x\x01")


def test_parameters_that_cannot_be(world):
    walk(
        (
            f"{path} {parameter['name']}={value[:40]}",
            path,
            lambda p=path, n=parameter["name"], v=value: world.call("get", f"{world.url(p)}?{n}={v}"),
        )
        for _, path, operation in operations("get")
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
        for value in bad_texts(parameter["schema"])[: 2 if parameter["name"] in documented.shared() else None]
    )


def bad_texts(schema):
    """Query texts, quoted, that a parameter cannot mean; the most telling first."""
    if "enum" in schema or schema["type"] == "boolean":
        bad = ["zz"]
    elif schema["type"] == "integer":
        bad = [str(int(schema["maximum"]) + 1), "x", "1.5", "-1", "1e3", "9" * 50, "%D9%A3"]
    elif schema["type"] == "number":
        bad = ["NaN", "x", "-Infinity", "1e999", "9" * 50, "0x10"]
    elif "pattern" in schema:
        prefix = schema["pattern"][1:].partition("_")[0]
        bad = ["stl_01km2zbba0e36tcasj3fbmsfa7", "x", f"{prefix}_{'z' * 26}"]
    elif "anyOf" in schema or "format" in schema:
        bad = ["2026-02-30T00:00:00Z", "yesterday", "2026-13-01", "99999-01-01", "-1", "0000-00-00"]
    else:
        bad = ["x" * (schema["maxLength"] + 1)]
    return [bad[0], "%00", "%ff%fe", *bad[1:]]


def test_paths_to_nothing(world):
    """Ids of another kind, malformed, unknown, bytes no text has: a 404 each, unless a parameter is missed first."""
    wrong, before = [], fingerprint.everything()
    for method, path, operation in operations("get", *WRITING):
        parameters = operation.get("parameters", ())
        expected = {404, 400} if any(each.get("required") and each["in"] == "query" for each in parameters) else {404}
        for name, schema in [(each["name"], each["schema"]) for each in parameters if each["in"] == "path"]:
            for value in bad_ids(schema):
                answer = world.call(method, world.url(path, **{name: value}), b"{}")
                problem = refused(path, answer)
                if problem or (method == "get" and answer.status_code not in expected):
                    wrong.append(f"{method} {path} {name}={value[:40]}: {problem or answer.status_code}")
    assert fingerprint.everything() == before
    assert wrong == []


def bad_ids(schema):
    """Ids, quoted, under which there is nothing."""
    unknown = "_01km2zbba0e36tcasj3fbmsfa7"
    prefix = schema.get("pattern", "^x_")[1:].partition("_")[0]
    return [f"stl{unknown}", f"{prefix}{unknown}", "%00", "%ff", "x" * 400]
