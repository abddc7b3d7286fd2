"""An operator's way from its record to going live, step by step, as staff walk it with them.

A step is passed when its facts hold; the page says what is missing. Key pairs are made through the API alone: a secret
is shown once, in its answer, and never on a page. The PING and the test trades are the operator's own doing.
"""

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from operators import origins, steps
from operators.http import UrlError, validate_url
from operators.models import Operator
from operators.services import facts, onboarding
from predictu import clock
from predictu.admin_acts import Act, Facts, Given, ReasonForm
from predictu.admin_base import url_of
from predictu.errors import PredictuError
from risk.services import operator_changes

MANAGE = "operators.manage"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_site: Any = admin.site
LABELS = {
    "branding": "Pass branding",
    "s2s_config": "Pass S2S set-up",
    "embed_setup": "Pass embedding",
    "test_trades": "Pass test trades",
    "go_live": "Go live",
}


class BrandingForm(ReasonForm):
    """What of the brand is set on the way; left empty, it stays."""

    display_name = forms.CharField(required=False, max_length=100, widget=UnfoldAdminTextInputWidget())
    primary_color = forms.CharField(
        label="Primary colour, as #1a7a3a", required=False, max_length=7, widget=UnfoldAdminTextInputWidget()
    )

    def clean_primary_color(self) -> str:
        colour: str = self.cleaned_data["primary_color"]
        if colour and not _COLOUR.fullmatch(colour):
            raise forms.ValidationError("must be a colour like #1a7a3a")
        return colour


class CallbackForm(ReasonForm):
    callback_url = forms.CharField(
        label="Callback URL; empty leaves it as it is",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "url"}),
    )

    def clean_callback_url(self) -> str:
        url: str = self.cleaned_data["callback_url"]
        try:
            if url:
                validate_url(url, allow_loopback=settings.PREDICTU_CALLBACK_ALLOW_LOOPBACK)
        except UrlError as error:
            raise forms.ValidationError(str(error)) from None
        return url


class OriginsForm(ReasonForm):
    embed_origins = forms.CharField(
        label="Embed origins, one on each line; empty leaves them as they are",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )

    def clean_embed_origins(self) -> list[str]:
        try:
            return origins.origins(self.cleaned_data["embed_origins"].split())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


FORMS: dict[str, type[ReasonForm]] = {
    "branding": BrandingForm,
    "s2s_config": CallbackForm,
    "embed_setup": OriginsForm,
}


class NewOperatorForm(forms.Form):
    """The record an operator begins with."""

    name = forms.CharField(min_length=3, max_length=100, widget=UnfoldAdminTextInputWidget())
    slug = forms.RegexField(
        r"^[a-z0-9]+(-[a-z0-9]+)*$",
        label="Slug: lower-case letters, digits and hyphens",
        min_length=2,
        max_length=64,
        widget=UnfoldAdminTextInputWidget(),
    )
    website_url = forms.CharField(label="Website", max_length=500, widget=UnfoldAdminTextInputWidget())
    contact_email = forms.EmailField(label="Contact's e-mail", max_length=254, widget=UnfoldAdminTextInputWidget())
    contact_name = forms.CharField(label="Contact", required=False, max_length=100, widget=UnfoldAdminTextInputWidget())

    def clean_website_url(self) -> str:
        url: str = self.cleaned_data["website_url"]
        try:
            if not url.startswith(("https://", "http://")):
                raise ValueError
            origins.domain_of(url)
        except ValueError:
            raise forms.ValidationError("must be an http or https URL with a domain name") from None
        return url

    def values(self) -> dict[str, Any]:
        """Under the shared names."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "slug"}
        return {**given, "domain": origins.domain_of(given["website_url"])}


@_site.page("operators/new/", name="operator_new")
def new_operator(request: HttpRequest) -> HttpResponse:
    """Register an operator: it begins pending, without a key."""
    if not request.user.has_perm(MANAGE):  # type: ignore[union-attr]
        raise PermissionDenied
    form = NewOperatorForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            operator, _ = operator_changes.create(
                values=form.values(), slug=form.cleaned_data["slug"], actor=request.user, now=clock.now()
            )
        except PredictuError as error:
            _say(form, error)
        else:
            messages.success(request, f"{operator.name} is registered. Its first key pair is made through the API.")
            return redirect(url_of(Operator, operator.pk) or "admin:index")
    context = {
        "title": "New operator",
        "intro": "It begins pending. Its page leads through the onboarding; every default can be changed later.",
        "button": "Register the operator",
        "back": reverse("admin:operators_operator_changelist"),
        "form": form,
    }
    return _site.render(request, "admin/form_page.html", context, status=400 if form.errors else 200)


def _say(form: forms.Form, error: PredictuError) -> None:
    for name, told in (error.details or {"": [error.message]}).items():
        named = name.rpartition(".")[2]
        form.add_error(named if named in form.fields else None, list(told) if isinstance(told, list) else [str(told)])


def at(operator: Operator) -> str | None:
    """The step an operator stands at; None once live. Every act asks, the database once."""
    if operator.is_live:
        return None
    prefetch_related_objects([operator], "onboarding_steps")
    return steps.current([row.step for row in operator.onboarding_steps.all()])


def _missing(step: str) -> Callable[[Operator], Facts]:
    def consequences(operator: Operator) -> Facts:
        done, skipped = onboarding.completed(operator)
        unmet = steps.unmet(
            step,
            facts.of(operator, clock.now()),
            done=done,
            s2s_enabled=operator.s2s_enabled,
            suspended=operator.suspended_at is not None,
        )
        return [
            ("Status now", operator.status),
            ("Steps passed", ", ".join(done) or "none"),
            ("Of them skipped", ", ".join(skipped) or "none"),
            *(("Still missing", text) for text in unmet),
            *([("Test users", "are retired when it goes live")] if step == steps.LAST else []),
        ]

    return consequences


def _changes(step: str, values: dict[str, Any]) -> dict[str, Any]:
    """What a step's form changes of the operator; what was left empty stays."""
    given = {name: value for name, value in values.items() if value}
    if step == "branding":
        return {"branding": given} if given else {}
    return given


def _advance(step: str) -> Callable[[Given], str]:
    def run(given: Given) -> str:
        changes = _changes(step, given.values)
        moved = operator_changes.advance(
            operator_id=given.row.id,
            step=step,
            changes=changes,
            data={name: value for name, value in given.values.items() if value},
            notes=given.reason,
            actor=given.actor,
            now=given.now,
        )
        return f"{given.row.name} is live." if moved.went_live else f"{given.row.name} is at {moved.current}."

    return run


def _skip(given: Given) -> str:
    onboarding.skip(operator_id=given.row.id, step=steps.OPTIONAL, notes=given.reason, actor=given.actor, now=given.now)
    return "Embedding is skipped."


def _back(given: Given) -> str:
    step = at(given.row)
    moved = onboarding.rollback(
        operator_id=given.row.id, step=step or "", notes=given.reason, actor=given.actor, now=given.now
    )
    return f"{given.row.name} is at {moved.current} again."


ACTS = (
    *(
        Act(
            name=f"advance-{step}",
            label=label,
            permission=MANAGE,
            run=_advance(step),
            consequences=_missing(step),
            possible=lambda row, step=step: at(row) == step,  # type: ignore[misc]
            form=FORMS.get(step, ReasonForm),
        )
        for step, label in LABELS.items()
    ),
    Act(
        name="skip-embed_setup",
        label="Skip embedding",
        permission=MANAGE,
        run=_skip,
        consequences=_missing(steps.OPTIONAL),
        possible=lambda row: at(row) == steps.OPTIONAL,
    ),
    Act(
        name="back",
        label="Open the step before again",
        permission=MANAGE,
        run=_back,
        consequences=lambda row: [("Status now", row.status), ("Opened again", str(steps.before(at(row))))],
        possible=lambda row: steps.before(at(row)) is not None and not row.is_live,
    ),
)
