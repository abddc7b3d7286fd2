"""What every page of Django admin is built on: lists that never count, rows nobody edits, links instead of queries.

A row of money, trades or the audit trail is changed by a service or not at all; the pages only show it.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import quote
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from unfold import paginator as unfold_paginator
from unfold.admin import ModelAdmin

from predictu import ids
from predictu.fields import TypeIdField

SEE_PERSONAL = "accounts.export_pii"


class InfinitePaginator(unfold_paginator.InfinitePaginator):
    """Previous and next, without asking how many there are. Whoever wants row 100,001 filters first.

    Unfold's templates know it by its name.
    """

    @cached_property
    def count(self) -> int:
        return 100_000


class ReadOnlyAdmin(ModelAdmin):
    """A table to look at: searched by id or text, filtered, paged without counts, changed by nobody.

    ``id_fields`` are the fields a whole id is looked for in, by its prefix; any other text goes to ``search_fields``,
    and finds nothing where there are none. ``hidden_fields`` are shown to nobody, ``personal_fields`` only to who may
    see personal data.
    """

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    list_disable_select_all = True
    list_filter_submit = True
    list_filter_sheet = True
    list_fullwidth = True
    actions = None
    change_list_template = "admin/read_only_list.html"
    change_form_template = "admin/read_only_page.html"
    id_fields: tuple[str, ...] = ("pk",)
    hidden_fields: tuple[str, ...] = ()
    personal_fields: tuple[str, ...] = ()
    search_help_text = "A whole id"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def sees_personal(self, request: HttpRequest) -> bool:
        return request.user.has_perm(SEE_PERSONAL)

    def _visible(self, request: HttpRequest, names: Any) -> list[Any]:
        personal = () if self.sees_personal(request) else self.personal_fields
        return [name for name in names if str(name).split("__")[0].lstrip("=^@") not in personal]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._visible(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        declared = self.fields or [
            field.name
            for field in self.opts.concrete_fields
            if field.name not in self.hidden_fields and not isinstance(field, models.BinaryField)
        ]
        return self._visible(request, declared)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Never empty: the box is there for ids alone, too."""
        return self._visible(request, self.search_fields) or ["pk"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        prefix = term.rpartition("_")[0]
        if not term:
            return queryset, False
        if prefix and ids.is_one(prefix, term):
            return queryset.filter(self._names(prefix, term)), False
        if not self._visible(request, self.search_fields):
            return queryset.none(), False
        return super().get_search_results(request, queryset, term)

    def _names(self, prefix: str, term: str) -> Q:
        """Rows that are, or point to, the thing with this id."""
        found = Q(pk__in=[])
        for name in self.id_fields:
            field = _field(self.model, name)
            target = field.target_field if field.is_relation else field
            if not isinstance(target, TypeIdField) or target.prefix == prefix:
                found |= Q(**{name: term})
        return found

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Links from page to page filter by what a row points to."""
        return lookup.removesuffix("__exact").removesuffix("_id") in self.id_fields or super().lookup_allowed(
            lookup, value, request
        )


def among(name: str, values: Iterable[Any]) -> type[SimpleListFilter]:
    """A filter of a column without choices. Its values are named here: Django would read the whole table for them."""

    class Among(SimpleListFilter):
        title = name.replace("_", " ")
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(str(value), str(value).replace("_", " ")) for value in values]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            known = {choice for choice, _ in self.lookup_choices}
            return queryset.filter(**{name: self.value()}) if self.value() in known else queryset

    return Among


def linked(name: str, *, text: str = "pk", title: str = "") -> Callable[[Any, Any], str]:
    """A column that links to the page of what the foreign key ``name`` points to.

    ``text`` is the attribute of it to show; with ``pk`` the other table is not read.
    """

    def column(_admin: Any, row: Any) -> str:
        field = row._meta.get_field(name)
        key = getattr(row, field.attname)
        if key is None:
            return "-"
        shown = key if text == "pk" else getattr(getattr(row, name), text)
        url = url_of(field.related_model, key)
        return format_html('<a class="desk-link" href="{}">{}</a>', url, shown) if url else str(shown)

    column.short_description = title or name.replace("_", " ").capitalize()  # type: ignore[attr-defined]
    column.admin_order_field = name if text == "pk" else f"{name}__{text}"  # type: ignore[attr-defined]
    column.exported = (name, text)  # type: ignore[attr-defined]
    return column


def url_of(model: type[Model], key: Any) -> str | None:
    """The page of a row; None where its table has none."""
    meta = model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(key)])
    except NoReverseMatch:
        return None


def page_of(id: str) -> str | None:
    """The page of the row with this TypeID, by its prefix; None where there is none."""
    model = _tables().get(id.rpartition("_")[0])
    return url_of(model, id) if model is not None else None


@cache
def _tables() -> dict[str, type[Model]]:
    """The table of each prefix, for those that name one kind of row alone."""
    named: dict[str, list[Any]] = {}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, TypeIdField) and field.unique:
                named.setdefault(field.prefix, []).append(field)
    return {prefix: found[0].model for prefix, found in named.items() if len(found) == 1 and found[0].primary_key}


def _field(model: type[Model], name: str) -> Any:
    try:
        return model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist as error:
        raise AssertionError(f"id_fields of {model.__name__} names {name}") from error
