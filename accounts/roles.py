"""The one table of who may do what. Roles are groups; every write, admin action and column of personal data has a name.

Every role may see everything but personal data; ``view_*`` permissions of Django admin are therefore everyone's.
"""

from typing import Any

ADMIN, RISK, FINANCE, READ_ONLY = "Admin", "Risk", "Finance", "Read-only"
ROLES = (ADMIN, RISK, FINANCE, READ_ONLY)

PERMISSIONS: dict[str, frozenset[str]] = {
    "accounts.manage_admins": frozenset({ADMIN}),
    "accounts.export_pii": frozenset({ADMIN, RISK}),
    "accounts.manage_users": frozenset({ADMIN, RISK}),
    "accounts.adjust_balance": frozenset({ADMIN, FINANCE}),
    "operators.manage": frozenset({ADMIN}),
    "operators.manage_keys": frozenset({ADMIN}),
    "risk.manage": frozenset({ADMIN, RISK}),
    "trading.manage_markets": frozenset({ADMIN, RISK}),
    "trading.settle_market": frozenset({ADMIN, RISK}),
    "trading.cancel_trade": frozenset({ADMIN, RISK}),
    "billing.manage": frozenset({ADMIN, FINANCE}),
    "reports.create": frozenset({ADMIN, RISK, FINANCE}),
    "predictu.change_configuration": frozenset({ADMIN}),
    "predictu.replay_deliveries": frozenset({ADMIN}),
    "predictu.decide_approvals": frozenset({ADMIN, RISK, FINANCE}),
    "predictu.upload": frozenset({ADMIN, FINANCE}),
    "predictu.read_audit": frozenset(ROLES),
}


def held_by(admin: Any) -> tuple[str, ...]:
    """The roles of an admin, widest first. Read once per instance; ``admin.role_names`` may have been fetched along."""
    names = admin.__dict__.get("role_names")
    if names is None:
        names = admin.role_names = list(admin.groups.values_list("name", flat=True))
    return tuple(role for role in ROLES if role in names or (admin.is_superuser and role == ADMIN))


def allows(roles: tuple[str, ...], permission: str) -> bool:
    """Whether any of ``roles`` carries ``permission``, a name of the table or one of Django admin's.

    Django admin's forms save nothing: everyone may view, and nobody may add, change or delete there.
    """
    if permission.partition(".")[2].startswith("view_"):
        return bool(roles)
    holders = PERMISSIONS.get(permission, frozenset())
    return not holders.isdisjoint(roles)


def permissions_of(roles: tuple[str, ...]) -> list[str]:
    """The names of the table that ``roles`` carry, sorted."""
    return sorted(name for name, holders in PERMISSIONS.items() if not holders.isdisjoint(roles))
