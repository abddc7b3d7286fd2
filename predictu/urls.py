"""Every route of the platform. Each app lists its own API paths, whole from the root, in ``<app>/api/urls.py``."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerView

from predictu.api import health, schema
from reports.admin.export import export_shown
from reports.api.metrics import metrics

urlpatterns = [
    path("", include("trading.api.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics),
    path("api/schema/", schema.schema, name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("", include("predictu.platform.api.urls")),
    path("", include("operators.api.urls")),
    path("", include("accounts.api.urls")),
    path("", include("risk.api.urls")),
    path("", include("billing.api.urls")),
    path("", include("reports.api.urls")),
    path("admin/export/<str:app>/<str:model>/", admin.site.admin_view(export_shown), name="export_shown"),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
