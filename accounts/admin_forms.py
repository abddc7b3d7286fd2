"""The forms of Django admin that concern one's own account."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES, UnfoldAdminTextInputWidget

from accounts.models import AdminUser
from accounts.services import admins, sessions
from predictu import clock
from predictu.errors import PredictuError
from predictu.platform import config


class LoginForm(AuthenticationForm):
    """The same door as the API's: one lock-out, one second factor, one audit trail."""

    otp = forms.CharField(
        label="One-time password or recovery code",
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "class": " ".join(BASE_INPUT_CLASSES)}),
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not (given.get("username") and given.get("password")):
            return given
        now = clock.now()
        try:
            login = sessions.authenticate(
                email=given["username"],
                password=given["password"],
                otp=given.get("otp"),
                address=self.request.client_address,
                via="django_admin",
                may_enrol=True,
                now=now,
            )
        except PredictuError as error:
            raise ValidationError(error.message, code=error.code) from None
        self.user_cache = login.admin
        if login.device is not None:
            self.user_cache.otp_device = login.device
        self.request.session.set_expiry(int(config.current()["defaults.session_timeout_hours"]) * 3600)
        return given


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """A new password ends every other session, as through the command."""

    def save(self, commit: bool = True) -> AdminUser:
        password = self.cleaned_data["new_password1"]
        admins.set_password(admin=self.user, password=password, actor=self.user, now=clock.now())
        self.user.refresh_from_db()
        return self.user


class CodeForm(forms.Form):
    """The first code of a new authenticator."""

    code = forms.CharField(
        label="Code from the app",
        max_length=12,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
