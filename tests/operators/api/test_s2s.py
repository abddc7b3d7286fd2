"""The S2S Operator API over HTTP."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from operators.models import CallbackEvent, Operator, OperatorKey
from operators.services import keys, requests
from predictu import clock, ids
from predictu.platform.models import ActivityEvent, AdminNotice, AuditEntry
from tests.factories import make_admin, make_operator, make_pair, now, signed
from tests.loopback import answer

pytestmark = pytest.mark.django_db
PATH = "/api/s2s/operators"
BODY = {
    "name": "LuckySpin Casino",
    "domain": "LuckySpin.io",
    "contact_email": "admin@luckyspin.io",
    "billing_email": "billing@luckyspin.io",
    "revenue_share_predictu": 25,
    "allowed_categories": ["politics", "sports"],
    "config": {"new_tier_limit": 15, "regular_tier_limit": 200, "vip_tier_limit": 2000, "auto_promote_days": 5},
}
CHECKLIST = [
    "create_record",
    "configure_revenue",
    "generate_keys",
    "set_callback",
    "test_ping",
    "configure_branding",
    "whitelist_origins",
    "activate",
]


def make(api, **changes):
    status, made = api.post(PATH, BODY | changes)
    assert status == 201
    return made["operator"]


class TestCreate:
    def test_the_documented_body(self, api):
        status, made = api.post(PATH, BODY)
        operator = Operator.objects.get()
        assert (status, made) == (
            201,
            {
                "success": True,
                "operator": {
                    "id": operator.id,
                    "name": "LuckySpin Casino",
                    "domain": "luckyspin.io",
                    "status": "onboarding",
                    "contact_email": "admin@luckyspin.io",
                    "billing_email": "billing@luckyspin.io",
                    "revenue_share_predictu": 25.0,
                    "revenue_share_operator": 75.0,
                    "onboarding_step": 1,
                    "onboarding_complete": False,
                    "created_at": clock.milliseconds(operator.created_at),
                },
            },
        )
        assert operator.slug == "luckyspin-casino"
        assert operator.allowed_categories == ["politics", "sports"]
        assert operator.embed_origins == []
        assert (operator.new_tier_limit, operator.auto_promote_days, operator.auto_promote_trades) == (15, 5, 5)
        assert operator.branding["primary_color"] == "#1a7a3a"
        assert AuditEntry.objects.get().actor_id == api.admin.id

    def test_defaults(self, api):
        body = {name: BODY[name] for name in ("name", "domain", "contact_email", "revenue_share_predictu")}
        shown = api.post(PATH, body)[1]["operator"]
        assert shown["billing_email"] == shown["contact_email"]
        detail = api.get(f"{PATH}/{shown['id']}")[1]
        assert detail["allowed_categories"] == ["sports", "politics", "entertainment", "crypto", "science", "business"]
        assert detail["config"] == {
            "new_tier_limit": 10,
            "regular_tier_limit": 100,
            "vip_tier_limit": 1000,
            "auto_promote_enabled": True,
            "auto_promote_days": 7,
            "auto_promote_trades": 5,
            "daily_loss_limit_enabled": False,
            "daily_loss_limit_usd": None,
            "can_promote_vip": False,
        }

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"domain": "other.example"}, "NAME_EXISTS"),
            ({"domain": "other.example", "name": "luckyspin CASINO"}, "NAME_EXISTS"),
            ({"name": "Other"}, "DOMAIN_EXISTS"),
            ({}, "NAME_EXISTS"),
        ],
    )
    def test_taken(self, api, change, code):
        make(api)
        status, refused = api.post(PATH, BODY | change)
        assert (status, refused["success"], refused["error"]["code"]) == (409, False, code)
        assert Operator.objects.count() == 1

    def test_names_that_make_the_same_slug_are_different_names(self, api):
        make(api)
        made = make(api, name="LuckySpin-Casino", domain="second.example")
        assert Operator.objects.get(pk=made["id"]).slug == "luckyspin-casino-2"

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"revenue_share_predictu": 0}, "revenue_share_predictu"),
            ({"revenue_share_predictu": 99.5}, "revenue_share_predictu"),
            ({"revenue_share_predictu": "25"}, "revenue_share_predictu"),
            ({"domain": "https://x.example"}, "domain"),
            ({"domain": "localhost"}, "domain"),
            ({"domain": "10.0.0.1"}, "domain"),
            ({"config": {"new_tier_limit": 300}}, "config.regular_tier_limit"),
            ({"config": {"daily_loss_limit_enabled": True}}, "config.daily_loss_limit_usd"),
            ({"config": {"max_bet_usd": 5}}, "config.max_bet_usd"),
            ({"slug": "mine"}, "slug"),
        ],
    )
    def test_refused(self, api, change, field):
        status, refused = api.post(PATH, BODY | change)
        assert (status, refused["error"]["code"]) == (400, "VALIDATION_ERROR")
        assert list(refused["error"]["details"]) == [field]
        assert not Operator.objects.exists()


class TestList:
    def test_statuses_search_sort_and_pages(self, api):
        live = make_operator(name="Bravo", domain="zebra.example")
        testing = make_operator(name="Alpha", stage="testing", onboarded_at=None)
        gone = make_operator(name="Charlie", stage="pending", onboarded_at=None, suspended_at=now())
        for query, wanted in {
            "": [gone, testing, live],
            "?status=all&order=asc": [live, testing, gone],
            "?status=active": [live],
            "?status=onboarding": [testing],
            "?status=inactive": [gone],
            "?search=ZEBRA": [live],
            "?sort=name&order=asc&limit=1&offset=1": [live],
            "?sort=users&offset=3": [],
            "?sort=volume&limit=2": sorted([live, testing, gone], key=lambda row: row.id)[:0:-1],
        }.items():
            status, shown = api.get(PATH + query)
            assert status == 200
            assert [row["id"] for row in shown["operators"]] == [row.id for row in wanted], query
        assert api.get(f"{PATH}?limit=1&offset=1")[1] | {"operators": []} == {
            "operators": [],
            "total": 3,
            "limit": 1,
            "offset": 1,
        }
        words = {row["name"]: row["status"] for row in api.get(PATH)[1]["operators"]}
        assert words == {"Bravo": "active", "Alpha": "onboarding", "Charlie": "inactive"}

    @pytest.mark.parametrize("query", ["status=live", "sort=revenue", "order=x", "limit=101", "limit=0", "offset=-1"])
    def test_bad_parameters(self, api, query):
        status, refused = api.get(f"{PATH}?{query}")
        assert (status, refused["error"]["code"]) == (400, "VALIDATION_ERROR")


class TestUpdate:
    def test_only_what_changed_under_the_documents_names(self, api):
        operator = make_operator(branding={"primary_color": "#1a7a3a"})
        status, shown = api.patch(
            f"{PATH}/{operator.id}",
            {
                "name": "Renamed Casino",
                "revenue_share_predictu": 35,
                "allowed_categories": ["politics", "sports"],
                "allowed_origins": ["https://www.casino.example", "https://WWW.casino.example:443"],
                "branding": {"primary_color": "#1a7a3a", "icon_url": "https://cdn.casino.example/icon.png"},
                "config": {"new_tier_limit": 10, "can_promote_vip": True},
            },
        )
        assert (status, shown["success"]) == (200, True)
        everything = ["sports", "politics", "entertainment", "crypto", "science", "business"]
        assert shown["changes"] == {
            "name": {"from": operator.name, "to": "Renamed Casino"},
            "revenue_share_predictu": {"from": 30, "to": 35},
            "allowed_categories": {"from": everything, "to": ["politics", "sports"]},
            "allowed_origins": {"from": [], "to": ["https://www.casino.example"]},
            "branding.icon_url": {"from": None, "to": "https://cdn.casino.example/icon.png"},
            "config.can_promote_vip": {"from": False, "to": True},
        }
        assert shown["operator"]["revenue_share_operator"] == 65
        assert shown["operator"]["branding"]["icon_url"] == "https://cdn.casino.example/icon.png"
        assert shown["operator"]["allowed_origins"] == ["https://www.casino.example"]

    def test_share_and_config_are_told_to_all_admins_a_name_is_not(self, api, mailoutbox):
        from predictu.platform import notices

        operator, second = make_operator(), make_admin()
        api.patch(f"{PATH}/{operator.id}", {"name": "Renamed Casino"})
        assert not AdminNotice.objects.exists()
        api.patch(f"{PATH}/{operator.id}", {"revenue_share_predictu": 35, "config": {"auto_promote_days": 9}})
        line = ActivityEvent.objects.get()
        assert line.metadata["changes"]["revenue_share_predictu"] == {"from": 30, "to": 35}
        notice = AdminNotice.objects.get()
        for _ in range(2):
            notices.send(notice.pk, now=now())
        assert [mail.to for mail in mailoutbox] == [[email] for email in sorted([api.admin.email, second.email])]
        mail = mailoutbox[0]
        assert mail.subject == "Predictu: Renamed Casino: config.auto_promote_days, revenue_share_predictu changed"
        assert "revenue_share_predictu: 30 → 35" in mail.body

    def test_what_the_mail_server_refused_is_sent_by_the_sweep(self, api, mailoutbox, settings):
        from predictu.platform import notices, tasks

        api.patch(f"{PATH}/{make_operator().id}", {"revenue_share_predictu": 35})
        number, at = AdminNotice.objects.get().pk, now()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_PORT = 1
        with pytest.raises(ConnectionError):
            notices.send(number, now=at)
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert notices.waiting(now=at) == []
        with time_machine.travel(at + timedelta(minutes=2), tick=False):
            tasks.sweep_notices()
            tasks.sweep_notices()
        assert len(mailoutbox) == 1, "one admin, told once"

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"status": "live"}, "status"),
            ({"callback_url": "http://a.example/cb"}, "callback_url"),
            ({"callback_url": "https://user:pw@a.example/cb"}, "callback_url"),
            ({"callback_url": "https://[::1]/cb"}, "callback_url"),
            ({"allowed_origins": ["http://a.example"]}, "allowed_origins"),
            ({"allowed_origins": ["https://a.example/"]}, "allowed_origins"),
            ({"allowed_origins": ["null"]}, "allowed_origins"),
            ({"branding": {"primary_color": "#12345"}}, "branding.primary_color"),
            ({"branding": {"favicon_url": None}}, "branding.favicon_url"),
            ({"domain": "new.example"}, "domain"),
            ({"config": {"auto_promote_days": 1.5}}, "config.auto_promote_days"),
        ],
    )
    def test_refused(self, api, change, field):
        operator = make_operator()
        status, refused = api.patch(f"{PATH}/{operator.id}", change | {"name": "Changed"})
        assert (status, refused["error"]["code"]) == (400, "VALIDATION_ERROR")
        assert list(refused["error"]["details"]) == [field]
        assert Operator.objects.get().name == operator.name

    def test_unknown(self, api):
        for operator_id in ("op_none", ids.new("op"), ids.new("usr")):
            status, refused = api.patch(f"{PATH}/{operator_id}", {})
            assert (status, refused["error"]["code"]) == (404, "NOT_FOUND")
            assert api.get(f"{PATH}/{operator_id}")[0] == 404


class TestDetail:
    def test_recent_invoices(self, api):
        from billing.services import invoices
        from tests.billing.facts import at, february

        operator = make_operator()
        february(operator)
        invoices.run_month(month=at(2026, 2).date(), now=at(2026, 3, 1, 0, 5))
        (shown,) = api.get(f"{PATH}/{operator.id}")[1]["recent_invoices"]
        assert shown | {"invoice_id": ""} == {
            "invoice_id": "",
            "period": "2026-02",
            "gross_revenue": 18200.0,
            "predictu_share": 5460.0,
            "operator_share": 12740.0,
            "status": "sent",
        }


class TestStatus:
    def test_inactive_and_back(self, api):
        operator = make_operator()
        path = f"{PATH}/{operator.id}"
        for _ in range(2):
            assert api.patch(path, {"status": "inactive"})[1]["operator"]["status"] == "inactive"
        assert CallbackEvent.objects.count() == 1
        shown = api.patch(path, {"status": "active", "reason": "Cleared"})[1]
        assert shown["changes"] == {"status": {"from": "inactive", "to": "active"}}
        last = bytes(CallbackEvent.objects.order_by("-ordinal").first().body)
        assert b'{"previous_status":"inactive","new_status":"active","reason":"Cleared"}' in last

    def test_onboarding_is_refused_once_live(self, api):
        operator = make_operator()
        for _ in range(2):
            status, refused = api.patch(f"{PATH}/{operator.id}", {"status": "onboarding"})
            assert (status, refused["error"]["code"]) == (409, "CONFLICT")
            api.patch(f"{PATH}/{operator.id}", {"status": "inactive"})

    def test_a_suspended_beginner_goes_back_to_its_stage(self, api):
        made = make(api)
        path = f"{PATH}/{made['id']}"
        assert api.patch(path, {"status": "onboarding"})[1]["changes"] == {}
        for word in ("active", "onboarding"):
            api.patch(path, {"status": "inactive"})
            assert api.patch(path, {"status": word})[1]["operator"]["status"] == "onboarding"
        assert Operator.objects.get().stage == "pending"

    def test_activation_names_what_is_missing(self, api):
        made = make(api)
        status, refused = api.patch(f"{PATH}/{made['id']}", {"status": "active", "contact_email": "n@x.example"})
        assert (status, refused["error"]["code"]) == (400, "VALIDATION_ERROR")
        named = [text.partition(":")[0] for text in refused["error"]["details"]["status"]]
        assert named == CHECKLIST[1:-1]
        assert Operator.objects.get().contact_email == "admin@luckyspin.io"


class TestKeys:
    def test_the_first_pair_and_a_rotation(self, api):
        operator = make_operator()
        path = f"{PATH}/{operator.id}/keys"
        with time_machine.travel("2026-03-18T16:00:00Z", tick=False):
            api = type(api)(api.admin)  # with a token of that day
            status, first = api.post(path, {"label": "Production keys v2"})
            assert status == 201
            assert first["previous_keys"] is None
            assert first["key_pair"] == {
                "key_id": OperatorKey.objects.get().id,
                "public_key": OperatorKey.objects.get().public_key,
                "secret_key": keys.secret_of(OperatorKey.objects.get()),
                "label": "Production keys v2",
                "status": "active",
                "created_at": "2026-03-18T16:00:00.000Z",
            }
            second = api.post(path, {"grace_period_hours": 72})[1]
            third = api.post(path)[1]
        assert second["key_pair"]["label"] == "API Key"
        assert second["previous_keys"] == {
            "key_id": first["key_pair"]["key_id"],
            "status": "expiring",
            "expires_at": "2026-03-21T16:00:00.000Z",
        }
        assert third["previous_keys"]["key_id"] == second["key_pair"]["key_id"]
        ends = dict(OperatorKey.objects.values_list("id", "expires_at"))
        assert clock.seconds(ends[first["key_pair"]["key_id"]]) == "2026-03-19T16:00:00Z", "no later than before"
        actions = list(AuditEntry.objects.order_by("created_at", "id").values_list("action", flat=True))
        assert actions == ["KEY_GENERATED", "KEY_ROTATED", "KEY_ROTATED"]
        assert first["key_pair"]["secret_key"] not in str(list(AuditEntry.objects.values_list()))

    @pytest.mark.parametrize("hours", [0, 73, 1.5, "24", None])
    def test_grace_out_of_bounds(self, api, hours):
        operator = make_operator()
        status, refused = api.post(f"{PATH}/{operator.id}/keys", {"grace_period_hours": hours})
        assert (status, refused["error"]["code"]) == (400, "VALIDATION_ERROR")
        assert not OperatorKey.objects.exists()

    def test_both_keys_work_during_grace_to_the_second(self, api, monkeypatch):
        monkeypatch.setattr(requests, "_noted", {})
        operator = make_operator()
        old = make_pair(operator, now=now() - timedelta(days=1))
        body = api.post(f"{PATH}/{operator.id}/keys", {"grace_period_hours": 1})[1]
        old.key.refresh_from_db()
        ends = old.key.expires_at

        def whoami(at):
            with time_machine.travel(at, tick=False):
                headers = signed(old, "GET", "/api/casino/whoami", timestamp=int(at.timestamp()))
                return Client().get("/api/casino/whoami", headers=headers).status_code

        assert whoami(ends - timedelta(seconds=1)) == 200
        assert whoami(ends) == 401
        shown = {key["key_id"]: key for key in api.get(f"{PATH}/{operator.id}")[1]["api_keys"]}
        assert shown[old.key.id]["last_used_at"] == clock.milliseconds(ends - timedelta(seconds=1))
        assert shown[body["key_pair"]["key_id"]]["last_used_at"] is None
        assert "secret_key" not in str(shown)

    def test_five_an_hour(self, api, settings):
        settings.PREDICTU_S2S_RATE_LIMIT_FACTOR = 1
        operator = make_operator()
        codes = [api.post(f"{PATH}/{operator.id}/keys")[0] for _ in range(6)]
        assert codes == [201] * 5 + [429]
        assert OperatorKey.objects.count() == 5


class TestPublicKey:
    def test_needs_no_token(self, api):
        pair = make_pair(make_operator())
        answered = Client().get(f"{PATH}/{pair.key.operator_id}/public-key")
        assert (answered.status_code, answered.json()) == (
            200,
            {
                "operator_id": pair.key.operator_id,
                "public_key": pair.key.public_key,
                "key_id": pair.key.id,
                "status": "active",
                "created_at": clock.milliseconds(pair.key.created_at),
            },
        )

    def test_without_one(self, api):
        assert api.get(f"{PATH}/{make_operator().id}/public-key")[1]["error"]["code"] == "NO_ACTIVE_KEY"
        assert api.get(f"{PATH}/{ids.new('op')}/public-key")[1]["error"]["code"] == "NOT_FOUND"
        pair = make_pair(make_operator())
        keys.revoke(operator=pair.key.operator, key_id=pair.key.id, reason="x", actor=api.admin, now=now())
        assert api.get(f"{PATH}/{pair.key.operator_id}/public-key")[0] == 404

    def test_guessing_ids_is_limited_per_address(self, settings):
        settings.PREDICTU_S2S_RATE_LIMIT_FACTOR = 3 / 120
        codes = [Client().get(f"{PATH}/{ids.new('op')}/public-key").status_code for _ in range(4)]
        assert codes == [404, 404, 404, 429]


class TestPing:
    def test_a_success_at_the_saved_url_is_the_fact(self, api, casino_server):
        operator = make_operator(stage="pending", onboarded_at=None)
        pair = make_pair(operator)
        path = f"{PATH}/{operator.id}"
        api.patch(path, {"callback_url": casino_server.url("/other")})
        status, shown = api.post(f"{path}/test", {"callback_url": casino_server.url()})
        assert (status, shown["success"]) == (200, True)
        assert shown["test_result"]["http_status"] == 200
        assert shown["test_result"]["callback_url"] == casino_server.url()
        assert casino_server.received[0].headers["x-predictu-signature"] == shown["test_result"]["signature_sent"]
        assert pair.secret not in str(shown)
        assert not api.get(path)[1]["onboarding_checklist"]["test_ping"]["complete"], "another URL proves nothing"
        assert api.post(f"{path}/test")[1]["success"]
        detail = api.get(path)[1]
        assert detail["onboarding_checklist"]["test_ping"]["complete"]
        assert (detail["callback_status"], detail["callback_failure_count"]) == ("healthy", 0)
        assert detail["callback_last_success"] is not None
        api.patch(path, {"callback_url": casino_server.url("/new")})
        detail = api.get(path)[1]
        assert not detail["onboarding_checklist"]["test_ping"]["complete"]
        assert detail["onboarding_checklist"]["set_callback"]["complete"]

    def test_a_url_tested_just_before_it_is_saved_needs_no_second_test(self, api, casino_server):
        operator = make_operator(stage="pending", onboarded_at=None)
        make_pair(operator)
        path = f"{PATH}/{operator.id}"
        api.post(f"{path}/test", {"callback_url": casino_server.url()})
        api.patch(path, {"callback_url": casino_server.url()})
        assert api.get(path)[1]["onboarding_checklist"]["test_ping"]["complete"]

    def test_a_live_operator_stays_complete_with_a_critical_event(self, api, casino_server):
        operator = make_operator()
        make_pair(operator)
        path = f"{PATH}/{operator.id}"
        shown = api.patch(path, {"callback_url": casino_server.url()})[1]["operator"]
        assert (shown["onboarding_complete"], shown["onboarding_step"]) == (True, 8)
        assert [event.severity for event in ActivityEvent.objects.all()] == ["critical"]
        api.post(f"{path}/test")
        titles = list(ActivityEvent.objects.order_by("ordinal").values_list("title", flat=True))
        assert titles == ["Callback URL not tested", "Callback URL tested"]

    def test_failures_are_results(self, api, casino_server, serve):
        operator = make_operator(callback_url=serve(lambda request, sock: answer(500)).url())
        make_pair(operator)
        path = f"{PATH}/{operator.id}"
        for number in range(1, 11):
            status, shown = api.post(f"{path}/test", {"timeout_ms": 5000})
            assert (status, shown["success"], shown["test_result"]["error"]) == (200, False, "HTTP_ERROR")
            detail = api.get(path)[1]
            assert detail["callback_failure_count"] == number
            assert detail["callback_status"] == ("failing" if number == 10 else "degraded")
        assert not detail["onboarding_checklist"]["test_ping"]["complete"]

    def test_refused_before_anything_is_sent(self, api, casino_server):
        operator = make_operator()
        path = f"{PATH}/{operator.id}/test"
        status, refused = api.post(path)
        assert (status, refused["error"]["code"]) == (400, "VALIDATION_ERROR")
        status, refused = api.post(path, {"callback_url": casino_server.url()})
        assert (status, refused["error"]["code"]) == (404, "NO_ACTIVE_KEY")
        make_pair(operator)
        for timeout in (0, 30_001, "x"):
            assert api.post(path, {"callback_url": casino_server.url(), "timeout_ms": timeout})[0] == 400
        assert casino_server.received == []

    def test_http_urls_are_answered_with_their_code(self, api):
        operator = make_operator()
        make_pair(operator)
        status, shown = api.post(f"{PATH}/{operator.id}/test", {"callback_url": "http://a.example/cb"})
        assert (status, shown["test_result"]["error"]) == (200, "NOT_HTTPS")

    def test_it_is_sent_while_callbacks_are_switched_off(self, api, casino_server):
        operator = make_operator(s2s_enabled=False, callback_url=casino_server.url())
        make_pair(operator)
        assert api.post(f"{PATH}/{operator.id}/test")[1]["success"]
