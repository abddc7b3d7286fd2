"""Acts of staff in Django admin: a reason, the consequences counted on a page of their own, then one service call.

The page moves nothing itself: permissions are asked of the one table, and the service audits what it does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from predictu import clock
from predictu.admin_base import ReadOnlyAdmin, url_of
from predictu.errors import PredictuError
from predictu.platform import audit

Facts = Sequence[tuple[str, Any]]
# For whoever comes with an old address; one who sends an old page is told by the service.
_NOT_NOW = "It cannot be done as things stand now."


class ReasonForm(forms.Form):
    """Why; kept in the audit trail."""

    reason = forms.CharField(max_length=1000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}), strip=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """What is asked besides comes first."""
        super().__init__(*args, **kwargs)
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])


@dataclass(frozen=True, kw_only=True)
class Given:
    """What an act is carried out with."""

    row: Any
    actor: Any
    reason: str
    values: dict[str, Any]
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing staff do to a row. ``run`` does it through a service and answers what to say of it."""

    name: str
    label: str
    permission: str
    run: Callable[[Given], str]
    consequences: Callable[[Any], Facts]
    possible: Callable[[Any], bool] = field(default=lambda row: True)
    form: type[ReasonForm] = ReasonForm
    initial: Callable[[Any], dict[str, Any]] = field(default=lambda row: {})
    dangerous: bool = False


class ActingAdmin(ReadOnlyAdmin):
    """A read-only page with acts on it."""

    acts: tuple[Act, ...] = ()
    change_form_template = "admin/acting_page.html"
    change_form_outer_before_template = "admin/acts.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        view = self.admin_site.admin_view(self.act_view)
        return [path("<path:object_id>/change/act/<slug:name>/", view, name=name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        shown = {} if row is None else {"acts": self._offered(request, row), **self.page_facts(request, row)}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def page_facts(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the row's page shows besides its columns."""
        return {}

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        act = next((each for each in self.acts if each.name == name), None)
        row = self.get_object(request, unquote(object_id))
        if act is None or row is None:
            raise Http404
        back = url_of(self.model, row.pk) or reverse("admin:index")
        return answer(request, self.admin_site, act, row, back=back, opts=self.opts)

    def _offered(self, request: HttpRequest, row: Any) -> list[Act]:
        return [act for act in self.acts if request.user.has_perm(act.permission) and act.possible(row)]


def act_on_chosen(page: ModelAdmin, request: HttpRequest, chosen: QuerySet[Any], act: Act) -> HttpResponse | None:
    """The body of a list's action: ``act`` on all rows ticked, asked for and counted like an act on one.

    ``consequences`` and ``run`` get the rows as a query. None once it is done: the list is shown again.
    """
    if not request.user.has_perm(act.permission):  # type: ignore[union-attr]
        raise PermissionDenied
    rows = page.model._default_manager.filter(pk__in=list(chosen.values_list("pk", flat=True)))
    form = act.form(request.POST if "_act" in request.POST else None)
    if form.is_bound and form.is_valid():
        try:
            messages.success(request, _carry_out(act, rows, request.user, form))
            return None
        except PredictuError as error:
            _say(form, error)
    count = rows.count()
    return _ask(
        request,
        page.admin_site,
        act,
        form,
        counted=rows,
        row=f"{count:,} {model_ngettext(page.opts, count)}",
        back=request.get_full_path(),
        opts=page.opts,
        chosen={"action": request.POST["action"], "index": "0"},
        ticked=(ACTION_CHECKBOX_NAME, request.POST.getlist(ACTION_CHECKBOX_NAME)),
    )


def answer(
    request: HttpRequest, site: Any, act: Act, row: Any, *, back: str, opts: Any = None, called: str = ""
) -> HttpResponse:
    """The page of an act on ``row``, which needs no table: asks, carries it out, and goes ``back``.

    ``called`` is what the page calls the row, where that is not its own text.
    """
    if not request.user.has_perm(act.permission):  # type: ignore[union-attr]
        raise PermissionDenied
    possible = act.possible(row)
    initial = act.initial(row) if possible else {}
    form = act.form(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, _carry_out(act, row, request.user, form))
            return redirect(back)
        except PredictuError as error:
            _say(form, error)
    return _ask(request, site, act, form, counted=row, possible=possible, row=called or row, back=back, opts=opts)


def _ask(
    request: HttpRequest, site: Any, act: Act, form: forms.Form, *, counted: Any, possible: bool = True, **context: Any
) -> HttpResponse:
    """The page that counts what an act reaches and asks why."""
    try:
        facts = act.consequences(counted) if possible else [("Not possible", _NOT_NOW)]
    except PredictuError as error:
        facts = [("Not possible", error.message)]
    shown = {"title": f"{act.label}: {context['row']}", "act": act, "form": form, "facts": facts, **context}
    return site.render(request, "admin/act.html", shown, status=200 if not form.errors else 400)


def _carry_out(act: Act, row: Any, actor: Any, form: forms.Form) -> str:
    """Run the act. What leaves no line with its reason in the audit trail is taken back, as if nothing was asked."""
    values = dict(form.cleaned_data)
    reason = values.pop("reason")
    with transaction.atomic(), audit.told() as lines:
        said = act.run(Given(row=row, actor=actor, reason=reason, values=values, now=clock.now()))
        if not any(line.reason == reason and line.actor_id == actor.pk for line in lines):
            transaction.set_rollback(True)
            return "Nothing was to be changed."
    return said


def _say(form: forms.Form, error: PredictuError) -> None:
    """A refusal beside the fields it names; what it names besides is said above them."""
    details = error.details or {}
    problems = {name: list(told) for name, told in details.items() if isinstance(told, list | tuple)}
    problems |= {name: [str(told)] for name, told in details.items() if name in form.fields and name not in problems}
    for name, told in problems.items():
        if name in form.fields:
            form.add_error(name, told)
        else:
            form.add_error(None, [f"{name.replace('_', ' ')}: {each}" for each in told])
    if not problems:
        form.add_error(None, error.message)
