"""Pages of reports that are no table: asking for one, having one made again and again, and fetching the file."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from predictu import clock
from predictu.admin_base import url_of
from predictu.errors import PredictuError
from reports import downloads
from reports.admin.forms import ReportForm, ScheduleForm
from reports.models import Report, ReportSchedule
from reports.services import runs, schedules

PERMISSION = schedules.PERMISSION
_site: Any = admin.site


@_site.page("reports/new/", name="report_new")
def new_report(request: HttpRequest) -> HttpResponse:
    """Ask for a report: small ones are ready at once, others are made by a worker."""
    return _asked(
        request,
        ReportForm,
        _report,
        title="New report",
        intro="It is made at once when it is small, else in the background; its page says how far it is.",
        button="Make the report",
        back=reverse("admin:reports_report_changelist"),
    )


@_site.page("reports/schedules/new/", name="schedule_new")
def new_schedule(request: HttpRequest) -> HttpResponse:
    """Have a report made and e-mailed again and again."""
    return _asked(
        request,
        ScheduleForm,
        _schedule,
        title="New schedule",
        intro="Each run tells of the UTC day, week or month that is over by then, and is e-mailed.",
        button="Schedule it",
        back=reverse("admin:reports_reportschedule_changelist"),
    )


@_site.page("reports/<str:report_id>/file/", name="report_file")
def file(request: HttpRequest, report_id: str) -> HttpResponse:
    """The file of a report; what stands in the way is said on the report's page."""
    try:
        report = runs.by_id(report_id)
    except PredictuError as error:
        messages.error(request, error.message)
        return redirect("admin:reports_report_changelist")
    try:
        downloads.may_fetch(report, request.user)
        return downloads.send_report(request, report, actor=request.user)
    except PredictuError as error:
        messages.error(request, error.message)
        return redirect(url_of(Report, report.pk) or "admin:index")


def _asked(request: HttpRequest, form_type: Any, carry_out: Any, **shown: str) -> HttpResponse:
    """A form, and what is done once it is sent: ``carry_out`` answers where to go, or raises why not."""
    if not request.user.has_perm(PERMISSION):  # type: ignore[union-attr]
        raise PermissionDenied
    form = form_type(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(carry_out(request, form))
        except PredictuError as error:
            form.refused(error)
    status = 400 if form.errors else 200
    return _site.render(request, "admin/form_page.html", {**shown, "form": form}, status=status)


def _report(request: HttpRequest, form: ReportForm) -> str:
    given, now = form.cleaned_data, clock.now()
    asked = runs.check(
        actor=request.user,
        type=given["type"],
        format=given["format"],
        given=form.filters(),
        columns=None,
        addresses=[given["email"]] if given["email"] else None,
        field="email",
        now=now,
    )
    report = runs.request(actor=request.user, asked=asked, now=now)
    messages.success(request, f"The report is {report.status}.")
    return url_of(Report, report.pk) or reverse("admin:index")


def _schedule(request: HttpRequest, form: ScheduleForm) -> str:
    made = schedules.create(actor=request.user, values=form.values(), now=clock.now())
    messages.success(request, f"{made.name} is scheduled.")
    return url_of(ReportSchedule, made.pk) or reverse("admin:index")
