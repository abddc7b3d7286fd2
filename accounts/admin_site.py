"""Django admin's site: staff log in as they do to the API, and set up their second factor here."""

from collections.abc import Callable, Mapping
from typing import Any

import django_otp
import qrcode
import qrcode.image.svg
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from unfold.sites import UnfoldAdminSite

from accounts.admin_forms import CodeForm, LoginForm, OwnPasswordForm
from accounts.services import two_factor
from predictu import clock
from predictu.errors import PredictuError

View = Callable[..., HttpResponse]


class PredictuAdminSite(UnfoldAdminSite):
    """Where ``PREDICTU_ADMIN_OTP_REQUIRED`` is on, nothing opens before the second factor was shown."""

    login_form = LoginForm

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pages: list[URLPattern] = []

    def page(self, route: str, *, name: str) -> Callable[[View], View]:
        """Make a view a page of the site, with its door: ``@admin.site.page("risk/desk/", name="risk_desk")``."""

        def register(view: View) -> View:
            self._pages.append(path(route, self.admin_view(view), name=name))
            return view

        return register

    def render(
        self, request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
    ) -> HttpResponse:
        """A page in the site's frame; ``context`` names its ``title``."""
        request.current_app = self.name  # type: ignore[attr-defined]
        return TemplateResponse(request, template, {**self.each_context(request), **context}, status=status)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not self._must_show_code(request)

    def get_urls(self) -> list[URLPattern]:
        return [path("two-factor/", self.two_factor, name="two_factor"), *self._pages, *super().get_urls()]

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters())
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The login form; whoever is in but for the second factor is sent to set it up."""
        if request.method == "GET" and super().has_permission(request) and self._must_show_code(request):
            return redirect("admin:two_factor")
        return super().login(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        request.current_app = self.name  # type: ignore[attr-defined]
        return PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters())
    def two_factor(self, request: HttpRequest) -> HttpResponse:
        """Set up an authenticator: its secret as a picture, its first code, then the recovery codes, once."""
        if not super().has_permission(request):
            return redirect(f"{reverse('admin:login')}?next={request.path}")
        if two_factor.is_on(request.user):  # type: ignore[arg-type]
            return self._second_factor_is_on(request)
        form = CodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                return self._turned_on(request, form.cleaned_data["code"])
            except PredictuError as error:
                form.add_error("code", "; ".join((error.details or {}).get("code", [error.message])))
        device = two_factor.begin(admin=request.user)  # type: ignore[arg-type]
        shown = {"form": form, "picture": _picture(device.config_url), "config_url": device.config_url}
        return self._page(request, shown)

    def _turned_on(self, request: HttpRequest, code: str) -> HttpResponse:
        admin: Any = request.user
        device, codes = two_factor.confirm(admin=admin, code=code, actor=admin, now=clock.now())
        django_otp.login(request, device)
        return self._page(request, {"recovery_codes": codes})

    def _second_factor_is_on(self, request: HttpRequest) -> HttpResponse:
        if self._must_show_code(request):
            messages.warning(request, "Log out and in again with a one-time password.")
        return self._page(request, {"is_on": True})

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        return self.render(request, "admin/two_factor.html", {"title": "Second factor", **context})

    @staticmethod
    def _must_show_code(request: HttpRequest) -> bool:
        return settings.PREDICTU_ADMIN_OTP_REQUIRED and not request.user.is_verified()  # type: ignore[union-attr]


def _picture(text: str) -> str:
    """A QR code as SVG markup."""
    return qrcode.make(text, image_factory=qrcode.image.svg.SvgPathImage, box_size=8).to_string(encoding="unicode")
