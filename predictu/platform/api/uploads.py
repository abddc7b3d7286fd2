"""``POST /api/internal/upload``, and the public files it makes."""

import io
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from operators.models import Operator
from predictu import clock
from predictu.api.fields import TextField
from predictu.api.views import DataView
from predictu.errors import NotFound, ValidationFailed
from predictu.platform import files
from predictu.platform.models import StoredFile

# A file opened by itself can do nothing: no script, no request, an origin of its own.
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
_FOR_EVER = "public, max-age=31536000, immutable"


class Received:
    """A file as it came: its bytes, unless there were too many to keep."""

    def __init__(self) -> None:
        self._kept = io.BytesIO()
        self.too_large = False

    def add(self, chunk: bytes) -> None:
        if self.too_large or self._kept.tell() + len(chunk) > files.MOST_BYTES:
            self.too_large, self._kept = True, io.BytesIO()
        else:
            self._kept.write(chunk)

    @property
    def content(self) -> bytes:
        return self._kept.getvalue()

    def close(self) -> None:
        """Django closes what was uploaded at the request's end."""


class _Capped(FileUploadHandler):
    """Keeps at most the allowed size of each file in memory and reads the rest away."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.received = Received()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received.add(raw_data)

    def file_complete(self, file_size: int) -> Any:
        return self.received


class UploadParser(MultiPartParser):
    """multipart/form-data whose files never take more than they may."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        parser_context["request"]._request.upload_handlers = [_Capped()]
        return super().parse(stream, media_type, parser_context)


@extend_schema_field(OpenApiTypes.BINARY)
class ReceivedField(serializers.Field):
    """A file of 1 byte to 5 MB."""

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, Received):
            raise serializers.ValidationError("must be a file")
        if data.too_large:
            raise serializers.ValidationError(f"must be at most {files.MOST_BYTES:,} bytes")
        if not data.content:
            raise serializers.ValidationError("is empty")
        return data.content

    def to_representation(self, value: Any) -> Any:
        return value


class UploadIn(serializers.Serializer):
    file = ReceivedField()
    category = serializers.ChoiceField(StoredFile.Category.values)
    operator_slug = TextField(max_length=64, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        slug = attrs["operator_slug"]
        if not slug and attrs["category"] in files.OPERATOR_ASSETS:
            raise serializers.ValidationError({"operator_slug": ["is required for an operator's asset"]})
        if slug and not Operator.objects.filter(slug=slug).exists():
            raise serializers.ValidationError({"operator_slug": ["is not a known slug"]})
        return attrs


class UploadView(DataView):
    permissions = {"POST": "predictu.upload"}
    parser_classes = [UploadParser]

    @extend_schema(request={"multipart/form-data": UploadIn})
    def post(self, request: Request) -> Response:
        """Upload a file.

        At most 5 MB: png, jpg, jpeg, svg, webp, and pdf for invoice attachments. What it is is read from its content.
        Images are encoded anew without metadata; what could run, load or act is refused.
        """
        if len(request.FILES.getlist("file")) > 1:
            raise ValidationFailed(details={"file": ["must be one file"]})
        given = self.body(UploadIn)
        stored = files.store(
            content=given["file"],
            category=given["category"],
            operator_slug=given["operator_slug"],
            actor=self.admin,
            now=clock.now(),
        )
        return self.answer(shown(stored))


def shown(stored: StoredFile) -> dict[str, Any]:
    """A kept file as the API shows it."""
    return {
        "id": stored.id,
        "url": files.url_of(stored),
        "category": stored.category,
        "operator_slug": stored.operator_slug or None,
        "content_type": stored.content_type,
        "size_bytes": stored.size_bytes,
        "width": stored.width,
        "height": stored.height,
        "uploaded_by": stored.uploaded_by_id,
        "uploaded_at": clock.seconds(stored.uploaded_at),
    }


@require_safe
def public_file(request: HttpRequest, path: str) -> HttpResponse:
    """A file by its unguessable path, harmless even when opened by itself."""
    try:
        stored, content = files.read(path)
    except NotFound:
        return HttpResponse("Not found", status=404, content_type="text/plain")
    response = HttpResponse(content, content_type=stored.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = _SANDBOX
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Cache-Control"] = _FOR_EVER
    if not stored.content_type.startswith("image/"):
        response["Content-Disposition"] = f'attachment; filename="{stored.path.rpartition("/")[2]}"'
    return response
