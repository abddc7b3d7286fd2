"""The base view of every face: one permission table, one query, one envelope."""

from functools import cache
from typing import Any, ClassVar

from rest_framework.exceptions import ValidationError as DRFValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from predictu.api.envelopes import flatten
from predictu.api.params import Query
from predictu.errors import Forbidden, ValidationFailed


class Nothing(Serializer):
    """The body of a call that takes none."""


class ApiView(APIView):
    """A view of one path. ``permissions`` names the permission each writing method needs; a test walks them all."""

    permissions: ClassVar[dict[str, str | None]] = {}
    http_method_names = ("get", "post", "put", "patch", "delete", "head")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        needed = self.permissions.get(request.method or "")
        if needed is not None and not request._request.admin.has_perm(needed):  # type: ignore[attr-defined]
            raise Forbidden(f"This needs the permission {needed}")

    @property
    def query(self) -> Query:
        return Query(self.request.query_params)

    @property
    def admin(self) -> Any:
        """The admin who asks (God Mode and S2S)."""
        return self.request._request.admin  # type: ignore[attr-defined]

    @property
    def operator(self) -> Any:
        """The operator who asks (Casino API)."""
        return self.request._request.operator  # type: ignore[attr-defined]

    def body(self, serializer: type[Serializer], **kwargs: Any) -> dict[str, Any]:
        """The body as ``serializer`` validates it; unknown fields are a validation error."""
        data = self.request.data
        checker = serializer(**kwargs) if kwargs else _checker(serializer)
        unknown, wrong = _unknown(checker, data), {}
        try:
            valid = checker.run_validation(data)
        except DRFValidationError as error:
            wrong = flatten(error.detail)
        if unknown or wrong:
            raise ValidationFailed(details={**wrong, **unknown})
        return dict(valid)


class DataView(ApiView):
    """A view whose answers are wrapped in ``{"data": …}``."""

    @staticmethod
    def answer(data: Any, status: int = 200, **extra: Any) -> Response:
        return Response({"data": data, **extra}, status=status)


@cache
def _checker(serializer: type[Serializer]) -> Serializer:
    """One of a kind for all requests: it holds fields, no data, and making them takes longer than checking a body."""
    return serializer()


def _unknown(serializer: Any, data: Any, prefix: str = "") -> dict[str, list[str]]:
    if not isinstance(data, dict) or not hasattr(serializer, "fields"):
        return {}
    found: dict[str, list[str]] = {}
    for name, value in data.items():
        if name not in serializer.fields:
            found[f"{prefix}{name}"] = ["unknown field"]
        elif isinstance(value, dict):
            found |= _unknown(serializer.fields[name], value, f"{prefix}{name}.")
    return found
