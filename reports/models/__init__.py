"""What reports keep; a module per noun."""

from reports.models.alerts import StandingAlert
from reports.models.forecast import StoredForecast
from reports.models.reports import Export, FileJob, Report, ReportSchedule, Status

__all__ = ["Export", "FileJob", "Report", "ReportSchedule", "StandingAlert", "Status", "StoredForecast"]
