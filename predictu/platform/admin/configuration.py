"""The configuration page: every key with its bounds, what a change would have done before it is saved, the way back.

Changes travel from the form to the page that asks for the reason in the address, so that page can be opened, looked at
and sent on; it holds nothing but keys of the configuration.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from predictu import clock, shown
from predictu.admin_acts import Act, Facts, Given, ReasonForm, answer
from predictu.admin_base import url_of
from predictu.errors import ValidationFailed
from predictu.platform import config, revisions
from predictu.platform.admin import keys
from predictu.platform.config import DECLARED, Configuration, Key
from predictu.platform.models import ConfigRevision
from risk.services import limits
from trading.queries import names, preview

MANAGE = "predictu.change_configuration"
_GROUPS = {
    "risk": "Limits and thresholds",
    "spread": "Spread",
    "fees": "Fees",
    "features": "Features",
    "defaults": "Defaults",
    "tiers": "Tiers of flagged users",
}
_NEWEST = 10
_page: Any = admin.site.page  # type: ignore[attr-defined]


@_page("configuration/", name="configuration")
def configuration_page(request: HttpRequest) -> HttpResponse:
    """The form. Sent, it leads to the page that shows what the change does and asks why."""
    revision, current = config.newest()
    may_change = request.user.has_perm(MANAGE)  # type: ignore[union-attr]
    typed: dict[str, str] = {}
    problems: dict[str, list[str]] = {}
    if request.method == "POST" and not may_change:
        raise PermissionDenied
    if request.method == "POST":
        typed, problems, changes = _read(request.POST, current)
        if changes and not problems:
            return redirect(f"{reverse('admin:configuration_change')}?{urlencode(changes)}")
        if not problems:
            messages.info(request, "Nothing was changed.")
    else:
        typed = {name: value for name, value in request.GET.items() if name in DECLARED}
    context = {
        "title": "Configuration",
        "revision": revision,
        "may_change": may_change,
        "groups": _groups(current, typed, problems),
        "problems": problems,
        "revisions": _revisions(),
    }
    status = 400 if problems else 200
    return admin.site.render(request, "admin/configuration.html", context, status=status)  # type: ignore[attr-defined]


@_page("configuration/change/", name="configuration_change")
def change(request: HttpRequest) -> HttpResponse:
    """What the change in the address does, and why it is made; then it is saved."""
    typed = {name: value for name, value in request.GET.items() if name in DECLARED}
    back = f"{reverse('admin:configuration')}?{urlencode(typed)}"
    try:
        changes = revisions.flat(keys.parsed(typed))
        revisions.applied(config.newest()[1], changes)
    except ValidationFailed:
        return redirect(back)
    if not changes:
        return redirect("admin:configuration")
    if request.method == "POST" and request.POST.get("revision") != str(config.newest()[0].number):
        messages.warning(request, "Somebody saved another revision meanwhile. Look again, then save.")
        return redirect(request.get_full_path())
    saved = request.method == "POST"
    return answer(request, admin.site, CHANGE, Changes(changes), back=reverse("admin:configuration") if saved else back)


class ChangeForm(ReasonForm):
    """Why, and what the difference shown was against."""

    revision = forms.IntegerField(widget=forms.HiddenInput())


class Changes(dict[str, Any]):
    """Changed keys with their new values."""

    def __str__(self) -> str:
        return "1 key" if len(self) == 1 else f"{len(self)} keys"


def _read(posted: Mapping[str, str], current: Configuration) -> tuple[dict[str, str], dict[str, list[str]], dict]:
    """What was typed, what is wrong with it, and the keys to change as text.

    A key is changed when it differs from the revision the form was filled from: whatever somebody else saved since
    stays.
    """
    number = posted.get("revision", "")
    seen = config.of(ConfigRevision.objects.get(number=number)) if _exists(number) else current
    typed = {name: _typed(posted, name, key) for name, key in DECLARED.items()}
    changed = {name: text for name, text in typed.items() if text != keys.written(seen[name])}
    try:
        changes = revisions.flat(keys.parsed(changed))
        changes = {name: value for name, value in changes.items() if value != seen[name]}
        revisions.applied(current, changes)
    except ValidationFailed as error:
        return typed, error.details, {}
    return typed, {}, {name: keys.written(value) for name, value in changes.items()}


def _exists(number: str) -> bool:
    known = number.isascii() and number.isdigit() and len(number) < 16
    return known and ConfigRevision.objects.filter(number=number).exists()


def _typed(posted: Mapping[str, str], name: str, key: Key) -> str:
    if key.is_switch:
        return "on" if name in posted else "off"
    return posted.get(name, "").strip().replace(",", "")


def _groups(
    current: Configuration, typed: Mapping[str, str], problems: Mapping[str, Iterable[str]]
) -> list[tuple[str, list[keys.Field]]]:
    fields: dict[str, list[keys.Field]] = {}
    for name, key in DECLARED.items():
        in_force = keys.written(current[name])
        field = keys.Field(name, key, in_force, typed.get(name, in_force), tuple(problems.get(name, ())))
        fields.setdefault(name.partition(".")[0], []).append(field)
    return [(_GROUPS[group], found) for group, found in fields.items()]


def _revisions() -> list[dict[str, Any]]:
    """The newest revisions, each with its difference; all but the one in force can be gone back to."""
    found = ConfigRevision.objects.select_related("actor").order_by("-number")[:_NEWEST]
    return [
        {
            "revision": each,
            "url": url_of(ConfigRevision, each.pk),
            "difference": [
                (name, keys.shown(each.previous_values.get(name)), keys.shown(value))
                for name, value in each.new_values.items()
            ],
        }
        for each in found
    ]


def difference(before: Configuration, after: Configuration) -> Facts:
    """Every key that differs, with what it is and what it becomes, then what that would have done for 30 days."""
    changed = [name for name in DECLARED if before[name] != after[name]]
    told = [(name, _was_and_is(before[name], after[name])) for name in changed]
    return [*told, *_would_have_done(before, after)] if changed else [("Nothing", "is different")]


def _was_and_is(was: Any, now: Any) -> SafeString:
    mark = '<s class="desk-was">{}</s> → <strong class="desk-is">{}</strong>'
    return format_html(mark, keys.shown(was), keys.shown(now))


def _would_have_done(before: Configuration, after: Configuration) -> Facts:
    found = preview.of_change(before, after, now=clock.now())
    revenue, tripped = found["spread_revenue_usd"], found["breakers_tripped"]
    called = names.names({row["scope_id"] for row in tripped if row["scope_id"]})
    by_wall = [f"{count:,} {wall.replace('_', ' ')}" for wall, count in found["rejected_by_wall"].items() if count]
    scopes = [called.get(row["scope_id"], row["scope_id"]) or "everything" for row in tripped]
    sign = "+" if revenue["difference"] >= 0 else ""
    return [
        (f"Buys of the last {preview.DAYS} days looked at", f"{found['trades_examined']:,}"),
        (
            "Buys it would have refused",
            _told(found["trades_rejected"], by_wall),
        ),
        ("What those cost", f"${shown.amount(found['rejected_cost_usd'])}"),
        ("Breakers it would have tripped", _told(len(tripped), scopes)),
        (
            "Revenue from the spread",
            f"${shown.amount(revenue['before'])} → ${shown.amount(revenue['after'])} "
            f"({sign}{shown.amount(revenue['difference'])})",
        ),
        ("Not in these figures", preview.NOTE),
    ]


def _told(count: int, parts: list[str]) -> str:
    return f"{count:,} ({', '.join(parts)})" if parts else f"{count:,}"


def _consequences(changes: Changes) -> Facts:
    current = config.newest()[1]
    return difference(current, revisions.applied(current, changes))


def _save(given: Given) -> str:
    changed = limits.change(changes=given.row, actor=given.actor, reason=given.reason, now=given.now)
    return f"Saved as revision {changed.revision.number}." if changed.names else "Nothing was to be changed."


def _back_to(row: ConfigRevision) -> Facts:
    return difference(config.newest()[1], config.of(row))


def _revert(given: Given) -> str:
    changed = limits.revert(number=given.row.number, actor=given.actor, reason=given.reason, now=given.now)
    return f"Back to revision {given.row.number}, as revision {changed.revision.number}."


CHANGE = Act(
    name="change",
    label="Save",
    permission=MANAGE,
    run=_save,
    consequences=_consequences,
    form=ChangeForm,
    initial=lambda row: {"revision": config.newest()[0].number},
)
REVERT = Act(
    name="revert",
    label="Go back to this revision",
    permission=MANAGE,
    run=_revert,
    consequences=_back_to,
    possible=lambda row: row.number != config.newest()[0].number,
)
