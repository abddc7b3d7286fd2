"""The API paths of reports, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from reports.api import analytics, dashboard, forecast

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/internal/dashboard", dashboard.DashboardView.as_view(), name="dashboard"),
    path("api/internal/revenue/forecast", forecast.RevenueForecastView.as_view(), name="revenue.forecast"),
    path("api/internal/analytics/cohorts", analytics.CohortsView.as_view(), name="analytics.cohorts"),
    path("api/internal/analytics/ltv", analytics.LifetimeValueView.as_view(), name="analytics.ltv"),
    path("api/internal/analytics/behavior", analytics.BehaviorView.as_view(), name="analytics.behavior"),
]
