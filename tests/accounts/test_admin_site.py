"""Django admin: the same login as the API's, the second factor set up, staff managed; through HTTP."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import roles
from accounts.models import AdminUser, LoginFailure
from accounts.services import admins, sessions
from predictu.platform.models import AuditEntry
from tests.factories import PASSWORD, as_admin, make_admin, now

pytestmark = pytest.mark.django_db
LOGIN, INDEX, TWO_FACTOR = "/admin/login/", "/admin/", "/admin/two-factor/"
STAFF, NEW = "/admin/accounts/adminuser/", "/admin/admins/new/"
# What each act changes of an admin.
CHANGES = {
    "rename": {"name"},
    "roles": {"roles"},
    "deactivate": {"active"},
    "logout-everywhere": {"version"},
    "reset-second-factor": {"version", "devices"},
}


def enter(email, password=PASSWORD, client=None, **more):
    client = client or Client()
    answer = client.post(f"{LOGIN}?next=/admin/", {"username": email, "password": password, **more})
    return client, answer


def entered(*groups, **changes):
    admin = make_admin(*groups, **changes)
    client, answer = enter(admin.email)
    assert answer.status_code == 302
    return admin, client


def act(admin, name):
    return f"{STAFF}{admin.id}/change/act/{name}/"


def standing_of(admin):
    row = AdminUser.objects.get(pk=admin.pk)
    return {
        "name": row.name,
        "roles": roles.held_by(row),
        "active": row.is_active,
        "version": row.token_version,
        "devices": TOTPDevice.objects.filter(user=row).count(),
    }


def inside(*groups, **changes):
    """An admin at work; how they got in is told elsewhere."""
    admin, client = make_admin(*groups, **changes), Client()
    client.force_login(admin)
    return admin, client


def code(device):
    return f"{totp(bytes.fromhex(device.key)):06d}"


class TestLogin:
    def test_the_form_asks_for_a_one_time_password(self):
        text = Client().get(LOGIN).content.decode()
        assert 'name="username"' in text and 'name="password"' in text and 'name="otp"' in text

    def test_staff_get_in_and_it_is_audited(self):
        admin, client = entered(roles.READ_ONLY)
        assert client.get(INDEX).status_code == 200
        assert AuditEntry.objects.get().metadata == {"via": "django_admin", "two_factor": False}
        assert client.session.get_expiry_age() == 8 * 3600

    def test_a_wrong_password_counts_in_the_one_lock_out(self):
        admin = make_admin()
        for _ in range(5):
            _, answer = enter(admin.email, "wrong")
            assert (answer.status_code, "Wrong e-mail or password" in answer.content.decode()) == (200, True)
        assert LoginFailure.objects.count() == 5
        _, answer = enter(admin.email)
        assert "Too many failed logins" in answer.content.decode()
        api = Client().post("/api/auth/admin/login", {"email": admin.email, "password": PASSWORD}, "application/json")
        assert api.status_code == 429

    def test_without_a_role_nobody_gets_in(self):
        admin = make_admin()
        admin.groups.clear()
        client, answer = enter(admin.email)
        assert "This account has no access" in answer.content.decode()
        assert client.get(INDEX).status_code == 302

    def test_a_device_must_be_shown(self):
        admin = make_admin()
        device = TOTPDevice.objects.create(user=admin, name="phone", confirmed=True)
        _, answer = enter(admin.email)
        assert "A one-time password is required" in answer.content.decode()
        client, answer = enter(admin.email, otp=code(device))
        assert answer.status_code == 302
        assert client.get(INDEX).wsgi_request.user.is_verified()

    def test_empty_forms_are_told(self):
        answer = Client().post(LOGIN, {})
        assert (answer.status_code, LoginFailure.objects.count()) == (200, 0)

    @pytest.mark.parametrize("how", ["deactivate", "password", "everywhere", "role"])
    def test_what_ends_tokens_ends_browser_sessions(self, how):
        admin, client = entered()
        who = {"admin": admin, "actor": make_admin(), "now": now()}
        {
            "deactivate": lambda: admins.set_active(active=False, **who),
            "password": lambda: admins.set_password(password="another fine phrase", **who),
            "everywhere": lambda: admins.log_out_everywhere(**who),
            "role": lambda: admins.set_roles(groups=[], **who),
        }[how]()
        assert client.get(INDEX).status_code == 302

    def test_a_bearer_token_opens_no_page(self):
        assert Client(headers=as_admin(make_admin())).get(INDEX).status_code == 302


def test_sessions_outlive_a_rotation_of_the_secret_while_the_old_one_is_kept(settings):
    _, client = entered()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [settings.SECRET_KEY]
    assert client.get(INDEX).status_code == 200
    _, other = entered()
    settings.SECRET_KEY_FALLBACKS = []
    assert other.get(INDEX).status_code == 200
    settings.SECRET_KEY = "newest" * 10
    assert other.get(INDEX).status_code == 302


def test_ended_browser_sessions_are_forgotten():
    with time_machine.travel("2026-03-19T12:00:00Z", tick=False) as traveller:
        entered()
        traveller.shift(timedelta(hours=8, seconds=-1))
        sessions.forget_expired(now=now())
        assert Session.objects.count() == 1
        traveller.shift(timedelta(seconds=1))
        sessions.forget_expired(now=now())
        assert Session.objects.count() == 0


class TestOwnPassword:
    def test_a_new_one_ends_every_other_session(self):
        admin, client = entered()
        other, _ = enter(admin.email)
        token = as_admin(admin)
        new = "another fine phrase"
        form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        assert client.post("/admin/password_change/", form).status_code == 302
        assert client.get(INDEX).status_code == 200
        assert other.get(INDEX).status_code == 302
        assert Client(headers=token).get("/api/internal/x").status_code == 401
        row = AuditEntry.objects.get(action="admin.password")
        assert (row.actor_id, row.changes) == (admin.id, {"password": {"changed": True}})

    def test_a_poor_one_is_refused(self):
        admin, client = entered()
        form = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
        assert client.post("/admin/password_change/", form).status_code == 200
        admin.refresh_from_db()
        assert admin.check_password(PASSWORD) and admin.token_version == 1


class TestSecondFactor:
    def test_it_is_set_up_with_its_first_code(self):
        admin, client = entered()
        page = client.get(TWO_FACTOR).content.decode()
        device = TOTPDevice.objects.get(user=admin, confirmed=False)
        assert "<svg" in page and "otpauth://totp/" in page
        assert client.get(TWO_FACTOR).status_code == 200
        assert TOTPDevice.objects.count() == 1, "the secret stays while it waits for its code"
        done = client.post(TWO_FACTOR, {"code": code(device)}).content.decode()
        shown = re.findall(r"<li>(\w+)</li>", done)
        assert sorted(shown) == sorted(StaticToken.objects.values_list("token", flat=True))
        assert len(shown) == 10
        device.refresh_from_db()
        assert device.confirmed
        assert AuditEntry.objects.filter(action="admin.two_factor_on", object_id=admin.id).count() == 1
        again = client.get(TWO_FACTOR).content.decode()
        assert shown[0] not in again and "otpauth" not in again
        _, answer = enter(admin.email, otp=shown[0])
        assert answer.status_code == 302

    def test_a_wrong_code_turns_nothing_on(self):
        admin, client = entered()
        client.get(TWO_FACTOR)
        with time_machine.travel(now(), tick=False) as traveller:
            assert "is wrong or worn out" in client.post(TWO_FACTOR, {"code": "000000"}).content.decode()
            device = TOTPDevice.objects.get()
            assert (device.confirmed, device.throttling_failure_count) == (False, 1)
            assert "Too many wrong codes" in client.post(TWO_FACTOR, {"code": code(device)}).content.decode()
            traveller.shift(timedelta(seconds=2))
            assert "recovery-codes" in client.post(TWO_FACTOR, {"code": code(device)}).content.decode()

    def test_where_it_is_required_nothing_else_opens(self, settings):
        settings.PREDICTU_ADMIN_OTP_REQUIRED = True
        admin, client = entered()
        assert client.get(INDEX).status_code == 302
        assert client.get(LOGIN)["Location"] == TWO_FACTOR
        assert client.get(STAFF).status_code == 302
        client.get(TWO_FACTOR)
        client.post(TWO_FACTOR, {"code": code(TOTPDevice.objects.get())})
        assert client.get(INDEX).status_code == 200

    def test_the_front_door_leads_here(self):
        assert Client().get("/")["Location"] == INDEX

    def test_strangers_are_sent_to_the_login(self):
        answer = Client().get(TWO_FACTOR)
        assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/admin/two-factor/")
        assert TOTPDevice.objects.count() == 0


class TestStaff:
    def test_the_list_shows_roles_and_devices(self, django_assert_max_num_queries):
        _, client = inside(roles.READ_ONLY)
        for _ in range(30):
            TOTPDevice.objects.create(user=make_admin(roles.RISK), name="phone", confirmed=True)
        with django_assert_max_num_queries(12):
            answer = client.get(STAFF)
        assert (answer.status_code, answer.content.decode().count("Risk") >= 30) == (200, True)
        assert "argon2" not in answer.content.decode()

    def test_forms_look_like_forms(self):
        chief, client = inside()
        text = client.get(NEW).content.decode() + client.get(act(chief, "rename")).content.decode()
        inputs = re.findall(r"<input[^>]*name=.(?:email|name|password|roles).[^>]*>", text)
        assert len(inputs) == 4 + len(roles.ROLES)
        assert all("rounded-default" in each or "rounded-[4px]" in each for each in inputs), inputs

    def test_an_admin_is_made_with_a_reason(self):
        chief, client = inside()
        page = client.get(NEW).content.decode()
        assert "What it does" in page and "Admins now" in page
        form = {"email": "New@Predictu.com", "name": "Nia", "password": PASSWORD, "roles": ["Risk", "Finance"]}
        assert client.post(NEW, form).status_code == 400
        assert AdminUser.objects.filter(email="new@predictu.com").count() == 0, "without a reason there is nobody"
        assert client.post(NEW, form | {"reason": "Ticket 12"}).status_code == 302
        made = AdminUser.objects.get(email="new@predictu.com")
        assert roles.held_by(made) == ("Risk", "Finance")
        assert made.check_password(PASSWORD)
        row = AuditEntry.objects.get(action="admin.create")
        assert (row.actor_id, row.object_id, row.reason, row.address) == (chief.id, made.id, "Ticket 12", "127.0.0.1")
        assert row.changes == {"roles": {"from": [], "to": ["Finance", "Risk"]}}

    @pytest.mark.parametrize(
        "wrong", [{"password": "short"}, {"roles": []}, {"email": "x"}, {"email": "taken@predictu.com"}]
    )
    def test_a_poor_form_makes_nobody_and_repeats_no_password(self, wrong):
        chief, client = inside(email="taken@predictu.com")
        form = {"email": "new@predictu.com", "name": "", "password": PASSWORD, "roles": ["Risk"], "reason": "New"}
        before = AdminUser.objects.count()
        answer = client.post(NEW, form | wrong)
        assert (answer.status_code, AdminUser.objects.count()) == (400, before)
        assert PASSWORD not in answer.content.decode()

    @pytest.mark.parametrize(
        ("name", "given", "trail"),
        [
            ("rename", {"name": "Rita B"}, "admin.rename"),
            ("roles", {"roles": ["Finance"]}, "admin.roles"),
            ("deactivate", {}, "admin.deactivate"),
            ("logout-everywhere", {}, "admin.logout_everywhere"),
            ("reset-second-factor", {}, "admin.two_factor_off"),
        ],
    )
    def test_each_change_is_asked_for_counted_explained_and_audited(self, name, given, trail):
        chief, client = inside()
        admin = make_admin(roles.RISK, name="Rita")
        theirs = Client()
        theirs.force_login(admin)
        TOTPDevice.objects.create(user=admin, name="phone", confirmed=True)
        standing = standing_of(admin)
        asked = client.get(act(admin, name)).content.decode()
        assert re.search(r"Browser sessions open now</dt>\s*<dd>1<", asked) and "What it does" in asked
        assert client.post(act(admin, name), given | {"reason": "  "}).status_code == 400
        assert standing_of(admin) == standing, "neither looking nor a blank reason moves anything"
        assert client.post(act(admin, name), given | {"reason": "Ticket 12"}).status_code == 302
        after = standing_of(admin)
        assert {key for key in after if after[key] != standing[key]} == CHANGES[name]
        row = AuditEntry.objects.get(object_id=admin.id, action=trail)
        assert (row.actor_id, row.reason, row.address) == (chief.id, "Ticket 12", "127.0.0.1")
        ended = name in ("deactivate", "logout-everywhere", "reset-second-factor")
        assert (theirs.get(INDEX).status_code == 302) is ended

    def test_whoever_was_shut_out_is_let_in_again(self):
        _, client = inside()
        admin = make_admin()
        admins.set_active(admin=admin, active=False, actor=make_admin(), now=now())
        assert client.post(act(admin, "activate"), {"reason": "Back"}).status_code == 302
        assert enter(admin.email)[1].status_code == 302

    def test_nobody_takes_their_own_access_away(self):
        chief, client = inside()
        for name, given in (("roles", {"roles": []}), ("deactivate", {})):
            answer = client.post(act(chief, name), given | {"reason": "Tired"})
            assert answer.status_code == 400 and "Nobody takes their own access away" in answer.content.decode()
        chief = AdminUser.objects.get(pk=chief.pk)
        assert (chief.is_active, roles.held_by(chief)) == (True, ("Admin",))

    def test_the_systems_account_is_nobodys_to_change(self):
        _, client = inside()
        system = AdminUser.objects.get(is_system=True)
        before = standing_of(system)
        assert "data-act" not in client.get(f"{STAFF}{system.id}/change/").content.decode()
        for name in CHANGES:
            client.post(act(system, name), {"reason": "X", "name": "X", "roles": ["Risk"]})
        assert standing_of(system) == before

    @pytest.mark.parametrize("group", [roles.RISK, roles.FINANCE, roles.READ_ONLY])
    def test_other_roles_only_look(self, group):
        _, client = inside(group)
        admin = make_admin(name="Rita")
        before = standing_of(admin)
        page = client.get(f"{STAFF}{admin.id}/change/")
        assert page.status_code == 200 and "data-act" not in page.content.decode()
        assert [client.post(act(admin, name), {"reason": "X"}).status_code for name in CHANGES] == [403] * len(CHANGES)
        assert client.get(NEW).status_code == 403
        client.post(STAFF, {"action": "log_out_everywhere", "_selected_action": [admin.id], "_act": "", "reason": "X"})
        assert standing_of(admin) == before

    def test_nobody_is_deleted(self):
        _, client = inside()
        assert client.post(f"{STAFF}{make_admin().id}/delete/", {"post": "yes"}).status_code == 403

    def test_several_are_chosen_counted_and_logged_out_with_a_reason(self):
        chief, client = inside()
        chosen = [make_admin(), make_admin()]
        for each in chosen:
            TOTPDevice.objects.create(user=each, name="phone", confirmed=True)
        form = {"_selected_action": [*(each.id for each in chosen), AdminUser.objects.get(is_system=True).id]}
        for action, version, trail in (
            ("log_out_everywhere", 2, "admin.logout_everywhere"),
            ("reset_second_factor", 3, "admin.two_factor_off"),
        ):
            asked = client.post(STAFF, form | {"action": action}).content.decode()
            assert re.search(r"<dt>With a second factor</dt>\s*<dd>2<", asked)
            assert client.post(STAFF, form | {"action": action, "_act": "", "reason": " "}).status_code == 400
            assert not AuditEntry.objects.filter(action=trail).exists()
            assert client.post(STAFF, form | {"action": action, "_act": "", "reason": "A leak"}).status_code == 302
            rows = AuditEntry.objects.filter(action=trail, actor=chief, reason="A leak", address="127.0.0.1")
            assert sorted(row.object_id for row in rows) == sorted(each.id for each in chosen)
            assert {AdminUser.objects.get(pk=each.pk).token_version for each in chosen} == {version}
        assert TOTPDevice.objects.count() == 0

    def test_devices_and_groups_have_no_page(self):
        _, client = inside()
        for path in ("otp_totp/totpdevice/", "otp_static/staticdevice/", "auth/group/"):
            assert client.get(f"/admin/{path}").status_code == 404


def test_the_second_factors_page_is_linked():
    _, client = inside()
    assert reverse("admin:two_factor") == TWO_FACTOR
    assert TWO_FACTOR in client.get(INDEX).content.decode()
