"""Every route that writes names a permission of the one table, and no Read-only admin gets anything through it."""

import re

import pytest
from django.contrib.admin.sites import site
from django.test import Client
from django.urls import URLPattern, get_resolver, resolve

from accounts import roles
from predictu.api.views import ApiView
from tests import fingerprint
from tests.factories import as_admin, make_admin

WRITING = {"POST", "PUT", "PATCH", "DELETE"}
# Routes whose permission hangs on what they are called with: path and the reason.
DECIDES_ITSELF: dict[str, str] = {}


def routes(patterns=None, prefix=""):
    """Every (path as declared, view class) of the platform."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        declared = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield declared, getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        else:
            yield from routes(pattern.url_patterns, declared)


def protected():
    return [route for route in routes() if route[0].startswith(("api/internal/", "api/s2s/"))]


def writing():
    return sorted(
        (method, path)
        for path, view in protected()
        for method in WRITING
        if view is None or not issubclass(view, ApiView) or hasattr(view, method.lower())
    )


def filled(path):
    """A URL that reaches the route: its parameters as something each converter takes."""
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: "1" if found[1] == "int" else "x", path)


def test_every_protected_route_is_one_of_our_views():
    strangers = [path for path, view in protected() if view is None or not issubclass(view, ApiView)]
    assert strangers == [], "permissions are checked in ApiView"


def test_every_writing_method_names_a_permission_of_the_table():
    views = dict(protected())
    missing = [
        (method, path)
        for method, path in writing()
        if path not in DECIDES_ITSELF and getattr(views[path], "permissions", {}).get(method) not in roles.PERMISSIONS
    ]
    assert missing == []


def test_no_view_names_a_permission_that_is_not_in_the_table():
    named = {name for _, view in routes() for name in (getattr(view, "permissions", None) or {}).values() if name}
    assert named <= set(roles.PERMISSIONS)


def test_exceptions_are_routes():
    assert set(DECIDES_ITSELF) <= {path for path, _ in routes()}


@pytest.mark.django_db
@pytest.mark.parametrize("method, path", writing() or [("POST", "")])
def test_read_only_admins_move_nothing(method, path, settings):
    if not path:
        pytest.skip("no route writes yet")
    settings.PREDICTU_ADMIN_RATE_LIMIT = 1000
    client = Client(headers=as_admin(make_admin(roles.READ_ONLY)))
    url = filled(path)
    assert resolve(url).route == path
    before = fingerprint.everything()
    answer = client.generic(method, url, b"{}", content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert fingerprint.everything() == before


@pytest.mark.django_db
def test_a_changed_row_would_be_noticed():
    admin = make_admin()
    before = fingerprint.everything()
    type(admin).objects.filter(pk=admin.pk).update(name="Grace")
    after = fingerprint.everything()
    assert {table for table in before if before[table] != after[table]} == {"accounts_adminuser"}


@pytest.mark.django_db
def test_the_table():
    everyone = {role: make_admin(role) for role in roles.ROLES}
    for permission, holders in roles.PERMISSIONS.items():
        assert {role for role, admin in everyone.items() if admin.has_perm(permission)} == holders
    writes = {name for name in roles.PERMISSIONS if name != "predictu.read_audit"}
    assert all(roles.READ_ONLY not in roles.PERMISSIONS[name] for name in writes)
    assert all(roles.ADMIN in holders for holders in roles.PERMISSIONS.values())


@pytest.mark.django_db
def test_in_django_admins_forms_everyone_sees_and_nobody_changes():
    reader, chief = make_admin(roles.READ_ONLY), make_admin(roles.ADMIN)
    for model in site._registry:
        app, name = model._meta.app_label, model._meta.model_name
        assert reader.has_perm(f"{app}.view_{name}")
        for verb in ("add", "change", "delete"):
            permission = f"{app}.{verb}_{name}"
            assert not reader.has_perm(permission)
            assert not chief.has_perm(permission)


@pytest.mark.django_db
def test_nobody_without_a_role_or_an_active_account_may_anything():
    nobody, gone = make_admin(), make_admin()
    nobody.groups.clear()
    gone.is_active = False
    gone.save(update_fields=["is_active"])
    for admin in (nobody, gone):
        assert not admin.has_perm("accounts.view_player")
        assert not admin.has_perm("risk.manage")
        assert not admin.has_module_perms("accounts")
        assert admin.get_all_permissions() == set()


@pytest.mark.django_db
def test_two_roles_add_up():
    both = make_admin(roles.RISK, roles.FINANCE)
    assert both.has_perm("risk.manage") and both.has_perm("billing.manage")
    assert not both.has_perm("operators.manage")
