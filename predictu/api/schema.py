"""The OpenAPI description of the three APIs. Views say what is theirs; what every operation shares is added here.

Authentication happens in the middleware, so drf-spectacular cannot see it: security schemes, tags and the error answers
of each face are filled in by path.
"""

import hashlib
import re
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from drf_spectacular.types import OpenApiTypes

from predictu.api import documented, faces, schema_parts
from predictu.api.rendering import dumps

MEDIA_TYPE = "application/vnd.oai.openapi+json"

_TAGS = {
    "auth": ("Login", "Tokens for Predictu's own staff."),
    "internal": ("God Mode", "The internal dashboard's API, for Predictu's own staff."),
    "s2s": ("S2S Operator API", "Operators, their keys and their callbacks, for Predictu's own staff."),
    "casino": ("Casino API", "For operators' servers, which sign every request with their key pair."),
}
_PUBLIC = re.compile(r"/api/auth/admin/login|/api/s2s/operators/\{\w+\}/public-key")
_SIGNED: dict[str, list[str]] = {"operatorKey": [], "operatorTimestamp": [], "operatorSignature": []}
_ID_PREFIXES = {
    "operator_id": "op",
    "user_id": "usr",
    "trade_id": "trd",
    "market_id": "mkt",
    "key_id": "key",
    "invoice_id": "inv",
    "report_id": "rpt",
    "export_id": "exp",
    "breaker_id": "cb",
    "event_id": "evt",
    "delivery_id": "dlv",
    "approval_id": "apr",
    "settlement_id": "stl",
    "schedule_id": "sched",
    "payment_id": "pay",
}


class ApiSchema(AutoSchema):
    """drf-spectacular's view of one operation, knowing our faces and our plain ``ApiView``."""

    def get_tags(self) -> list[str]:
        face = faces.face_of(self.path)
        return [_TAGS[face.name][0]] if face is not None and face.name in _TAGS else []

    def get_auth(self) -> list[dict[str, list[str]]]:
        if _PUBLIC.fullmatch(self.path):
            return []
        return [_SIGNED] if self.path.startswith("/api/casino") else [{"adminToken": []}]

    def get_operation_id(self) -> str:
        """``get_internal_users_by_user_id``: method and path, so that no two are alike."""
        named = re.sub(r"\{(\w+)\}", r"by_\1", self.path.removeprefix("/api/"))
        return f"{self.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', named.lower()).strip('_')}"

    def get_summary(self) -> str:
        """The first sentences of the handler's docstring, or the view's."""
        return self._docstring().partition("\n\n")[0].replace("\n", " ")

    def get_description(self) -> str:
        needed = getattr(self.view, "permissions", {}).get(self.method)
        more = self._docstring().partition("\n\n")[2]
        return "\n\n".join(filter(None, [more, f"Needs the permission `{needed}`." if needed else ""]))

    def _docstring(self) -> str:
        handler = getattr(self.view, self.method.lower(), None)
        text = (handler.__doc__ if handler else None) or type(self.view).__doc__ or ""
        return "\n".join(line.strip() for line in text.strip().splitlines())

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        """Paths hold texts; of an id the pattern can be told from its name."""
        return [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", **_pattern(name)}}
            for name in variables
        ]

    def get_request_serializer(self) -> Any:
        """Nothing is guessed: a view says with ``@extend_schema(request=…)`` what it takes."""
        return None

    def get_serializer_name(self, serializer: Any, direction: str) -> str:
        """Module and class, since many apps have a ``ReasonBody``."""
        kind = type(serializer)
        parts = [part for part in kind.__module__.split(".") if part not in ("api", "bodies", "serializers")]
        return "".join(word.capitalize() for part in parts for word in part.split("_")) + kind.__name__

    def _get_request_for_media_type(self, serializer: Any, direction: str = "request") -> Any:
        """A PATCH needs what its body requires, unless the view says ``partial=True`` as its handler does."""
        body = force_instance(serializer)
        if self.method != "PATCH" or not hasattr(body, "fields") or body.partial:
            return super()._get_request_for_media_type(serializer, direction)
        return self.resolve_serializer(body, direction).ref, True

    def get_response_serializers(self) -> Any:
        """A stand-in: what is answered is read off the documented examples."""
        return {200: OpenApiTypes.OBJECT}


class _NumberShape(OpenApiSerializerFieldExtension):
    target_class = "predictu.api.fields.NumberField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        field = self.target
        kind = "number" if field.places else "integer"
        return {"type": kind, "minimum": float(field.least), "maximum": float(field.most)}


class _IdShape(OpenApiSerializerFieldExtension):
    target_class = "predictu.api.fields.IdField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "pattern": documented.id_pattern(self.target.prefix)}


def _pattern(name: str) -> dict[str, str]:
    prefix = _ID_PREFIXES.get(name)
    return {"pattern": documented.id_pattern(prefix)} if prefix else {}


def only_apis(endpoints: list[tuple[str, str, str, Any]], **_: Any) -> list[tuple[str, str, str, Any]]:
    """Preprocessing hook: the paths of our APIs and nothing else."""
    return [endpoint for endpoint in endpoints if (face := faces.face_of(endpoint[0])) and face.name in _TAGS]


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: tags, security, and what each operation is documented to take, answer and refuse with."""
    components = result.setdefault("components", {})
    components["securitySchemes"] = schema_parts.SECURITY_SCHEMES
    components["headers"] = schema_parts.headers()
    components["schemas"] = _closed(components.get("schemas", {})) | schema_parts.schemas()
    components["responses"] = schema_parts.responses()
    result["tags"] = [{"name": name, "description": text} for name, text in _TAGS.values()]
    result["servers"] = [{"url": "/"}]
    for path, operations in result["paths"].items():
        face = faces.face_of(path)
        assert face is not None, "only_apis left nothing else"
        for method, operation in operations.items():
            entry = documented.entry(method, path)
            documented.describe(operation, entry)
            _complete_answers(operation["responses"], schema_parts.prefix(face), _refusals(method, entry))
            if method == "get" and "application/json" in operation["responses"].get("200", {}).get("content", {}):
                operation["responses"]["200"]["headers"] = schema_parts.header_references(tag=True)
                operation["responses"]["304"] = {"$ref": f"#/components/responses/{schema_parts.UNCHANGED}"}
    return result


def _closed(schemas: dict[str, Any]) -> dict[str, Any]:
    """Bodies' schemas, which take no unknown field."""
    return {name: {**schema, "additionalProperties": False} for name, schema in schemas.items()}


def _refusals(method: str, entry: documented.Entry) -> list[int]:
    """The statuses an operation may refuse a call with."""
    shared = schema_parts.STATUSES if method in ("post", "put", "patch") else schema_parts.READING_STATUSES
    return sorted({*shared, *entry.get("refusals", ())})


def _complete_answers(answers: dict[str, Any], prefix: str, refusals: list[int]) -> None:
    for answer in answers.values():
        answer["headers"] = schema_parts.header_references() | answer.get("headers", {})
    for status in refusals:
        answers[str(status)] = {"$ref": f"#/components/responses/{prefix}{status}"}


@cache
def document() -> tuple[bytes, str]:
    """The description and its ETag, made once: it changes with the code alone."""
    content = dumps(SchemaGenerator().get_schema(request=None, public=True))
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def schema(request: HttpRequest) -> HttpResponse:
    """``/api/schema/``: public, holds no secrets."""
    content, etag = document()
    headers = {"ETag": etag, "Cache-Control": "public, no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(content, content_type=MEDIA_TYPE, headers=headers)
