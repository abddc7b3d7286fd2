"""The configuration over HTTP: read, changed, tried out, taken back."""

import threading

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from accounts import roles
from accounts.models import system_admin
from predictu.platform import config
from predictu.platform.models import ActivityEvent, AuditEntry, ConfigRevision
from tests.factories import as_admin, make_admin

pytestmark = pytest.mark.django_db
PATH = "/api/internal/config"

DOCUMENTED = {
    "risk": {
        "global_exposure_limit_usd": 500000,
        "category_limits": {
            "sports": 200000, "crypto": 150000, "politics": 100000, "entertainment": 50000,
            "science": 50000, "business": 50000,
        },
        "per_trade_max_usd": 5000,
        "per_market_max_usd": 50000,
        "circuit_breaker_threshold_pct": 90,
        "sharp_score_threshold": 60,
        "restricted_score_threshold": 80,
    },
    "spread": {
        "base_spread_bps": 200, "min_spread_bps": 100, "max_spread_bps": 800, "risk_multiplier": 1.5,
        "volume_discount_enabled": True, "volume_discount_threshold_usd": 10000, "volume_discount_bps": 25,
    },
    "fees": {"trading_fee_bps": 50, "settlement_fee_bps": 0, "withdrawal_fee_usd": 0},
    "features": {
        "s2s_enabled": True, "embed_enabled": True, "auto_settlement": True, "sharp_detection": True,
        "revenue_forecast": True, "cohort_analytics": True,
    },
    "defaults": {
        "operator_revenue_share_pct": 70, "user_max_bet_usd": 1000, "session_timeout_hours": 8, "s2s_retry_max": 5,
        "s2s_retry_backoff_ms": 1000,
    },
    "tiers": {"sharp_max_bet_usd": 100, "restricted_max_bet_usd": 10},
}  # fmt: skip


@pytest.fixture
def admin():
    return make_admin()


@pytest.fixture
def client(admin):
    return Client(headers=as_admin(admin))


def patch(client, body):
    return client.patch(PATH, body, content_type="application/json")


def test_the_documented_defaults(client):
    answer = client.get(PATH)
    assert answer.status_code == 200
    shown = answer.json()["data"]
    assert {name: shown[name] for name in DOCUMENTED} == DOCUMENTED
    assert (shown["revision"], shown["updated_by"]) == (1, system_admin().id)
    assert len(client.get(f"{PATH}/keys").json()["data"]) == len(config.DECLARED)


def test_the_documented_change(client, admin, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = patch(
            client,
            {
                "risk": {"global_exposure_limit_usd": 600000, "sharp_score_threshold": 55},
                "spread": {"base_spread_bps": 250},
                "reason": "March Madness",
            },
        )
    names = ["risk.global_exposure_limit_usd", "risk.sharp_score_threshold", "spread.base_spread_bps"]
    data = answer.json()["data"]
    assert answer.status_code == 200
    assert data["updated_keys"] == names
    assert data["previous_values"] == dict(zip(names, [500000, 60, 200], strict=True))
    assert data["new_values"] == dict(zip(names, [600000, 55, 250], strict=True))
    entry = AuditEntry.objects.get(pk=data["audit_id"])
    assert (entry.actor_id, entry.reason, entry.object_type) == (admin.id, "March Madness", "config")
    assert entry.changes["spread.base_spread_bps"] == {"from": 200, "to": 250}
    assert data["updated_by"] == admin.id
    assert client.get(PATH).json()["data"]["risk"]["global_exposure_limit_usd"] == 600000
    assert ActivityEvent.objects.get(type="config_change").metadata["updated_keys"] == names
    assert [message.to for message in mail.outbox] == [[admin.email]]


def test_a_change_of_nothing_is_no_revision(client):
    answer = patch(client, {"spread": {"base_spread_bps": 200}, "reason": "same"})
    assert (answer.status_code, answer.json()["data"]["updated_keys"]) == (200, [])
    assert answer.json()["data"]["audit_id"] is None
    assert ConfigRevision.objects.count() == 1 and not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"risk": {"nope": 1}}, "risk.nope"),
        ({"nope": {"x": 1}}, "nope"),
        ({"risk": 5}, "risk"),
        ({"risk": {"category_limits": {"cooking": 5}}}, "risk.category_limits.cooking"),
        ({"risk": {"category_limits": 5}}, "risk.category_limits"),
        ({"spread": {"base_spread_bps": "250"}}, "spread.base_spread_bps"),
        ({"spread": {"base_spread_bps": True}}, "spread.base_spread_bps"),
        ({"spread": {"base_spread_bps": None}}, "spread.base_spread_bps"),
        ({"spread": {"base_spread_bps": 99}}, "spread.base_spread_bps"),
        ({"spread": {"max_spread_bps": 150}}, "spread.max_spread_bps"),
        ({"spread": {"min_spread_bps": 201}}, "spread.min_spread_bps"),
        ({"spread": {"risk_multiplier": 1.00001}}, "spread.risk_multiplier"),
        ({"risk": {"sharp_score_threshold": 80}}, "risk.sharp_score_threshold"),
        ({"risk": {"sharp_score_threshold": 60.5}}, "risk.sharp_score_threshold"),
        ({"risk": {"global_exposure_limit_usd": 0}}, "risk.global_exposure_limit_usd"),
        ({"risk": {"global_exposure_limit_usd": 10**10}}, "risk.global_exposure_limit_usd"),
        ({"tiers": {"restricted_max_bet_usd": 101}}, "tiers.restricted_max_bet_usd"),
        ({"features": {"embed_enabled": 1}}, "features.embed_enabled"),
        ({"updated_by": "me"}, "updated_by"),
    ],
)
def test_what_cannot_be_is_named_and_changes_nothing(client, body, field):
    answer = patch(client, {**body, "reason": "try"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]) == [field]
    assert ConfigRevision.objects.count() == 1


@pytest.mark.parametrize("reason", [{}, {"reason": ""}, {"reason": "  "}, {"reason": 5}])
def test_a_reason_is_required(client, reason):
    answer = patch(client, {"spread": {"base_spread_bps": 250}, **reason})
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, ["reason"])
    assert ConfigRevision.objects.count() == 1


def test_two_keys_that_only_fit_together_change_together(client):
    answer = patch(client, {"spread": {"min_spread_bps": 900, "base_spread_bps": 950, "max_spread_bps": 1000},
                            "reason": "wide"})  # fmt: skip
    assert answer.status_code == 200


@pytest.mark.parametrize("role", [roles.RISK, roles.FINANCE, roles.READ_ONLY])
def test_only_the_admin_role_changes_it(role):
    client = Client(headers=as_admin(make_admin(role)))
    assert patch(client, {"spread": {"base_spread_bps": 250}, "reason": "x"}).status_code == 403
    assert client.get(PATH).status_code == 200
    assert ConfigRevision.objects.count() == 1


def test_staff_can_go_back(client):
    patch(client, {"spread": {"base_spread_bps": 250}, "fees": {"trading_fee_bps": 75}, "reason": "one"})
    patch(client, {"spread": {"base_spread_bps": 300}, "reason": "two"})
    first, last = ConfigRevision.objects.order_by("number")[0], ConfigRevision.objects.order_by("-number")[0]
    body = {"revision": first.number, "reason": "as it was"}
    answer = client.post(f"{PATH}/revert", body, content_type="application/json")
    assert answer.json()["data"]["new_values"] == {"spread.base_spread_bps": 200, "fees.trading_fee_bps": 50}
    assert config.newest()[1].values == config.of(first).values
    rows = client.get(f"{PATH}/revisions").json()
    assert [row["reason"] for row in rows["data"][:3]] == ["as it was", "two", "one"]
    assert rows["pagination"]["total"] == 4 and rows["data"][1]["revision"] == last.number
    unknown = client.post(f"{PATH}/revert", {"revision": 10**9, "reason": "x"}, content_type="application/json")
    assert (unknown.status_code, list(unknown.json()["error"]["details"])) == (422, ["revision"])


@pytest.mark.committed
def test_changes_at_once_all_take_effect():
    admin = make_admin()
    keys = [f"risk.category_limits.{name}" for name in ("sports", "crypto", "politics", "science")]

    def change(number, name):
        client = Client(headers=as_admin(admin))
        body = {"risk": {"category_limits": {name.rpartition(".")[2]: 1000 + number}}, "reason": f"no. {number}"}
        statuses.append(patch(client, body).status_code)
        connection.close()

    statuses = []
    workers = [threading.Thread(target=change, args=each) for each in enumerate(keys * 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert statuses == [200] * 12
    assert ConfigRevision.objects.count() == 13
    values = config.newest()[1]
    assert sorted(values[key] - 1000 for key in keys)[0] >= 0
    # Each revision names as previous what the revision before it had.
    known = {}
    for revision in ConfigRevision.objects.order_by("number"):
        for key, value in revision.new_values.items():
            assert revision.previous_values[key] == known.get(key, config.DECLARED[key].default)
            known[key] = value
    assert {key: values[key] for key in keys} == known
