"""Bulk exports."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from operators.models import Operator
from predictu import clock
from predictu.api import pages
from predictu.api.views import DataView, Nothing
from predictu.errors import NotFound, ValidationFailed
from predictu.platform import audit
from reports import downloads
from reports.api import rows
from reports.api.bodies import ExportBody
from reports.exports.tables import DUMPS
from reports.models import Export
from reports.services import exports
from reports.tables import filters

_PERMISSION = "reports.create"
_CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_COMPRESSED = {"gzip": "application/gzip", "zstd": "application/zstd"}


class ExportsView(DataView):
    def get(self, request: Request) -> Response:
        """Exports, newest first, whoever asked for them."""
        page = pages.page(self.query)
        found = Export.objects.all()
        shown = [rows.export(each) for each in found[page.offset : page.offset + page.limit]]
        return Response(page.envelope(shown, found.count()))


class ExportView(DataView):
    """An export's type when one is asked for, its id when one is cancelled."""

    permissions = {"POST": _PERMISSION, "DELETE": _PERMISSION}

    @extend_schema(request=ExportBody)
    def post(self, request: Request, name: str) -> Response:
        """Ask for a raw dump of ``name``; answers 202 and where to ask how far it is."""
        if name not in DUMPS:
            raise NotFound("No such type of export")
        body = self.body(ExportBody)
        export = exports.request(
            actor=self.admin,
            type=name,
            format=body["format"],
            compression=body["compression"],
            start=body["from"],
            end=body["to"],
            operator=_operator(body["operator"]),
            include_pii=body["include_pii"],
            now=clock.now(),
        )
        return self.answer(rows.export(export), status=202)

    def delete(self, request: Request, name: str) -> Response:
        """Cancel an export that is being made."""
        self.body(Nothing)
        return self.answer(rows.export(exports.cancel(export=exports.by_id(name), actor=self.admin, now=clock.now())))


def _operator(slug: str | None) -> Operator | None:
    if slug is None:
        return None
    try:
        return filters.operator(slug)
    except ValueError as error:
        raise ValidationFailed(details={"operator": [str(error)]}) from None


class ExportCancelView(DataView):
    permissions = {"POST": _PERMISSION}

    def post(self, request: Request, export_id: str) -> Response:
        """Cancel an export that is being made."""
        self.body(Nothing)
        export = exports.cancel(export=exports.by_id(export_id), actor=self.admin, now=clock.now())
        return self.answer(rows.export(export))


class ExportStatusView(DataView):
    def get(self, request: Request, export_id: str) -> Response:
        """How far an export is; with ``download_url`` once it is ready."""
        return self.answer(rows.export(exports.by_id(export_id)))


class ExportManifestView(DataView):
    def get(self, request: Request, export_id: str) -> Response:
        """What the file holds: rows, columns and their types, sha256."""
        export = exports.by_id(export_id)
        if not export.manifest:
            raise NotFound("The export has no manifest yet")
        return self.answer(export.manifest)


class ExportDownloadView(DataView):
    def get(self, request: Request, export_id: str) -> HttpResponse:
        """The file; 410 once it has expired."""
        export = exports.by_id(export_id)
        downloads.may_fetch(export, self.admin)
        audit.record(
            actor=self.admin,
            action="export.downloaded",
            object_type="export",
            object_id=export.pk,
            metadata={"include_pii": export.include_pii},
            now=clock.now(),
        )
        assert export.file_size_bytes is not None
        packed = None if export.format == "parquet" else _COMPRESSED.get(export.compression)
        return downloads.send(
            request._request,
            path=export.path,
            size=export.file_size_bytes,
            sha256=export.sha256,
            name=exports.file_name(export),
            content_type=packed or _CONTENT_TYPES[export.format],
        )
