"""The API paths of operators, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from operators.api import casino

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/casino/whoami", casino.WhoAmIView.as_view(), name="casino.whoami"),
]
