"""Login and logout."""

from django.urls import path

from accounts.api.auth_views import LoginView, LogoutView

urlpatterns = [
    path("api/auth/admin/login", LoginView.as_view(), name="auth.login"),
    path("api/auth/admin/logout", LogoutView.as_view(), name="auth.logout"),
]
