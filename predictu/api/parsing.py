"""JSON in: numbers as Decimals, so that no float touches money; what is not a JSON object is a bad request."""

import json
from decimal import Decimal
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

_MAX_DEPTH = 32


def loads(data: bytes) -> dict[str, Any]:
    """A JSON object. Raises ValueError for anything else: broken UTF-8, NaN, null bytes, too deep, duplicate keys."""
    text = data.decode("utf-8")
    if "\\u0000" in text or "\x00" in text:
        raise ValueError("null bytes are not allowed")
    if text.count("[") + text.count("{") > _MAX_DEPTH and _depth(text) > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    value = _DECODER.decode(text)
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    if "\\u" in text:  # only an escape can smuggle half a character past UTF-8
        _refuse_surrogates(value)
    return value


class JSONParser(BaseParser):
    """DRF's way to ``loads``. An empty body is an empty object."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        data = stream.read()
        if not data.strip():
            return {}
        try:
            return loads(data)
        except (ValueError, RecursionError) as error:
            what = str(error) if type(error) is ValueError else "malformed JSON"
            raise ParseError(f"The body is not valid JSON: {what}") from None


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _number(text: str) -> Decimal:
    if len(text) > 64:
        raise ValueError("a number is too long")
    value = Decimal(text)
    if abs(value.adjusted()) > 40:
        raise ValueError("a number is out of range")
    return value


def _integer(text: str) -> int:
    if len(text) > 40:
        raise ValueError("a number is too long")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is given twice")
    return value


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_integer, parse_constant=_refuse, object_pairs_hook=_object)


def _depth(text: str) -> int:
    deepest = depth = 0
    quoted = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("a text holds half a character")
    elif isinstance(value, dict):
        for name, item in value.items():
            _refuse_surrogates(name)
            _refuse_surrogates(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
