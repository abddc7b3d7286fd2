"""Who each API lets in and how often, through HTTP, with limits in a real Redis."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from accounts import roles
from accounts.api.gates import s2s_endpoint
from accounts.services import admins
from operators.models import KeyUse
from operators.services import keys, requests
from predictu import ids
from predictu.api.throttling import Limit
from tests.factories import as_admin, make_admin, make_operator, make_pair, now, signed

pytestmark = pytest.mark.django_db
NOWHERE = "/api/internal/nothing-here"


def headers_of(answer):
    return tuple(int(answer[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))


@pytest.fixture
def casino(monkeypatch):
    monkeypatch.setattr(requests, "_noted", {})
    return make_pair(make_operator())


class TestAuthenticationBeforeRouting:
    @pytest.mark.parametrize(
        "path", ["/api/internal", "/api/internal/", NOWHERE, "/api/internal/operators/", "/api/s2s/x"]
    )
    @pytest.mark.parametrize("method", ["get", "post", "patch", "delete", "head", "options"])
    def test_any_path_under_a_protected_prefix_is_401_without_a_token(self, path, method):
        answer = getattr(Client(), method)(path)
        assert answer.status_code == 401
        assert headers_of(answer)[0] in (60, 10)

    def test_the_s2s_envelope(self):
        message = "Admin authentication required"
        assert Client().get("/api/s2s/operators").json() == {
            "success": False,
            "error": {"code": "UNAUTHORIZED", "message": message, "details": None},
        }

    def test_public_keys_need_no_token(self):
        answer = Client().get(f"/api/s2s/operators/{ids.new('op')}/public-key")
        assert (answer.status_code, headers_of(answer)[:2]) == (404, (120, 119))
        assert Client().post(f"/api/s2s/operators/{ids.new('op')}/public-key").status_code == 401

    def test_login_needs_no_token_and_neither_do_unknown_paths_beside_it(self):
        answer = Client().get("/api/auth/nothing-here")
        assert (answer.status_code, headers_of(answer)[:2]) == (404, (60, 59))


class TestAdminLimit:
    def test_sixty_a_minute_over_all_paths_exactly(self):
        client = Client(headers=as_admin(make_admin()))
        begun = int(time.time())
        for number in range(60):
            answer = client.get(f"{NOWHERE}/{number}")
            limit, remaining, reset = headers_of(answer)
            assert (answer.status_code, limit, remaining) == (404, 60, 59 - number)
            assert begun + 60 <= reset <= time.time() + 61
        refused = client.get(NOWHERE)
        assert refused.status_code == 429
        assert refused.json() == {"error": {"code": "RATE_LIMITED", "message": "Too many requests", "details": None}}
        assert headers_of(refused)[:2] == (60, 0)
        assert 1 <= int(refused["Retry-After"]) <= 60
        assert Client(headers=as_admin(make_admin())).get(NOWHERE).status_code == 404, "another admin has another limit"

    def test_the_window_slides(self, settings):
        settings.PREDICTU_ADMIN_RATE_LIMIT = 2
        client = Client(headers=as_admin(make_admin()))
        assert [client.get(NOWHERE).status_code for _ in range(3)] == [404, 404, 429]

    def test_whoever_has_no_live_token_is_counted_by_address(self, settings):
        settings.PREDICTU_ADMIN_RATE_LIMIT = 2
        stranger, other = Client(REMOTE_ADDR="198.51.100.1"), Client(REMOTE_ADDR="198.51.100.2")
        assert [stranger.get(NOWHERE).status_code for _ in range(3)] == [401, 401, 429]
        assert other.get(NOWHERE).status_code == 401
        known = Client(REMOTE_ADDR="198.51.100.1", headers=as_admin(make_admin()))
        assert known.get(NOWHERE).status_code == 404

    def test_a_deactivated_admin_is_counted_too(self, settings):
        settings.PREDICTU_ADMIN_RATE_LIMIT = 2
        admin = make_admin()
        client = Client(headers=as_admin(admin))
        admins.set_active(admin=admin, active=False, actor=make_admin(), now=now())
        answers = [client.get(NOWHERE) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [403, 403, 429]
        assert [headers_of(answer)[1] for answer in answers] == [1, 0, 0]


class TestS2SLimits:
    OPERATOR = "op_01h455vb4pex5vsknk084sn02q"

    @pytest.mark.parametrize(
        "method, path, name, calls, seconds",
        [
            ("GET", "operators", "list", 60, 60),
            ("HEAD", "operators", "list", 60, 60),
            ("POST", "operators", "create", 10, 60),
            ("GET", f"operators/{OPERATOR}", "detail", 60, 60),
            ("PATCH", f"operators/{OPERATOR}", "update", 30, 60),
            ("POST", f"operators/{OPERATOR}/keys", "keys", 5, 3600),
            ("GET", f"operators/{OPERATOR}/public-key", "public_key", 120, 60),
            ("POST", f"operators/{OPERATOR}/test", "test", 10, 60),
            ("DELETE", f"operators/{OPERATOR}", "other", 60, 60),
            ("GET", "operators/", "other", 60, 60),
            ("GET", f"operators/{OPERATOR}/keys/", "other", 60, 60),
            ("GET", "nothing", "other", 60, 60),
        ],
    )
    def test_the_table(self, method, path, name, calls, seconds):
        endpoint = s2s_endpoint(method, f"/api/s2s/{path}")
        assert (endpoint.name, endpoint.limit) == (name, Limit(calls, seconds))
        assert endpoint.operator_id == (self.OPERATOR if self.OPERATOR in path and name != "other" else "")

    def test_malformed_ids_share_one_limit(self):
        assert s2s_endpoint("GET", "/api/s2s/operators/a") == s2s_endpoint("GET", "/api/s2s/operators/b")

    def test_keys_five_an_hour_for_each_operator(self):
        client = Client(headers=as_admin(make_admin()))
        one, two = (f"/api/s2s/operators/{ids.new('op')}/keys" for _ in range(2))
        assert [client.post(one).status_code for _ in range(6)] == [404] * 5 + [429]
        assert headers_of(client.post(two))[:2] == (5, 4)
        refused = client.post(one)
        assert refused.json()["success"] is False
        assert 3590 <= int(refused["Retry-After"]) <= 3600

    def test_the_factor(self, settings):
        settings.PREDICTU_S2S_RATE_LIMIT_FACTOR = 2.5
        client = Client(headers=as_admin(make_admin()))
        assert headers_of(client.post(f"/api/s2s/operators/{self.OPERATOR}/keys"))[:2] == (12, 11)
        settings.PREDICTU_S2S_RATE_LIMIT_FACTOR = 0.0001
        assert headers_of(client.get("/api/s2s/operators"))[:2] == (1, 0)

    def test_read_only_admins_are_let_in(self):
        assert Client(headers=as_admin(make_admin(roles.READ_ONLY))).get("/api/s2s/nothing").status_code == 404


class TestCasino:
    PATH = "/api/casino/nothing-here?b=2&a=%20x"

    def call(self, pair, path=PATH, method="GET", body=b"", *, sent=None, drop=(), **changes):
        headers = signed(
            pair, method, path, body, **{k: v for k, v in changes.items() if k in ("timestamp", "idempotency_key")}
        )
        headers |= changes.get("headers", {})
        headers = {name: value for name, value in headers.items() if name not in drop}
        sent = body if sent is None else sent
        return Client().generic(method, path, sent, content_type="application/json", headers=headers)

    def test_a_signed_request_is_let_in(self, casino):
        answer = self.call(casino)
        assert (answer.status_code, headers_of(answer)[:2]) == (404, (600, 599))

    def test_body_and_idempotency_key_are_signed(self, casino):
        body = b'{"amount_usd": 5}'
        assert self.call(casino, method="POST", body=body, idempotency_key="k1").status_code == 404
        assert self.call(casino, method="POST", body=body, sent=body + b" ").status_code == 401
        changed = {"headers": {"Idempotency-Key": "k2"}}
        assert self.call(casino, method="POST", body=body, idempotency_key="k1", **changed).status_code == 401
        assert self.call(casino, method="POST", body=body, **changed).status_code == 401

    def test_the_raw_request_line_is_signed(self, casino):
        sent = "/api/casino/%6eothing?b=2&a=%20x&c=%C3%A9"
        headers = signed(casino, "GET", sent)
        client = Client()
        assert client.get("/api/casino/nothing?b=2", headers=headers, RAW_URI=sent).status_code == 404
        absolute = f"https://predictu.example{sent}"
        assert client.get("/api/casino/nothing?b=2", headers=headers, RAW_URI=absolute).status_code == 404
        assert client.get("/api/casino/nothing?b=2", headers=headers).status_code == 401

    @pytest.mark.parametrize("header", ["X-Operator-Key", "X-Operator-Timestamp", "X-Operator-Signature"])
    def test_a_missing_header_is_401(self, casino, header):
        answer = self.call(casino, drop=(header,))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
        assert headers_of(answer)[0] == 600

    @pytest.mark.parametrize(
        "changed",
        [
            {"X-Operator-Key": "pk_live_unknown"},
            {"X-Operator-Key": "pk_live_\x00"},
            {"X-Operator-Key": "pk_live_é"},
            {"X-Operator-Signature": "sha256=" + "0" * 64},
            {"X-Operator-Signature": "é"},
            {"X-Operator-Timestamp": "1"},
            {"X-Operator-Timestamp": "soon"},
            {"Idempotency-Key": "é\udcff"},
        ],
    )
    def test_a_wrong_header_is_401(self, casino, changed):
        if any("\udcff" in value for value in changed.values()):
            changed = {"Idempotency-Key": "\xff"}
        answer = self.call(casino, headers=changed)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")

    def test_unknown_keys_and_wrong_signatures_answer_alike(self, casino):
        unknown = self.call(casino, headers={"X-Operator-Key": "pk_live_unknown"})
        forged = self.call(casino, headers={"X-Operator-Signature": "sha256=" + "0" * 64})
        assert unknown.json() == forged.json()

    @pytest.mark.parametrize("skew, status", [(-301, 401), (-300, 404), (0, 404), (300, 404), (301, 401)])
    def test_the_clock_may_be_300_seconds_off(self, casino, skew, status):
        with time_machine.travel("2026-03-19T12:00:00Z", tick=False):
            assert self.call(casino, timestamp=int(time.time()) + skew).status_code == status

    def test_a_non_ascii_idempotency_key_is_signed_as_sent(self, casino):
        headers = signed(casino, "GET", "/api/casino/x", idempotency_key="clé")
        headers["Idempotency-Key"] = "clé".encode().decode("latin-1")  # as WSGI hands bytes over
        assert Client().get("/api/casino/x", headers=headers).status_code == 404

    def test_grace_expiry_and_revocation_are_exact(self, casino):
        operator, moment = casino.key.operator, now().replace(microsecond=0)
        newer = make_pair(operator, grace=timedelta(hours=1), now=moment)
        with time_machine.travel(moment + timedelta(seconds=3599), tick=False) as traveller:
            assert [self.call(pair).status_code for pair in (casino, newer)] == [404, 404]
            traveller.shift(timedelta(seconds=1))
            assert [self.call(pair).status_code for pair in (casino, newer)] == [401, 404]
            newer.key.revoked_at = now()
            newer.key.save(update_fields=["revoked_at"])
            assert self.call(newer).status_code == 401

    def test_a_suspended_operator_is_known_but_let_in(self, casino):
        casino.key.operator.suspended_at = now()
        casino.key.operator.save(update_fields=["suspended_at"])
        assert self.call(casino).status_code == 404

    def test_one_limit_for_all_keys_of_an_operator(self, casino, settings):
        settings.PREDICTU_CASINO_RATE_LIMIT = 2
        newer, other = make_pair(casino.key.operator), make_pair(make_operator())
        assert [self.call(pair).status_code for pair in (casino, newer, casino, newer)] == [404, 404, 429, 429]
        assert self.call(other).status_code == 404

    def test_strangers_are_counted_by_address_and_never_use_up_an_operators_calls(self, casino, settings):
        settings.PREDICTU_CASINO_RATE_LIMIT = 2
        forged = {"headers": {"X-Operator-Signature": "sha256=" + "0" * 64}}
        assert [self.call(casino, **forged).status_code for _ in range(3)] == [401, 401, 429]
        assert self.call(casino).status_code == 404

    def test_the_use_of_a_key_is_noted_once_a_minute_and_at_a_change(self, casino):
        newer = make_pair(casino.key.operator)

        def used():
            return {use.key_id: use.last_used_at for use in KeyUse.objects.all()}

        with time_machine.travel("2026-03-19T12:00:00Z", tick=False) as traveller:
            old_key, new_key, noon = casino.key.id, newer.key.id, now()
            casino.key.__class__.objects.update(expires_at=None)
            self.call(casino)
            assert used() == {old_key: noon}
            traveller.shift(timedelta(seconds=59))
            self.call(casino)
            assert used() == {old_key: noon}
            self.call(newer)
            assert used() == {old_key: noon, new_key: noon + timedelta(seconds=59)}
            self.call(casino)
            assert used()[old_key] == noon + timedelta(seconds=59)
            traveller.shift(timedelta(seconds=60))
            self.call(casino)
            assert used()[old_key] == noon + timedelta(seconds=119)

    def test_a_refused_request_notes_nothing(self, casino):
        self.call(casino, headers={"X-Operator-Signature": "sha256=" + "0" * 64})
        assert not KeyUse.objects.exists()

    def test_a_browser_gets_no_cors_headers(self, casino, settings):
        settings.PREDICTU_CORS_ORIGINS = ["https://god.example"]
        answer = self.call(casino, headers={"Origin": "https://god.example"})
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
        preflight = Client().options("/api/casino/x", headers={"Origin": "https://god.example"})
        assert preflight.status_code == 401

    def test_a_secret_that_cannot_be_decrypted_is_a_fault_not_a_pass(self, casino):
        other = make_pair(make_operator())
        casino.key.secret_encrypted = other.key.secret_encrypted
        casino.key.save(update_fields=["secret_encrypted"])
        assert self.call(casino).status_code == 500

    def test_the_secret_is_nowhere_in_a_request(self, casino):
        request = requests.SignedRequest("pk", "1", "sha256=f00d", "GET", "/p?secret", "", b"body")
        assert "f00d" not in repr(request) and "secret" not in repr(request) and "body" not in repr(request)
        assert keys.secret_of(casino.key) not in repr(casino)
