"""JSON out: Decimals become numbers here and nowhere else; instants must have been worded by then."""

from decimal import Decimal
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if hasattr(value, "__html__") or hasattr(value, "__str__"):
        return str(value)
    raise TypeError(type(value).__name__)


def dumps(value: Any) -> bytes:
    """``value`` as JSON bytes; Decimals as numbers, exact for every amount of up to 15 digits."""
    return orjson.dumps(value, default=_default)


class JSONRenderer(BaseRenderer):
    """DRF's way to ``dumps``."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else dumps(data)


class OneFormat(BaseContentNegotiation):
    """A view has one form of answer, whatever the Accept header wishes for; bodies still need their content type."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        given = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == given), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
