"""JSON Schemas read off examples, so that an answer's example and its schema can never differ.

What an example cannot show (that a value may be null or absent, that an object's keys are data) is told by name, and
means the same wherever the name stands.
"""

import re
from collections.abc import Sequence
from typing import Any

from predictu.api.documented.names import (
    ABSENT_AT_TIMES,
    FRACTIONAL,
    FREE,
    KEYED_BY_DATA,
    NULL_AT_TIMES,
    OF_ANY_FORM,
)

Schema = dict[str, Any]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ID = re.compile(r"([a-z0-9]+)_[0-9a-z]{26}", re.IGNORECASE)


def of(example: Any, name: str = "") -> Schema:
    """The schema of every answer that looks like ``example``, which stands under ``name``."""
    if name in FREE:
        return {}
    schema = _of_value(example, name)
    if name not in NULL_AT_TIMES or example is None:
        return schema
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else schema


def of_all(examples: Sequence[Any], name: str = "") -> Schema:
    """One schema for several examples of the same thing: what only some of them have is not required."""
    known = [example for example in examples if example is not None]
    if not known:
        return {}
    schema = of(known[0], name)
    for example in known[1:]:
        schema = _joined(schema, of(example, name))
    if len(known) < len(examples) and isinstance(schema.get("type"), str):
        schema = {**schema, "type": [schema["type"], "null"]}
    return schema


def _of_value(example: Any, name: str) -> Schema:
    if isinstance(example, dict):
        return _of_object(example, name)
    if isinstance(example, list):
        return {"type": "array", "items": of_all(example, f"{name}[]")}
    if isinstance(example, bool):
        return {"type": "boolean"}
    if isinstance(example, int | float):
        return {"type": "integer" if isinstance(example, int) and not FRACTIONAL.search(name) else "number"}
    if isinstance(example, str):
        return {"type": "string", **({} if name in OF_ANY_FORM else _form(example))}
    return {}


def _of_object(example: dict[str, Any], name: str) -> Schema:
    if name in KEYED_BY_DATA:
        return {"type": "object", "additionalProperties": True}
    schema: Schema = {"type": "object", "properties": {key: of(value, key) for key, value in example.items()}}
    if required := [key for key in example if key not in ABSENT_AT_TIMES]:
        schema["required"] = required
    return schema


def _form(text: str) -> Schema:
    if _INSTANT.fullmatch(text):
        return {"format": "date-time"}
    if _DATE.fullmatch(text):
        return {"format": "date"}
    if found := _ID.fullmatch(text):
        return {"pattern": f"^{found[1]}_[0-9a-z]{{26}}$"}
    return {}


def _joined(one: Schema, other: Schema) -> Schema:
    """A schema that both shapes fit."""
    if not one or not other:
        return one or other
    types = sorted(set(_types(one)) | set(_types(other)))
    joined: Schema = {"type": types[0] if len(types) == 1 else types}
    if "integer" in types and "number" in types:
        joined["type"] = [kind for kind in types if kind != "integer"]
    if "properties" in one and "properties" in other:
        names = [*one["properties"], *(key for key in other["properties"] if key not in one["properties"])]
        joined["properties"] = {
            key: _joined(one["properties"].get(key, {}), other["properties"].get(key, {})) for key in names
        }
        both = set(one.get("required", ())) & set(other.get("required", ()))
        if required := [key for key in names if key in both]:
            joined["required"] = required
    elif "object" in types:
        joined["additionalProperties"] = True
    if "array" in types:
        joined["items"] = _joined(one.get("items", {}), other.get("items", {}))
    for form in ("format", "pattern"):
        if one.get(form) == other.get(form) is not None:
            joined[form] = one[form]
    return joined


def _types(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)
