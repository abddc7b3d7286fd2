"""God Mode's operators over HTTP."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from operators.models import CallbackEvent, Operator, OperatorKey
from operators.services import keys
from predictu import ids
from predictu.platform.models import ActivityEvent, AdminNotice, AuditEntry
from tests.factories import make_admin, make_market, make_operator, make_pair, make_player, place

pytestmark = pytest.mark.django_db
PATH = "/api/internal/operators"
BODY = {
    "name": "Lucky Spins Casino",
    "slug": "lucky-spins",
    "contact_email": "integrations@luckyspins.com",
    "contact_name": "Alex Morgan",
    "website_url": "https://www.luckyspins.com/play",
    "callback_url": "https://api.luckyspins.com/predictu/callback",
    "s2s_enabled": True,
    "branding": {"primary_color": "#ff6b00", "logo_url": None, "display_name": "Lucky Spins Predictions"},
    "embed_origins": ["https://LuckySpins.com:443", "https://luckyspins.com"],
    "config": {"max_bet_usd": 500, "min_bet_usd": 1, "default_currency": "USD", "risk_tier": "standard"},
}


class TestCreate:
    def test_the_documented_body(self, api):
        status, made = api.post(PATH, BODY)
        assert status == 201
        shown = made["data"]
        operator = Operator.objects.get()
        key = OperatorKey.objects.get()
        assert shown | {"api_secret": "", "created_at": ""} == {
            "id": operator.id,
            "slug": "lucky-spins",
            "name": "Lucky Spins Casino",
            "status": "pending",
            "api_key": key.public_key,
            "api_secret": "",
            "created_at": "",
        }
        assert shown["api_secret"] == keys.secret_of(key)
        assert operator.domain == "luckyspins.com"
        assert operator.embed_origins == ["https://luckyspins.com"]
        assert operator.predictu_share_pct == 30
        assert operator.billing_email == operator.contact_email
        assert operator.branding == {
            "primary_color": "#ff6b00",
            "secondary_color": "#0d5a25",
            "bg_primary": "#0a120a",
            "bg_secondary": "#0f1a0f",
            "logo_url": None,
            "favicon_url": None,
            "display_name": "Lucky Spins Predictions",
        }

    def test_its_body_is_evidence_where_it_can_be(self, api):
        api.post(PATH, BODY)
        names = set(Operator.objects.get().onboarding_facts.values_list("name", flat=True))
        assert names == {
            "create_record",
            "configure_revenue",
            "generate_keys",
            "set_callback",
            "configure_branding",
            "whitelist_origins",
        }

    def test_the_secret_is_nowhere_else(self, api, caplog):
        secret = api.post(PATH, BODY)[1]["data"]["api_secret"]
        rows = [str(AuditEntry.objects.values_list()), str(ActivityEvent.objects.values_list())]
        shown = [str(api.get(f"{PATH}/lucky-spins")), str(api.get(f"{PATH}/lucky-spins/keys")), caplog.text]
        assert all(secret not in text for text in [*rows, *shown])

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"slug": "other", "domain": "other.example"}, "name"),
            ({"name": "Another", "slug": "other"}, "domain"),
            ({"name": "Another", "domain": "other.example"}, "slug"),
            ({}, "name"),
            ({"name": "LUCKY spins casino", "slug": "other", "domain": "other.example"}, "name"),
        ],
    )
    def test_taken(self, api, change, field):
        api.post(PATH, BODY)
        status, refused = api.post(PATH, BODY | change)
        assert (status, refused["error"]["code"]) == (409, "CONFLICT")
        assert list(refused["error"]["details"]) == [field]
        assert (Operator.objects.count(), OperatorKey.objects.count()) == (1, 1)

    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ({"name": "ab"}, {"name"}),
            ({"name": 123456}, {"name"}),
            ({"slug": "Not A Slug"}, {"slug"}),
            ({"contact_email": "nobody"}, {"contact_email"}),
            ({"website_url": "ftp://x.example"}, {"website_url"}),
            ({"website_url": "https://127.0.0.1"}, {"website_url"}),
            ({"callback_url": "http://api.luckyspins.com"}, {"callback_url"}),
            ({"callback_url": "https://10.0.0.1/cb"}, {"callback_url"}),
            ({"s2s_enabled": "yes"}, {"s2s_enabled"}),
            ({"branding": {"primary_color": "green"}}, {"branding.primary_color"}),
            ({"branding": {"logo_url": "http://x.example/a.png"}}, {"branding.logo_url"}),
            ({"branding": {"shadow": "#000000"}}, {"branding.shadow"}),
            ({"embed_origins": ["https://*.luckyspins.com"]}, {"embed_origins"}),
            ({"embed_origins": ["https://luckyspins.com/play"]}, {"embed_origins"}),
            ({"embed_origins": "https://luckyspins.com"}, {"embed_origins"}),
            ({"config": {"default_currency": "EUR"}}, {"config.default_currency"}),
            ({"config": {"risk_tier": "gold"}}, {"config.risk_tier"}),
            ({"config": {"allowed_categories": []}}, {"config.allowed_categories"}),
            ({"config": {"allowed_categories": ["chess"]}}, {"config.allowed_categories.0"}),
            ({"config": {"max_bet_usd": 0}}, {"config.max_bet_usd"}),
            ({"config": {"max_bet_usd": 1, "min_bet_usd": 2}}, {"config.min_bet_usd"}),
            ({"surprise": 1}, {"surprise"}),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_made(self, api, change, fields):
        status, refused = api.post(PATH, BODY | change)
        assert (status, refused["error"]["code"]) == (422, "VALIDATION_ERROR")
        assert set(refused["error"]["details"]) == fields
        assert not Operator.objects.exists() and not AuditEntry.objects.exists()

    def test_what_is_required(self, api):
        status, refused = api.post(PATH, {})
        assert status == 422
        assert set(refused["error"]["details"]) == {"name", "slug", "contact_email", "website_url"}


class TestList:
    def test_rows_status_search_and_order(self, api):
        live = make_operator(name="Bravo", slug="second")
        testing = make_operator(name="Alpha", slug="first", stage="testing", onboarded_at=None)
        gone = make_operator(name="Charlie", slug="third", suspended_at=live.created_at)
        for query, wanted in {
            "": [gone, testing, live],
            "?order=asc": [live, testing, gone],
            "?sort=name&order=asc": [testing, live, gone],
            "?status=live": [live],
            "?status=testing": [testing],
            "?status=suspended": [gone],
            "?status=pending": [],
            "?search=IRS": [testing],
            "?search=char": [gone],
            "?search=%25": [],
            "?page=2&limit=2": [live],
            "?page=9&limit=2": [],
        }.items():
            status, shown = api.get(PATH + query)
            assert status == 200
            assert [row["id"] for row in shown["data"]] == [row.id for row in wanted], query
        assert api.get(f"{PATH}?page=2&limit=2")[1]["total"] == 3
        assert api.get(f"{PATH}?status=live")[1]["total"] == 1

    @pytest.mark.parametrize("query", ["status=gone", "sort=slug", "order=up", "page=0", "limit=201"])
    def test_bad_parameters(self, api, query):
        status, refused = api.get(f"{PATH}?{query}")
        assert (status, refused["error"]["code"]) == (400, "BAD_REQUEST")
        assert list(refused["error"]["details"]) == [query.partition("=")[0]]

    def test_figures_leave_test_users_out_and_sort(self, api):
        market = make_market()
        busy, quiet = make_operator(), make_operator()
        trying = make_operator(stage="testing", onboarded_at=None)
        for operator, trades in ((busy, 2), (quiet, 1), (trying, 1)):
            player = make_player(operator, balance="500")
            make_player(operator)
            for _ in range(trades):
                place(player, market, 10)
        shown = {row["id"]: row for row in api.get(PATH)[1]["data"]}
        assert [shown[each.id]["user_count"] for each in (busy, quiet, trying)] == [2, 2, 0]
        assert [shown[each.id]["trade_count"] for each in (busy, quiet, trying)] == [2, 1, 0]
        earned = [shown[each.id]["revenue_total_usd"] for each in (busy, quiet, trying)]
        assert earned[0] == 2 * earned[1] > 0 == earned[2]
        assert [shown[each.id]["revenue_30d_usd"] for each in (busy, quiet, trying)] == earned
        by_revenue = [row["id"] for row in api.get(f"{PATH}?sort=revenue")[1]["data"]]
        assert by_revenue == [busy.id, quiet.id, trying.id]
        by_users = [row["id"] for row in api.get(f"{PATH}?sort=users&order=asc&limit=1")[1]["data"]]
        assert by_users == [trying.id]

    def test_a_page_costs_the_same_whatever_its_length(self, api):
        make_operator()
        api.get(PATH)
        with CaptureQueriesContext(connection) as few:
            api.get(PATH)
        for _ in range(10):
            make_operator()
        with CaptureQueriesContext(connection) as many:
            api.get(PATH)
        assert len(many) == len(few)


class TestDetail:
    def test_blocks(self, api):
        operator = make_operator()
        player = make_player(operator, balance="500")
        trade = place(player, make_market(), 10)
        status, shown = api.get(f"{PATH}/{operator.slug}")
        assert status == 200
        data = shown["data"]
        assert data["metrics"] == {
            "user_count": 1,
            "active_users_24h": 1,
            "trade_count": 1,
            "trade_volume_usd": trade["cost_usd"],
            "revenue_total_usd": round(trade["spread_usd"] + trade["fee_usd"], 2),
            "revenue_30d_usd": round(trade["spread_usd"] + trade["fee_usd"], 2),
            "avg_trade_usd": trade["cost_usd"],
            "exposure_usd": 10.0,
        }
        assert data["onboarding"]["stage"] == "complete"
        assert (data["s2s_healthy"], data["s2s_last_ping"], data["suspension"]) == (False, None, None)
        assert data["config"]["spread_override"] is None

    @pytest.mark.parametrize("slug", ["nobody", "op_none", "%00"])
    def test_unknown(self, api, slug):
        assert api.get(f"{PATH}/{slug}")[0] == 404


class TestUpdate:
    def test_answers_and_audits_what_really_changed(self, api):
        operator = make_operator(embed_origins=["https://a.example", "https://b.example"])
        status, shown = api.patch(
            f"{PATH}/{operator.slug}",
            {
                "name": operator.name,
                "contact_email": "new@casino.example",
                "embed_origins": ["https://b.example", "https://a.example"],
                "config": {"risk_tier": "premium", "new_tier_limit": 10, "auto_promote_days": 3},
                "category_limits": {"sports": 2500.5},
                "payment_terms_days": 30,
            },
        )
        assert status == 200
        assert shown["changes"] == {
            "category_limits.sports": {"from": None, "to": 2500.5},
            "config.auto_promote_days": {"from": 7, "to": 3},
            "config.risk_tier": {"from": "standard", "to": "premium"},
            "contact_email": {"from": operator.contact_email, "to": "new@casino.example"},
            "payment_terms_days": {"from": 14, "to": 30},
        }
        assert shown["data"]["config"]["risk_tier"] == "premium"
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id, entry.object_id) == ("operator.update", api.admin.id, operator.id)
        assert entry.changes == shown["changes"] | {"contact_email": {"changed": True}}

    def test_nothing_changed_leaves_no_trace(self, api):
        operator = make_operator()
        status, shown = api.patch(f"{PATH}/{operator.slug}", {"config": {"risk_tier": "standard"}})
        assert (status, shown["changes"]) == (200, {})
        assert Operator.objects.get().updated_at == operator.updated_at
        assert not AuditEntry.objects.exists() and not AdminNotice.objects.exists()

    def test_suspension_needs_a_reason_and_is_told(self, api, mailoutbox, django_capture_on_commit_callbacks):
        operator = make_operator()
        assert api.patch(f"{PATH}/{operator.slug}", {"status": "suspended"})[0] == 422
        make_admin(is_active=False)
        with django_capture_on_commit_callbacks(execute=True):
            status, shown = api.patch(f"{PATH}/{operator.slug}", {"status": "suspended", "reason": "Chargebacks"})
        assert (status, shown["data"]["status"]) == (200, "suspended")
        assert shown["changes"] == {"status": {"from": "live", "to": "suspended"}}
        assert shown["data"]["suspension"]["reason"] == "Chargebacks"
        event = CallbackEvent.objects.get()
        assert event.event == "OPERATOR_STATUS_CHANGED"
        assert b'"payload":{"previous_status":"active","new_status":"inactive","reason":"Chargebacks"}' in event.body
        assert [mail.to for mail in mailoutbox] == [[api.admin.email]]
        assert mailoutbox[0].body.splitlines()[0] == "status: live → suspended"
        assert ActivityEvent.objects.get().severity == "warning"

    def test_resuming(self, api):
        operator = make_operator()
        path = f"{PATH}/{operator.slug}"
        api.patch(path, {"status": "suspended", "reason": "x"})
        assert api.patch(path, {"status": "testing", "reason": "x"})[0] == 422
        status, shown = api.patch(path, {"status": "live", "reason": "Cleared"})
        assert (status, shown["data"]["status"], shown["data"]["suspension"]) == (200, "live", None)
        assert CallbackEvent.objects.count() == 2

    def test_all_or_nothing(self, api):
        operator, other = make_operator(), make_operator()
        status, refused = api.patch(
            f"{PATH}/{operator.slug}",
            {"name": other.name, "contact_email": "n@x.example", "status": "suspended", "reason": "x"},
        )
        assert (status, refused["error"]["code"]) == (409, "CONFLICT")
        assert Operator.objects.get(pk=operator.id).suspended_at is None
        assert not CallbackEvent.objects.exists()

    def test_a_suspended_operators_users_can_do_nothing(self, api):
        operator, market = make_operator(), make_market()
        player = make_player(operator, balance="100")
        api.patch(f"{PATH}/{operator.slug}", {"status": "suspended", "reason": "x"})
        from predictu.errors import OperatorInactive

        for act in (lambda: place(player, market, 1), lambda: make_player(operator)):
            with pytest.raises(OperatorInactive):
                act()
        player.refresh_from_db()
        assert player.balance_usd == 100


class TestKeys:
    def test_list_and_revoke(self, api):
        operator = make_operator()
        first, second = make_pair(operator), make_pair(operator)
        status, shown = api.get(f"{PATH}/{operator.slug}/keys")
        assert status == 200
        assert [(row["key_id"], row["status"]) for row in shown["data"]] == [
            (second.key.id, "active"),
            (first.key.id, "expiring"),
        ]
        path = f"{PATH}/{operator.slug}/keys/{second.key.id}/revoke"
        assert api.post(path)[0] == 422
        for _ in range(2):
            status, shown = api.post(path, {"reason": "Leaked"})
            assert (status, shown["data"]["status"]) == (200, "revoked")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.reason, entry.metadata["key_id"]) == ("KEY_REVOKED", "Leaked", second.key.id)
        assert keys.newest_active(operator, second.key.created_at) == first.key

    def test_another_operators_key_is_not_found(self, api):
        operator, pair = make_operator(), make_pair(make_operator())
        for key_id in (pair.key.id, ids.new("key"), "nonsense"):
            assert api.post(f"{PATH}/{operator.slug}/keys/{key_id}/revoke", {"reason": "x"})[0] == 404
        pair.key.refresh_from_db()
        assert pair.key.revoked_at is None
