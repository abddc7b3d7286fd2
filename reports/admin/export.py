"""A list of Django admin as a file: the rows its filters and search leave, in its order, with its columns."""

import tempfile
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import FileResponse, Http404, HttpRequest
from django.utils.html import strip_tags

from predictu import clock
from predictu.admin_base import ReadOnlyAdmin
from predictu.fields import MoneyField, PriceField, ShareField
from predictu.platform import audit
from reports.formats.csv import CONTENT_TYPE, write_csv
from reports.formats.tables import Column, Kind

# As many rows as a person looks at in a spreadsheet; whole periods are what reports and exports are for.
MOST = 50_000
_KINDS: tuple[tuple[Any, Kind], ...] = (
    (MoneyField, Kind.MONEY),
    (PriceField, Kind.PRICE),
    (ShareField, Kind.QUANTITY),
    (models.DateTimeField, Kind.INSTANT),
    (models.DateField, Kind.DATE),
    (models.BooleanField, Kind.BOOLEAN),
    (models.IntegerField, Kind.INTEGER),
)


def export_shown(request: HttpRequest, app: str, model: str) -> FileResponse:
    """The list as its page would show it now, up to ``MOST`` rows, and a line in the audit trail."""
    page = next((each for key, each in admin.site._registry.items() if key._meta.label_lower == f"{app}.{model}"), None)
    if not isinstance(page, ReadOnlyAdmin):
        raise Http404
    if not page.has_view_permission(request):
        raise PermissionDenied
    shown = page.get_changelist_instance(request)
    names = [name for name in shown.list_display if name != "action_checkbox"]
    file = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115 the answer closes it
    rows = shown.queryset[:MOST].iterator(chunk_size=1000)
    columns = [_column(page, name) for name in names]
    written = write_csv(file, columns, _rows(page, names, columns, rows))  # type: ignore[arg-type]
    now = clock.now()
    audit.record(
        actor=request.user,
        action="admin.export",
        object_type=page.opts.model_name or "",
        metadata={"rows": written.rows, "columns": [column.name for column in columns]},
        now=now,
    )
    file.seek(0)
    name = f"{page.opts.model_name}-{now:%Y%m%d-%H%M%S}.csv"
    return FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPE)  # type: ignore[arg-type]


def _column(page: ReadOnlyAdmin, name: str) -> Column:
    source, text = _source(page, name)
    found = None if text else {field.name: field for field in page.opts.concrete_fields}.get(source)
    kind = next((kind for type_, kind in _KINDS if isinstance(found, type_)), Kind.TEXT)
    return Column(name=source, title=source, kind=kind)


def _source(page: ReadOnlyAdmin, name: str) -> tuple[str, str | None]:
    """The attribute a column reads; of a linked row also the attribute to show of it."""
    return getattr(getattr(page, name, None), "exported", (name, None))


def _rows(page: ReadOnlyAdmin, names: list[str], columns: list[Column], rows: Any) -> Iterator[list[Any]]:
    for row in rows:
        yield [_cell(page, name, column.kind, row) for name, column in zip(names, columns, strict=True)]


def _cell(page: ReadOnlyAdmin, name: str, kind: Kind, row: Any) -> Any:
    source, text = _source(page, name)
    if text is not None:
        key = getattr(row, page.opts.get_field(source).attname)  # type: ignore[union-attr]
        return key if text == "pk" or key is None else str(getattr(getattr(row, source), text))
    if hasattr(page, name):
        return strip_tags(str(getattr(page, name)(row)))
    value = getattr(row, name)
    return value if kind != Kind.TEXT or value is None else str(value)
