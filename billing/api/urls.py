"""The API paths of billing, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from billing.api import revenue

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/internal/revenue", revenue.RevenueView.as_view(), name="revenue"),
    path("api/internal/operators/<slug>/revenue", revenue.OperatorRevenueView.as_view(), name="operators.revenue"),
]
