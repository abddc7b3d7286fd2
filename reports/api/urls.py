"""The API paths of reports, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from reports.api import dashboard

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/internal/dashboard", dashboard.DashboardView.as_view(), name="dashboard"),
]
