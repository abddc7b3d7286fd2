"""The risk desk: one page that says where risk stands, and from which staff act on it."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from predictu import clock, ids
from predictu.admin_acts import Act, answer
from predictu.admin_base import SEE_PERSONAL, url_of
from predictu.platform import config
from predictu.platform.models import AuditEntry
from reports.queries import breakers, standing
from risk.admin import acts, events, figures
from risk.models import CircuitBreaker, RiskEvent
from trading.queries import names

_EVERYTHING = "every market of every operator"
_LAST = 8
_AUDITED = ("circuit_breaker", "risk_event", "config")
_page: Any = admin.site.page  # type: ignore[attr-defined]


@_page("risk/desk/", name="risk_desk")
def risk_desk(request: HttpRequest) -> HttpResponse:
    """Where risk stands now, and what can be done about it."""
    now, user = clock.now(), request.user
    overview = standing.overview(now=now)
    wanted = events.Wanted.of(request.GET)
    watching = CircuitBreaker.objects.filter(is_enabled=True)
    context = {
        "title": "Risk desk",
        "now": now,
        "may_act": user.has_perm(acts.MANAGE),  # type: ignore[union-attr]
        "halting": acts.halting(),
        "cards": figures.cards(overview),
        "walls": figures.walls(overview["walls"]),
        "limits": figures.limits(config.current()),
        "breakers": figures.breakers(breakers.shown(list(watching))),
        "wanted": wanted,
        "events": events.page(wanted, personal=user.has_perm(SEE_PERSONAL)),  # type: ignore[union-attr]
        "last": _last_acts(),
    }
    return admin.site.render(request, "admin/risk_desk.html", context)  # type: ignore[attr-defined]


@_page("risk/desk/breakers/add/", name="risk_breaker_add")
def add_breaker(request: HttpRequest) -> HttpResponse:
    return _answer(request, acts.ADD, "over a scope")


@_page("risk/desk/breakers/<str:breaker_id>/<slug:name>/", name="risk_breaker_act")
def act_on_breaker(request: HttpRequest, breaker_id: str, name: str) -> HttpResponse:
    act = next((each for each in acts.BREAKER_ACTS if each.name == name), None)
    found = CircuitBreaker.objects.filter(pk=breaker_id) if ids.is_one("cb", breaker_id) else None
    breaker = found.first() if found is not None else None
    if act is None or breaker is None:
        raise Http404
    label = names.names({breaker.scope_id}).get(breaker.scope_id, breaker.scope_id or "everything")
    return _answer(request, act, breaker, called=f"the breaker of {label}")


@_page("risk/desk/halt/", name="risk_halt")
def halt(request: HttpRequest) -> HttpResponse:
    return _answer(request, acts.HALT, _EVERYTHING)


@_page("risk/desk/resume/", name="risk_resume")
def resume(request: HttpRequest) -> HttpResponse:
    return _answer(request, acts.RESUME, _EVERYTHING)


@_page("risk/desk/events/acknowledge/", name="risk_acknowledge")
def acknowledge(request: HttpRequest) -> HttpResponse:
    """Resolve the events that the query names, together."""
    wanted = [each for each in request.GET.getlist("event")[: events.SIZE] if ids.is_one("evt", each)]
    rows = list(RiskEvent.objects.filter(pk__in=wanted).order_by("-created_at", "-id"))
    if not rows:
        messages.warning(request, "Tick the events to acknowledge first.")
        return redirect(f"{reverse('admin:risk_desk')}#events")
    return _answer(request, acts.RESOLVE, rows[0] if len(rows) == 1 else acts.Events(rows))


def _answer(request: HttpRequest, act: Act, row: Any, *, called: str = "") -> HttpResponse:
    return answer(request, admin.site, act, row, back=reverse("admin:risk_desk"), called=called)


def _last_acts() -> list[tuple[AuditEntry, str | None]]:
    """What staff did here last, with each line's page in the audit trail."""
    found = AuditEntry.objects.filter(object_type__in=_AUDITED).select_related("actor").order_by("-created_at", "-id")
    return [(entry, url_of(AuditEntry, entry.pk)) for entry in found[:_LAST]]
