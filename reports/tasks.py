"""Reports' jobs."""

from celery import shared_task

from predictu import clock
from reports.models import Export, Report
from reports.services import alerts, delivery, expiry, exports, forecasts, leases, runs, schedules


@shared_task
def watch_platform() -> None:
    """Tell of what is wrong with the platform, and of what no longer is."""
    alerts.watch(now=clock.now())


@shared_task
def forecast_revenue() -> None:
    """Make today's forecasts, and score those whose days have passed."""
    now = clock.now()
    forecasts.score(now=now)
    forecasts.refresh(now=now)


@shared_task
def make_report(report_id: str) -> None:
    """Make a report's file, unless somebody does."""
    runs.make(report_id, now=clock.now(), beating=True)


@shared_task
def make_export(export_id: str) -> None:
    """Make an export's file, unless somebody does."""
    exports.make(export_id, now=clock.now())


@shared_task
def deliver_report(report_id: str) -> None:
    """E-mail a report."""
    delivery.deliver(report_id, now=clock.now())


@shared_task
def sweep_reports() -> None:
    """Start what is due, ring for what nobody works on or sends, remove what has expired."""
    now = clock.now()
    schedules.run_due(now=now)
    leases.sweep(Report, runs.TASK, now=now)
    leases.sweep(Export, exports.TASK, now=now)
    delivery.sweep(now=now)
    expiry.sweep(now=now)
