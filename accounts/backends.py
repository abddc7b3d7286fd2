"""Django's way to ask for roles. Logging in is not its business: that is ``services.sessions``."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts import roles
from accounts.models import AdminUser


class RoleBackend(BaseBackend):
    """Permissions by role, from the table in ``accounts.roles``."""

    def get_user(self, user_id: Any) -> AdminUser | None:
        """The admin of a browser session; None once deactivated, which ends the session."""
        return AdminUser.objects.filter(pk=user_id, is_active=True, is_system=False).first()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return _acts(user_obj) and roles.allows(roles.held_by(user_obj), perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return _acts(user_obj) and bool(roles.held_by(user_obj))

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set(roles.permissions_of(roles.held_by(user_obj))) if _acts(user_obj) else set()


def _acts(user: Any) -> bool:
    return isinstance(user, AdminUser) and user.is_active and not user.is_system
