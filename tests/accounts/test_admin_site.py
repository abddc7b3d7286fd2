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
STAFF = "/admin/accounts/adminuser/"


def enter(email, password=PASSWORD, client=None, **more):
    client = client or Client()
    answer = client.post(f"{LOGIN}?next=/admin/", {"username": email, "password": password, **more})
    return client, answer


def entered(*groups, **changes):
    admin = make_admin(*groups, **changes)
    client, answer = enter(admin.email)
    assert answer.status_code == 302
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
        _, client = entered(roles.READ_ONLY)
        for _ in range(30):
            TOTPDevice.objects.create(user=make_admin(roles.RISK), name="phone", confirmed=True)
        with django_assert_max_num_queries(12):
            answer = client.get(STAFF)
        assert (answer.status_code, answer.content.decode().count("Risk") >= 30) == (200, True)
        assert "argon2" not in answer.content.decode()

    @pytest.mark.parametrize("page", ["add/", "{id}/change/"])
    def test_forms_look_like_forms(self, page):
        chief, client = entered()
        text = client.get(STAFF + page.format(id=chief.id)).content.decode()
        inputs = re.findall(r"<(?:input|select)[^>]*name=.(?:email|name|password|groups).[^>]*>", text)
        assert len(inputs) == (4 if page == "add/" else 2)
        assert all("rounded-default" in each or "unfold" in each for each in inputs), inputs

    def test_an_admin_is_made(self):
        chief, client = entered()
        groups = [group.pk for group in chief.groups.model.objects.filter(name__in=("Risk", "Finance"))]
        form = {"email": "New@Predictu.com", "name": "Nia", "password": PASSWORD, "groups": groups}
        answer = client.post(f"{STAFF}add/", form)
        assert answer.status_code == 302, answer.content.decode()
        made = AdminUser.objects.get(email="new@predictu.com")
        assert roles.held_by(made) == ("Risk", "Finance")
        assert made.check_password(PASSWORD)
        row = AuditEntry.objects.get(action="admin.create")
        assert (row.actor_id, row.object_id) == (chief.id, made.id)
        assert row.changes == {"roles": {"from": [], "to": ["Finance", "Risk"]}}

    @pytest.mark.parametrize(
        "wrong", [{"password": "short"}, {"groups": []}, {"email": "x"}, {"email": "taken@predictu.com"}]
    )
    def test_a_poor_form_makes_nobody(self, wrong):
        chief, client = entered(email="taken@predictu.com")
        form = {"email": "new@predictu.com", "name": "", "password": PASSWORD, "groups": [chief.groups.get().pk]}
        before = AdminUser.objects.count()
        assert client.post(f"{STAFF}add/", form | wrong).status_code == 200
        assert AdminUser.objects.count() == before

    def test_changes_go_through_the_services(self):
        chief, client = entered()
        admin = make_admin(roles.RISK, name="Rita")
        finance = chief.groups.model.objects.get(name="Finance")
        answer = client.post(f"{STAFF}{admin.id}/change/", {"name": "Rita B", "groups": [finance.pk]})
        assert answer.status_code == 302
        admin = AdminUser.objects.get(pk=admin.pk)
        assert (admin.name, admin.is_active, roles.held_by(admin)) == ("Rita B", False, ("Finance",))
        actions = set(AuditEntry.objects.filter(object_id=admin.id).values_list("action", flat=True))
        assert actions == {"admin.rename", "admin.roles", "admin.deactivate"}

    def test_nobody_takes_their_own_access_away(self):
        chief, client = entered()
        answer = client.post(f"{STAFF}{chief.id}/change/", {"name": "X", "groups": []}, follow=True)
        assert "Nobody takes their own access away" in answer.content.decode()
        chief = AdminUser.objects.get(pk=chief.pk)
        assert (chief.name, chief.is_active, roles.held_by(chief)) == ("Ada", True, ("Admin",))

    def test_the_systems_account_is_nobodys_to_change(self):
        _, client = entered()
        system = AdminUser.objects.get(is_system=True)
        assert client.post(f"{STAFF}{system.id}/change/", {"name": "X", "is_active": "on"}).status_code == 403

    @pytest.mark.parametrize("group", [roles.RISK, roles.FINANCE, roles.READ_ONLY])
    def test_other_roles_only_look(self, group):
        _, client = entered(group)
        admin = make_admin(name="Rita")
        url = f"{STAFF}{admin.id}/change/"
        assert client.get(url).status_code == 200
        assert client.post(url, {"name": "X", "is_active": "on"}).status_code == 403
        assert client.get(f"{STAFF}add/").status_code == 403
        client.post(STAFF, {"action": "log_out_everywhere", "_selected_action": [admin.id]})
        admin.refresh_from_db()
        assert (admin.name, admin.token_version) == ("Rita", 1)

    def test_nobody_is_deleted(self):
        _, client = entered()
        assert client.post(f"{STAFF}{make_admin().id}/delete/", {"post": "yes"}).status_code == 403

    def test_the_actions(self):
        chief, client = entered()
        admin = make_admin()
        TOTPDevice.objects.create(user=admin, name="phone", confirmed=True)
        for action, version in (("log_out_everywhere", 2), ("reset_second_factor", 3)):
            answer = client.post(STAFF, {"action": action, "_selected_action": [admin.id]})
            assert answer.status_code == 302
            admin.refresh_from_db()
            assert admin.token_version == version
        assert TOTPDevice.objects.count() == 0
        actions = list(AuditEntry.objects.filter(object_id=admin.id).values_list("action", flat=True))
        assert sorted(actions) == ["admin.logout_everywhere", "admin.two_factor_off"]

    def test_devices_and_groups_have_no_page(self):
        _, client = entered()
        for path in ("otp_totp/totpdevice/", "otp_static/staticdevice/", "auth/group/"):
            assert client.get(f"/admin/{path}").status_code == 404


def test_the_second_factors_page_is_linked():
    _, client = entered()
    assert reverse("admin:two_factor") == TWO_FACTOR
    assert TWO_FACTOR in client.get(INDEX).content.decode()
