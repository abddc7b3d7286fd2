"""The API paths of reports, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from reports.api import analytics, dashboard, exports, forecast, reports

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/internal/dashboard", dashboard.DashboardView.as_view(), name="dashboard"),
    path("api/internal/revenue/forecast", forecast.RevenueForecastView.as_view(), name="revenue.forecast"),
    path("api/internal/analytics/cohorts", analytics.CohortsView.as_view(), name="analytics.cohorts"),
    path("api/internal/analytics/ltv", analytics.LifetimeValueView.as_view(), name="analytics.ltv"),
    path("api/internal/analytics/behavior", analytics.BehaviorView.as_view(), name="analytics.behavior"),
    path("api/internal/reports", reports.ReportsView.as_view(), name="reports"),
    path("api/internal/reports/scheduled", reports.SchedulesView.as_view(), name="reports.scheduled"),
    path("api/internal/reports/scheduled/<schedule_id>", reports.ScheduleView.as_view(), name="reports.schedule"),
    path("api/internal/reports/<report_id>", reports.ReportView.as_view(), name="reports.status"),
    path("api/internal/reports/<report_id>/cancel", reports.ReportCancelView.as_view(), name="reports.cancel"),
    path("api/internal/reports/<report_id>/download", reports.ReportDownloadView.as_view(), name="reports.download"),
    path("api/internal/reports/<report_id>/revoke-link", reports.ReportLinkView.as_view(), name="reports.revoke"),
    path("files/reports/<token>", reports.linked_file, name="files.report"),
    path("api/internal/export", exports.ExportsView.as_view(), name="exports"),
    path("api/internal/export/<name>", exports.ExportView.as_view(), name="export.create"),
    path("api/internal/export/<export_id>/cancel", exports.ExportCancelView.as_view(), name="export.cancel"),
    path("api/internal/export/<export_id>/status", exports.ExportStatusView.as_view(), name="export.status"),
    path("api/internal/export/<export_id>/manifest", exports.ExportManifestView.as_view(), name="export.manifest"),
    path("api/internal/export/<export_id>/download", exports.ExportDownloadView.as_view(), name="export.download"),
]
