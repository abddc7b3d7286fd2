"""What the API description says of each operation beyond its code: query parameters, examples of bodies and answers.

One JSON file for each part of the APIs, keyed by method and path; an entry holds ``parameters`` (a name of
``parameters.json``, or a whole one), ``request`` and ``answers`` (named examples, answers by status), ``files`` (media
types by status, where no JSON is answered) and ``refusals`` (error statuses not every operation has). Schemas of
answers are read off the examples.
"""

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from predictu.api.documented import shapes

Entry = dict[str, Any]

_FOLDER = Path(__file__).parent
_SHARED = "parameters.json"
_JSON = "application/json"
# Downloads are the files themselves; clients may ask for a part.
_FILE = {"type": "string", "contentEncoding": "binary"}


def id_pattern(prefix: str) -> str:
    """What ids with this prefix look like."""
    return f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"


@cache
def entries() -> dict[str, Entry]:
    """Everything documented: ``{"GET /api/internal/users": …}``."""
    found: dict[str, Entry] = {}
    for file in sorted(_FOLDER.glob("*.json")):
        if file.name != _SHARED:
            part = _read(file)
            assert not part.keys() & found.keys(), f"{file.name} repeats an operation"
            found |= part
    return found


def entry(method: str, path: str) -> Entry:
    """What is documented of one operation; empty where nothing is."""
    return entries().get(f"{method.upper()} {path}", {})


def describe(operation: dict[str, Any], entry: Entry) -> None:
    """Put what is documented into an operation of the description."""
    if parameters := [*operation.get("parameters", ()), *map(_parameter, entry.get("parameters", ()))]:
        operation["parameters"] = parameters
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["examples"] = _examples(entry.get("request", {}))
    answers = {status: _answer(status, examples) for status, examples in entry.get("answers", {}).items()}
    answers |= {status: _file(status, kinds) for status, kinds in entry.get("files", {}).items()}
    if answers:
        operation["responses"] = answers


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text())
    return content


@cache
def shared() -> dict[str, Any]:
    """Parameters that mean the same for several operations, by name."""
    return _read(_FOLDER / _SHARED)


def _parameter(given: str | dict[str, Any]) -> dict[str, Any]:
    known = shared()[given] if isinstance(given, str) else given
    name = given if isinstance(given, str) else given["name"]
    return {"name": name, "in": "query", **known}


def _examples(named: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in named.items()}


def _answer(status: str, named: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(int(status)).phrase}
    if named:
        schema = shapes.of_all(list(named.values()))
        answer["content"] = {_JSON: {"schema": schema, "examples": _examples(named)}}
    return answer


def _file(status: str, kinds: list[str]) -> dict[str, Any]:
    return {
        "description": HTTPStatus(int(status)).phrase,
        "content": {kind: {"schema": _FILE} for kind in kinds},
    }
