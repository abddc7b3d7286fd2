"""``/api/auth/admin``: login and logout of Predictu's own staff."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import roles
from accounts.api.auth_serializers import LoginIn
from accounts.api.gates import bearer
from accounts.models import AdminUser
from accounts.services import sessions
from predictu import clock
from predictu.api.views import ApiView, DataView, Nothing


class LoginView(DataView):
    """E-mail, password and, where a device is confirmed, a one-time password or recovery code, for a token."""

    permissions = {"POST": None}

    @extend_schema(request=LoginIn)
    def post(self, request: Request) -> Response:
        given = self.body(LoginIn)
        session = sessions.log_in(
            email=given["email"],
            password=given["password"],
            otp=given.get("otp"),
            address=request._request.client_address,  # type: ignore[attr-defined]
            now=clock.now(),
        )
        return self.answer(
            {
                "token": session.token,
                "token_type": "Bearer",
                "expires_at": clock.seconds(session.expires_at),
                "admin": shown(session.admin),
            }
        )


class LogoutView(ApiView):
    """Makes the token it is called with worthless."""

    permissions = {"POST": None}

    def post(self, request: Request) -> Response:
        self.body(Nothing)
        sessions.log_out(sessions.identify(bearer(request._request)), now=clock.now())
        return Response(status=204)


def shown(admin: AdminUser) -> dict[str, Any]:
    """An admin as they see themselves. ``role`` is the widest they hold."""
    held = roles.held_by(admin)
    return {
        "id": admin.id,
        "email": admin.email,
        "name": admin.name,
        "role": held[0] if held else None,
        "permissions": roles.permissions_of(held),
    }
