"""Login, logout, lock-out and one-time passwords, through HTTP."""

import time
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import roles, tokens
from accounts.models import AdminUser, LoginFailure, RevokedToken
from accounts.services import admins, lockout, sessions
from predictu.platform.models import AuditEntry, ConfigRevision
from tests.factories import PASSWORD, make_admin, now, token_for

pytestmark = pytest.mark.django_db
LOGIN, LOGOUT = "/api/auth/admin/login", "/api/auth/admin/logout"
GUARDED = "/api/internal/nothing-here"
UNAUTHORIZED = {"error": {"code": "UNAUTHORIZED", "message": "Admin authentication required", "details": None}}


def attempt(email, password=PASSWORD, *, address="198.51.100.7", **more):
    return Client(REMOTE_ADDR=address).post(
        LOGIN, {"email": email, "password": password, **more}, content_type="application/json"
    )


def log_in(admin):
    return attempt(admin.email).json()["data"]["token"]


def visit(token):
    """A guarded path that does not exist: 404 is being let in."""
    return Client(headers={"Authorization": f"Bearer {token}"}).get(GUARDED)


def test_login_answers_as_decided():
    admin = make_admin(roles.RISK, email="rita@predictu.com", name="Rita")
    with time_machine.travel("2026-03-19T12:00:00Z", tick=False):
        answer = attempt("Rita@Predictu.com ".strip())
    assert answer.status_code == 200
    data = answer.json()["data"]
    token = data.pop("token")
    assert data == {
        "token_type": "Bearer",
        "expires_at": "2026-03-19T20:00:00Z",
        "admin": {
            "id": admin.id,
            "email": "rita@predictu.com",
            "name": "Rita",
            "role": "Risk",
            "permissions": roles.permissions_of(("Risk",)),
        },
    }
    assert {"risk.manage", "trading.cancel_trade"} < set(data["admin"]["permissions"])
    assert "billing.manage" not in data["admin"]["permissions"]
    assert jwt.get_unverified_header(token) == {
        "alg": "HS256",
        "typ": "JWT",
        "kid": tokens.key_id(settings.PREDICTU_JWT_KEYS[0]),
    }
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.pop("jti")
    begun = 1773921600
    assert claims == {"sub": admin.id, "role": "predictu_admin", "ver": 1, "iat": begun, "exp": begun + 8 * 3600}


def test_the_life_of_a_token_is_configuration():
    first = ConfigRevision.objects.get()
    ConfigRevision.objects.create(
        values={"defaults.session_timeout_hours": 2}, reason="shorter", actor=first.actor, created_at=now()
    )
    admin = make_admin()
    with time_machine.travel("2026-03-19T12:00:00Z", tick=False) as traveller:
        token = log_in(admin)
        traveller.shift(timedelta(hours=2, seconds=-1))
        assert visit(token).status_code == 404
        traveller.shift(timedelta(seconds=1))
        assert visit(token).status_code == 401


def test_wrong_email_and_wrong_password_answer_alike():
    make_admin(email="rita@predictu.com")
    answers = [attempt("rita@predictu.com", "wrong"), attempt("nobody@predictu.com", "wrong")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["error"]["code"] == "UNAUTHORIZED"
    assert LoginFailure.objects.count() == 2


@pytest.mark.parametrize("email", ["rita@predictu.com", "nobody@predictu.com", AdminUser.SYSTEM_EMAIL])
def test_every_refused_login_costs_one_argon2_verification(email, monkeypatch):
    """Like time is shown by like work: a clock would make this test a gamble."""
    import argon2.low_level

    make_admin(email="rita@predictu.com")
    attempt("warm@predictu.com", "up")
    calls = []
    real = argon2.low_level.verify_secret
    monkeypatch.setattr(argon2._password_hasher, "verify_secret", lambda *a, **k: calls.append(1) or real(*a, **k))
    assert attempt(email, "wrong").status_code == 401
    assert len(calls) == 1


def test_the_system_admin_cannot_log_in():
    AdminUser.objects.filter(is_system=True).update(password=make_admin().password)
    assert attempt(AdminUser.SYSTEM_EMAIL).status_code == 401


def test_success_is_audited_and_failures_leave_no_personal_data(caplog):
    admin = make_admin(email="rita@predictu.com")
    with caplog.at_level("INFO"):
        attempt("rita@predictu.com", "wrong-password-1")
        attempt("rita@predictu.com")
    assert "rita" not in caplog.text and "wrong-password-1" not in caplog.text
    row = AuditEntry.objects.get()
    assert (row.actor_id, row.action, row.object_id, row.address) == (admin.id, "admin.login", admin.id, "198.51.100.7")
    assert row.metadata == {"via": "api", "two_factor": False}
    failure = LoginFailure.objects.get()
    assert len(failure.email_hash) == 64 and "rita" not in failure.email_hash
    admin.refresh_from_db()
    assert admin.last_login is not None


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, {"email", "password"}),
        ({"email": "x", "password": "y"}, {"email"}),
        ({"email": "a@b.co", "password": "y", "role": "Admin"}, {"role"}),
        ({"email": ["a@b.co"], "password": {}}, {"email", "password"}),
        ({"email": "a@b.co", "password": "y" * 1025}, {"password"}),
        ({"email": "a" * 250 + "@b.co", "password": "y"}, {"email"}),
        ({"email": "a@b.co", "password": None, "otp": 5.5}, {"password", "otp"}),
    ],
)
def test_bodies_that_fail_the_schema(body, fields):
    answer = Client().post(LOGIN, body, content_type="application/json")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert set(error["details"]) == fields
    assert LoginFailure.objects.count() == 0


class TestTokens:
    def test_logout_kills_that_token_only(self):
        admin = make_admin()
        first, second = log_in(admin), log_in(admin)
        answer = Client(headers={"Authorization": f"Bearer {first}"}).post(LOGOUT, content_type="application/json")
        assert (answer.status_code, answer.content) == (204, b"")
        assert [visit(first).status_code, visit(second).status_code] == [401, 404]
        again = Client(headers={"Authorization": f"Bearer {first}"}).post(LOGOUT, content_type="application/json")
        assert (again.status_code, again.json()) == (401, UNAUTHORIZED)
        assert list(AuditEntry.objects.values_list("action", flat=True).order_by("created_at")) == [
            "admin.login",
            "admin.login",
            "admin.logout",
        ]

    def test_forgetting_keeps_tokens_that_still_live(self):
        admin = make_admin()
        with time_machine.travel("2026-03-19T12:00:00Z", tick=False) as traveller:
            Client(headers={"Authorization": f"Bearer {log_in(admin)}"}).post(LOGOUT, content_type="application/json")
            attempt(admin.email, "wrong")
            sessions.forget_expired(now=now())
            assert (RevokedToken.objects.count(), LoginFailure.objects.count()) == (1, 1)
            traveller.shift(timedelta(minutes=15))
            sessions.forget_expired(now=now())
            assert (RevokedToken.objects.count(), LoginFailure.objects.count()) == (1, 0)
            traveller.shift(timedelta(hours=7, minutes=45))
            sessions.forget_expired(now=now())
            assert RevokedToken.objects.count() == 0

    def test_deactivated_or_without_role_is_403(self):
        admin, chief = make_admin(roles.FINANCE), make_admin()
        token = log_in(admin)
        admins.set_active(admin=admin, active=False, actor=chief, now=now())
        answer = visit(token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
        assert attempt(admin.email).status_code == 403
        assert attempt(admin.email, "wrong").status_code == 401
        admins.set_active(admin=admin, active=True, actor=chief, now=now())
        assert visit(token).status_code == 404
        admins.set_roles(admin=admin, groups=[], actor=chief, now=now())
        assert visit(token).status_code == 403

    @pytest.mark.parametrize("how", ["password", "everywhere"])
    def test_an_older_version_is_401(self, how):
        admin = make_admin()
        token = token_for(admin)
        if how == "password":
            admins.set_password(admin=admin, password="another fine phrase", actor=admin, now=now())
            assert attempt(admin.email).status_code == 401
            assert attempt(admin.email, "another fine phrase").status_code == 200
        else:
            admins.log_out_everywhere(admin=admin, actor=admin, now=now())
        assert visit(token).status_code == 401

    def test_a_deleted_admin_is_401(self):
        admin = make_admin()
        claims = tokens.read(log_in(admin), keys=settings.PREDICTU_JWT_KEYS)
        stranger = tokens.Claims("admin_01h455vb4pex5vsknk084sn02q", claims.jti, 1, claims.issued_at, claims.expires_at)
        assert visit(tokens.write(stranger, keys=settings.PREDICTU_JWT_KEYS)).status_code == 401

    def test_keys_rotate(self, settings):
        old, new = "o" * 40, "n" * 40
        admin = make_admin()
        settings.PREDICTU_JWT_KEYS = [old]
        token = log_in(admin)
        settings.PREDICTU_JWT_KEYS = [new, old]
        assert visit(token).status_code == 404
        assert visit(log_in(admin)).status_code == 404
        settings.PREDICTU_JWT_KEYS = [new]
        assert visit(token).status_code == 401

    def test_forgeries_are_401(self):
        key, admin = settings.PREDICTU_JWT_KEYS[0], make_admin()
        token = log_in(admin)
        claims = jwt.decode(token, options={"verify_signature": False})
        kid = {"kid": tokens.key_id(key)}
        without = {name: {k: v for k, v in claims.items() if k != name} for name in claims}
        forged = {
            "other key": jwt.encode(claims, "x" * 40, "HS256", headers=kid),
            "no kid": jwt.encode(claims, key, "HS256"),
            "unknown kid": jwt.encode(claims, key, "HS256", headers={"kid": "0" * 12}),
            "kid of another type": jwt.encode(claims, key, "HS256", headers={"kid": "x"}),
            "HS512": jwt.encode(claims, key + "x" * 40, "HS512", headers=kid),
            "HS384 with the right key": jwt.encode(claims, key, "HS384", headers=kid),
            "none": jwt.encode(claims, None, "none", headers=kid),
            "none in capitals": jwt.encode(claims, None, "none", headers=kid).replace(
                "eyJhbGciOiJub25l", "eyJhbGciOiJOT05F"
            ),
            "cut signature": token[:-4],
            "no signature": token.rsplit(".", 1)[0] + ".",
            "another's id": jwt.encode(
                claims | {"sub": "admin_01h455vb4pex5vsknk084sn02q"}, "x" * 40, "HS256", headers=kid
            ),
            "user id": jwt.encode(claims | {"sub": "usr_01h455vb4pex5vsknk084sn02q"}, key, "HS256", headers=kid),
            "another role": jwt.encode(claims | {"role": "god_mode"}, key, "HS256", headers=kid),
            "expired": jwt.encode(claims | {"exp": int(time.time()) - 1}, key, "HS256", headers=kid),
            "future": jwt.encode(claims | {"iat": int(time.time()) + 600}, key, "HS256", headers=kid),
            "huge version": jwt.encode(claims | {"ver": 10**30}, key, "HS256", headers=kid),
            "endless": jwt.encode(claims | {"exp": 10**30}, key, "HS256", headers=kid),
            **{f"no {name}": jwt.encode(left, key, "HS256", headers=kid) for name, left in without.items()},
            "words": "not.a.token",
            "nothing": ".",
            "bytes": "\x00\xff",
        }
        answers = {name: visit(token) for name, token in forged.items()}
        assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(forged, 401)
        assert all(answer.json() == UNAUTHORIZED for answer in answers.values())
        assert visit(token).status_code == 404

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token x"])
    def test_other_authorization_headers_are_401(self, header):
        answer = Client(headers={"Authorization": header}).get(GUARDED)
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
        assert answer["WWW-Authenticate"] == "Bearer"

    def test_the_scheme_has_no_case(self):
        token = log_in(make_admin())
        assert Client(headers={"Authorization": f"bearer {token}"}).get(GUARDED).status_code == 404


class TestLockout:
    def test_a_wrong_password_counts_where_it_came_from(self):
        assert attempt("rita@predictu.com", "wrong").status_code == 401
        failure = LoginFailure.objects.get()
        assert (failure.email_hash, failure.address) == (lockout.hash_of("rita@predictu.com"), "198.51.100.7")

    def fail(self, times, email="rita@predictu.com", address="198.51.100.7"):
        for _ in range(times):
            lockout.count(email=email, address=address, now=now())

    def test_five_for_one_email_and_address(self):
        make_admin(email="rita@predictu.com")
        with time_machine.travel("2026-03-19T12:00:00Z", tick=False) as traveller:
            self.fail(1)
            traveller.shift(timedelta(minutes=2))
            self.fail(4)
            traveller.shift(timedelta(minutes=3))
            locked = attempt("rita@predictu.com")
            assert (locked.status_code, locked.json()["error"]["code"]) == (429, "RATE_LIMITED")
            assert locked["Retry-After"] == "600"
            assert LoginFailure.objects.count() == 5, "a refused attempt does not count"
            assert attempt("rita@predictu.com", address="198.51.100.8").status_code == 200
            assert attempt("other@predictu.com", "wrong").status_code == 401
            traveller.shift(timedelta(seconds=599))
            assert attempt("rita@predictu.com").status_code == 429
            traveller.shift(timedelta(seconds=1))
            assert attempt("rita@predictu.com").status_code == 200

    def test_twenty_for_an_address(self):
        make_admin(email="rita@predictu.com")
        for number in range(20):
            self.fail(1, f"guess{number}@predictu.com")
        assert attempt("rita@predictu.com").status_code == 429
        assert attempt("rita@predictu.com", address="198.51.100.8").status_code == 200

    def test_fifty_for_an_email(self):
        make_admin(email="rita@predictu.com")
        for number in range(50):
            self.fail(1, address=f"198.51.100.{number}")
        assert attempt("rita@predictu.com", address="203.0.113.1").status_code == 429
        assert attempt("RITA@predictu.com", address="203.0.113.1").status_code == 429
        assert attempt("sam@predictu.com", "wrong", address="203.0.113.1").status_code == 401

    def test_success_is_no_failure(self):
        make_admin(email="rita@predictu.com")
        for _ in range(6):
            assert attempt("rita@predictu.com").status_code == 200
        assert LoginFailure.objects.count() == 0


class TestOneTimePasswords:
    def device(self, admin, **changes):
        return TOTPDevice.objects.create(user=admin, name="phone", **{"confirmed": True, **changes})

    def code(self, device):
        return f"{totp(bytes.fromhex(device.key)):06d}"

    def test_a_confirmed_device_demands_a_code(self):
        admin = make_admin()
        device = self.device(admin)
        answer = attempt(admin.email)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "OTP_REQUIRED")
        assert attempt(admin.email, otp=None).json()["error"]["code"] == "OTP_REQUIRED"
        assert attempt(admin.email, "wrong").json()["error"]["code"] == "UNAUTHORIZED"
        assert LoginFailure.objects.count() == 1, "a missing code is no failure"
        assert attempt(admin.email, otp=self.code(device)).status_code == 200
        assert AuditEntry.objects.get().metadata == {"via": "api", "two_factor": True}

    def test_an_unconfirmed_device_demands_nothing(self):
        admin = make_admin()
        self.device(admin, confirmed=False)
        assert attempt(admin.email).status_code == 200

    def test_a_code_opens_one_session(self):
        admin = make_admin()
        device = self.device(admin)
        with time_machine.travel("2026-03-19T12:00:00Z", tick=False):
            code = self.code(device)
            assert attempt(admin.email, otp=code).status_code == 200
            replay = attempt(admin.email, otp=code)
        assert (replay.status_code, replay.json()["error"]["code"]) == (401, "UNAUTHORIZED")
        assert LoginFailure.objects.count() == 1

    def test_a_recovery_code_works_once(self):
        admin = make_admin()
        self.device(admin)
        StaticDevice.objects.create(user=admin, name="paper").token_set.create(token="abcd2345")
        assert attempt(admin.email, otp="ABCD 2345").status_code == 200
        assert attempt(admin.email, otp="abcd2345").status_code == 401

    def test_a_wrong_code_is_a_failure_and_makes_the_device_pause(self):
        admin = make_admin()
        device = self.device(admin)
        with time_machine.travel("2026-03-19T12:00:00Z", tick=False) as traveller:
            assert attempt(admin.email, otp="000000").status_code == 401
            paused = attempt(admin.email, otp=self.code(device))
            assert (paused.status_code, paused["Retry-After"]) == (429, "1")
            assert LoginFailure.objects.count() == 1
            traveller.shift(timedelta(seconds=2))
            assert attempt(admin.email, otp=self.code(device)).status_code == 200

    @pytest.mark.parametrize("otp", ["12345", "", " ", "１２３４５６", "\u0000", "x" * 32, "-12345", "1e5"])
    def test_odd_codes_are_refused(self, otp):
        admin = make_admin()
        self.device(admin)
        assert attempt(admin.email, otp=otp).status_code in (400, 401)

    def test_devices_can_be_demanded_of_everyone(self, settings):
        settings.PREDICTU_ADMIN_OTP_REQUIRED = True
        admin = make_admin()
        assert attempt(admin.email).json()["error"]["code"] == "OTP_REQUIRED"
        device = self.device(admin)
        assert attempt(admin.email, otp=self.code(device)).status_code == 200


def test_the_windows_are_as_decided():
    counts = (lockout.PER_PAIR, lockout.PER_ADDRESS, lockout.PER_EMAIL)
    assert (counts, lockout.WINDOW) == ((5, 20, 50), timedelta(minutes=15))
