"""Recurring reports: made at their due times, each exactly once, and sent by e-mail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from predictu import ids, jobs
from predictu.errors import Forbidden, NotFound, PredictuError, ValidationFailed
from predictu.platform import audit
from reports import times
from reports.models import Report, ReportSchedule, Status
from reports.services import recipients, runs
from reports.tables import TABLES, filters
from reports.tables.filters import Wanted
from reports.times import Rule

PERMISSION = "reports.create"
FIELDS = ("name type format frequency day_of_week day_of_month time_utc filters columns recipients enabled").split()


def rule_of(schedule: ReportSchedule) -> Rule:
    return Rule(schedule.time_utc, schedule.day_of_week, schedule.day_of_month)


def create(*, actor: Any, values: Mapping[str, Any], now: datetime) -> ReportSchedule:
    """``values`` are FIELDS. Raises ValidationFailed, Forbidden."""
    schedule = ReportSchedule(created_by=actor, created_at=now, updated_at=now)
    _apply(schedule, values, actor=actor, now=now)
    with transaction.atomic():
        schedule.save(force_insert=True)
        _record("created", schedule, actor, audit.difference({}, _facts(schedule)), now)
    return schedule


def change(
    *, schedule: ReportSchedule, actor: Any, values: Mapping[str, Any], now: datetime, reason: str = ""
) -> ReportSchedule:
    """Change what ``values`` names; the next run follows from the new rule. Raises ValidationFailed, Forbidden."""
    with transaction.atomic():
        schedule = _locked(schedule.pk)
        before = _facts(schedule)
        kept = {name: getattr(schedule, name) for name in FIELDS}
        if "frequency" in values:
            kept |= {"day_of_week": None, "day_of_month": None}
        _apply(schedule, {**kept, **values}, actor=actor, now=now)
        changes = audit.difference(before, _facts(schedule))
        if changes:
            schedule.updated_at = now
            schedule.save()
            _record("changed", schedule, actor, changes, now, reason)
    return schedule


def delete(*, schedule: ReportSchedule, actor: Any, now: datetime, reason: str = "") -> None:
    """It runs no more and is listed no more; reports it has made stay."""
    with transaction.atomic():
        schedule = _locked(schedule.pk)
        schedule.deleted_at, schedule.next_run_at = now, None
        schedule.save()
        _record("deleted", schedule, actor, {}, now, reason)


def by_id(pk: str) -> ReportSchedule:
    """The schedule of a path. Raises NotFound, for malformed ids and deleted ones too."""
    try:
        ids.decode("sched", pk)
    except ValueError:
        raise NotFound("No such schedule") from None
    found = ReportSchedule.objects.filter(pk=pk, deleted_at=None).first()
    if found is None:
        raise NotFound("No such schedule")
    return found


def _locked(pk: str) -> ReportSchedule:
    found = ReportSchedule.objects.select_for_update(no_key=True).filter(pk=pk, deleted_at=None).first()
    if found is None:
        raise NotFound("No such schedule")
    return found


def _apply(schedule: ReportSchedule, values: Mapping[str, Any], *, actor: Any, now: datetime) -> None:
    """Set what was given, checked as the runs will need it."""
    _check_day(values)
    table = TABLES[values["type"]]
    given = values["filters"]
    fixed = {f"filters.{name}": ["follows from the schedule"] for name in ("from", "to") if name in given}
    if fixed:
        raise ValidationFailed(details=fixed)
    wanted = filters.parse(filters.raw(given), table.filters, now=now)
    if values["columns"] is not None:
        table.chosen(values["columns"], personal=actor.has_perm(runs.PII))
    to = recipients.check(values["recipients"], operator=wanted.operator, field="recipients")
    for name in FIELDS:
        setattr(schedule, name, values[name])
    schedule.recipients = to
    schedule.filters = _stored(wanted)
    schedule.next_run_at = times.next_due(rule_of(schedule), now) if schedule.enabled else None


def _check_day(values: Mapping[str, Any]) -> None:
    needed = {"weekly": "day_of_week", "monthly": "day_of_month"}.get(values["frequency"])
    problems = {}
    for name in ("day_of_week", "day_of_month"):
        if name == needed and values[name] is None:
            problems[name] = [f"is needed for a {values['frequency']} schedule"]
        elif name != needed and values[name] is not None:
            problems[name] = [f"has no meaning for a {values['frequency']} schedule"]
    if problems:
        raise ValidationFailed(details=problems)


def _stored(wanted: Wanted) -> dict[str, Any]:
    return {name: value for name, value in filters.stored(wanted).items() if name not in ("from", "to")}


def _facts(schedule: ReportSchedule) -> dict[str, Any]:
    """What the audit trail tells of a schedule: of addresses only how many and that they changed."""
    facts = {name: getattr(schedule, name) for name in FIELDS}
    facts["time_utc"] = f"{schedule.time_utc:%H:%M}" if schedule.time_utc else None
    facts["email"] = list(facts.pop("recipients"))
    return facts


def _record(
    verb: str, schedule: ReportSchedule, actor: Any, changes: Mapping[str, Any], now: datetime, reason: str = ""
) -> None:
    audit.record(
        actor=actor,
        action=f"schedule.{verb}",
        object_type="schedule",
        object_id=schedule.pk,
        changes=changes,
        metadata={"type": schedule.type, "recipient_count": len(schedule.recipients)},
        reason=reason,
        now=now,
    )


def run_due(*, now: datetime) -> int:
    """Start every report that is due; answers how many. Safe in two processes at once.

    After downtime a schedule runs once, for its latest due time.
    """
    waiting = list(
        ReportSchedule.objects.filter(next_run_at__lte=now).order_by("next_run_at").values_list("pk", flat=True)
    )
    return sum(_run(pk, now) for pk in waiting)


def _run(pk: str, now: datetime) -> int:
    with transaction.atomic():
        held = ReportSchedule.objects.select_for_update(no_key=True, skip_locked=True).select_related("created_by")
        schedule = held.filter(pk=pk, next_run_at__lte=now).first()
        if schedule is None:
            return 0
        rule = rule_of(schedule)
        due = times.last_due(rule, now)
        report = _start(schedule, due, now)
        schedule.next_run_at = times.next_due(rule, now)
        schedule.save(update_fields=["next_run_at"])
        if report.is_processing:
            jobs.enqueue(runs.TASK, report.pk)
    return 1


def _start(schedule: ReportSchedule, due: datetime, now: datetime) -> Report:
    """The run's row; one that cannot even begin is there too and says why."""
    start, end = times.period(rule_of(schedule), due)
    owner = schedule.created_by
    try:
        with transaction.atomic():
            if not owner.has_perm(PERMISSION):
                raise Forbidden("The schedule's owner may not create reports any more")
            asked = runs.check(
                actor=owner,
                type=schedule.type,
                format=schedule.format,
                given=filters.raw(schedule.filters),
                columns=schedule.columns,
                addresses=schedule.recipients,
                period=(start, end),
                now=now,
            )
            return runs.create(actor=owner, asked=asked, schedule=schedule, due_at=due, now=now)
    except PredictuError as error:
        return Report.objects.create(
            type=schedule.type,
            format=schedule.format,
            filters={**schedule.filters, "from": start.isoformat(), "to": end.isoformat()},
            columns=schedule.columns or [],
            delivery=Report.Delivery.EMAIL,
            recipients=schedule.recipients,
            schedule=schedule,
            due_at=due,
            requested_by=owner,
            status=Status.FAILED,
            error=_worded(error),
            rung_at=now,
            created_at=now,
        )


def _worded(error: PredictuError) -> str:
    details = error.details if isinstance(error.details, dict) else {}
    told = [f"{name} {'; '.join(problems)}" for name, problems in details.items()]
    return ". ".join([error.message, *told])


def last_runs(schedules: list[ReportSchedule]) -> dict[str, Report]:
    """By schedule id, its newest run."""
    newest = Report.objects.filter(schedule__in=schedules).order_by("schedule_id", "-due_at").distinct("schedule_id")
    return {str(report.schedule_id): report for report in newest}


def shown_time(schedule: ReportSchedule) -> str:
    return f"{schedule.time_utc:%H:%M}"
