"""The API paths of accounts, whole from the root."""

from django.urls import URLPattern, URLResolver

from accounts.api.auth_urls import urlpatterns as auth

urlpatterns: list[URLPattern | URLResolver] = [*auth]
