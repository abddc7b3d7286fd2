"""Reports and their schedules."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import system_admin
from predictu import clock
from predictu.api import envelopes, pages
from predictu.api.throttling import Limit, take
from predictu.api.views import DataView, Nothing
from predictu.errors import PredictuError
from reports import downloads
from reports.api import rows
from reports.api.bodies import ReportBody, ScheduleBody
from reports.models import Report, ReportSchedule, Status
from reports.services import delivery, runs, schedules

_PERMISSION = "reports.create"
# An e-mailed link needs no token, so that guesses are bounded by address.
_LINK_LIMIT = Limit(30)


class ReportsView(DataView):
    permissions = {"POST": _PERMISSION}

    def get(self, request: Request) -> Response:
        """Reports, newest first, whoever asked for them."""
        page = pages.page(self.query)
        found = Report.objects.all()
        status = self.query.choice("status", Status.values)
        if status is not None:
            found = found.filter(status=status)
        shown = [rows.report(each) for each in found[page.offset : page.offset + page.limit]]
        return Response(page.envelope(shown, found.count()))

    @extend_schema(request=ReportBody)
    def post(self, request: Request) -> Response:
        """Make a report: at once (200) up to 2,000 rows, 200 for a pdf; a larger one is processed (202)."""
        body, now = self.body(ReportBody), clock.now()
        asked = runs.check(
            actor=self.admin,
            type=body["type"],
            format=body["format"],
            given=body["filters"],
            columns=body["columns"],
            addresses=[body["email"]] if body["email"] else None,
            field="email",
            now=now,
        )
        report = runs.request(actor=self.admin, asked=asked, now=now)
        return self.answer(rows.report(report), status=202 if report.is_processing else 200)


class ReportView(DataView):
    permissions = {"DELETE": _PERMISSION}

    def get(self, request: Request, report_id: str) -> Response:
        """How far a report is."""
        return self.answer(rows.report(runs.by_id(report_id)))

    def delete(self, request: Request, report_id: str) -> Response:
        """Cancel a report that is being made."""
        self.body(Nothing)
        report = runs.cancel(report=runs.by_id(report_id), actor=self.admin, now=clock.now())
        return self.answer(rows.report(report))


class ReportCancelView(DataView):
    permissions = {"POST": _PERMISSION}

    def post(self, request: Request, report_id: str) -> Response:
        """Cancel a report that is being made."""
        self.body(Nothing)
        report = runs.cancel(report=runs.by_id(report_id), actor=self.admin, now=clock.now())
        return self.answer(rows.report(report))


class ReportLinkView(DataView):
    permissions = {"POST": _PERMISSION}

    def post(self, request: Request, report_id: str) -> Response:
        """Revoke the link that was e-mailed in place of a large file."""
        self.body(Nothing)
        report = runs.revoke_link(report=runs.by_id(report_id), actor=self.admin, now=clock.now())
        return self.answer(rows.report(report))


class ReportDownloadView(DataView):
    def get(self, request: Request, report_id: str) -> HttpResponse:
        """The file; 410 once it has expired."""
        report = runs.by_id(report_id)
        downloads.may_fetch(report, self.admin)
        return downloads.send_report(request._request, report, actor=self.admin)


def linked_file(request: HttpRequest, token: str) -> HttpResponse:
    """``/files/reports/<token>``: the one file of an e-mailed link, each fetch audited."""
    try:
        take(request, f"links:{request.client_address}", _LINK_LIMIT)  # type: ignore[attr-defined]
        report = delivery.linked(token, now=clock.now())
        return downloads.send_report(request, report, actor=system_admin(), action="report.link_fetched")
    except PredictuError as error:
        return envelopes.error_response(request, error)


class SchedulesView(DataView):
    permissions = {"POST": _PERMISSION}

    def get(self, request: Request) -> Response:
        """Every schedule, newest first, each with its last run."""
        found = list(ReportSchedule.objects.filter(deleted_at=None))
        last = schedules.last_runs(found)
        shown = [rows.schedule(each, last.get(each.pk)) for each in found]
        page = pages.optional_page(self.query)
        if page is None:
            return self.answer(shown)
        return Response(page.envelope(shown[page.offset : page.offset + page.limit], len(shown)))

    @extend_schema(request=ScheduleBody)
    def post(self, request: Request) -> Response:
        """Have a report made and e-mailed again and again."""
        made = schedules.create(actor=self.admin, values=_plain(self.body(ScheduleBody)), now=clock.now())
        return self.answer(rows.schedule(made, None), status=201)


class ScheduleView(DataView):
    permissions = {"PATCH": _PERMISSION, "DELETE": _PERMISSION}

    def get(self, request: Request, schedule_id: str) -> Response:
        """A schedule, with its last run."""
        found = schedules.by_id(schedule_id)
        return self.answer(rows.schedule(found, schedules.last_runs([found]).get(found.pk)))

    @extend_schema(request=ScheduleBody(partial=True))
    def patch(self, request: Request, schedule_id: str) -> Response:
        """Change what the body names; ``enabled: false`` stops it."""
        schedule = schedules.by_id(schedule_id)
        values = _plain(self.body(ScheduleBody, partial=True))
        changed = schedules.change(schedule=schedule, actor=self.admin, values=values, now=clock.now())
        return self.answer(rows.schedule(changed, schedules.last_runs([changed]).get(changed.pk)))

    def delete(self, request: Request, schedule_id: str) -> Response:
        """Delete a schedule; what it made stays."""
        self.body(Nothing)
        schedules.delete(schedule=schedules.by_id(schedule_id), actor=self.admin, now=clock.now())
        return Response(status=204)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Days as whole numbers."""
    return {
        name: int(value) if name in ("day_of_week", "day_of_month") and value is not None else value
        for name, value in values.items()
    }
