"""One set of facts, two views: God Mode's steps and the S2S checklist, over HTTP."""

import pytest

from accounts.models import Player
from operators.models import CallbackEvent, OnboardingStep, Operator
from operators.services import facts
from predictu.errors import OperatorInactive, UserRestricted
from predictu.platform.models import AuditEntry
from tests.factories import make_market, make_player, now, place

pytestmark = pytest.mark.django_db
STEPS = ["branding", "s2s_config", "embed_setup", "test_trades", "go_live"]
S2S = "/api/s2s/operators"


@pytest.fixture
def begun(api):
    """An operator as S2S creates it: nothing done but the record."""
    body = {"name": "Northlight", "domain": "n.example", "contact_email": "a@n.example", "revenue_share_predictu": 30}
    return api.post(S2S, body)[1]["operator"]["id"]


@pytest.fixture
def move(api, begun):
    def call(action, step, data=None, **more):
        body = {"action": action, "step": step, **({} if data is None else {"data": data}), **more}
        return api.post(f"/api/internal/onboarding/{begun}", body)

    return call


@pytest.fixture
def connect(api, begun, casino_server):
    """Keys, callback URL and a successful PING."""

    def do():
        api.post(f"{S2S}/{begun}/keys")
        api.patch(f"{S2S}/{begun}", {"callback_url": casino_server.url()})
        assert api.post(f"{S2S}/{begun}/test")[1]["success"]

    return do


def step_of(api, operator_id):
    return api.get(f"{S2S}/{operator_id}")[1]["onboarding_step"]


def stored():
    return list(OnboardingStep.objects.values_list("step", flat=True)), Operator.objects.get().stage


def test_branding_to_live(api, begun, move, connect):
    status, shown = move("advance", "branding", {"primary_color": "#ff6b00"}, notes="colours agreed")
    assert status == 200
    operator = Operator.objects.get()
    assert shown["data"] | {"updated_at": ""} == {
        "operator_id": begun,
        "current_step": "s2s_config",
        "previous_step": "branding",
        "completed_steps": ["branding"],
        "skipped_steps": [],
        "remaining_steps": STEPS[1:],
        "status": "configuring",
        "progress_pct": 20,
        "notes": "colours agreed",
        "updated_by": api.admin.id,
        "updated_at": "",
    }
    assert operator.branding["primary_color"] == "#ff6b00"
    row = OnboardingStep.objects.get()
    assert (row.notes, row.data, row.actor) == ("colours agreed", {"primary_color": "#ff6b00"}, api.admin)
    connect()
    assert move("advance", "s2s_config", {"signing_key_confirmed": True})[1]["data"]["progress_pct"] == 40
    status, shown = move("advance", "embed_setup", {"embed_origins": ["https://n.example"]})
    assert shown["data"]["status"] == "testing"
    status, refused = move("advance", "test_trades")
    assert status == 422 and len(refused["error"]["details"]["unmet_requirements"]) == 1
    tester = make_player(Operator.objects.get(), balance="50")
    facts.establish(operator_id=begun, name="test_trades", now=now())
    assert move("advance", "test_trades")[0] == 200
    assert step_of(api, begun) == 7
    status, shown = move("advance", "go_live")
    assert (status, shown["data"]["status"], shown["data"]["current_step"]) == (200, "live", None)
    assert (shown["data"]["completed_steps"], shown["data"]["progress_pct"]) == (STEPS, 100)
    detail = api.get(f"{S2S}/{begun}")[1]
    assert (detail["status"], detail["onboarding_step"], detail["onboarding_complete"]) == ("active", 8, True)
    tester.refresh_from_db()
    assert (tester.is_test, tester.status) == (True, Player.Status.INACTIVE)
    with pytest.raises(UserRestricted):
        place(tester, make_market(), 1)
    assert [event.event for event in CallbackEvent.objects.filter(user_id="")] == ["OPERATOR_STATUS_CHANGED"]
    for action in ("advance", "rollback", "skip"):
        assert move(action, "go_live")[0] == 409


def test_unmet_requirements_are_named_and_nothing_changes(api, begun, move):
    status, refused = move("advance", "branding", {})
    assert (status, refused["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert refused["error"]["details"] == {"unmet_requirements": ["Branding has not been saved"]}
    move("advance", "branding", {"display_name": "Northlight"})
    claims = {"signing_key_confirmed": True, "test_callback_success": True, "callback_url": "https://api.n.example/cb"}
    audited = AuditEntry.objects.count()
    status, refused = move("advance", "s2s_config", claims)
    assert status == 422
    assert refused["error"]["details"]["unmet_requirements"] == [
        "No active API key exists",
        "No PING to the saved callback URL has succeeded",
    ]
    assert Operator.objects.get().callback_url == ""
    assert stored() == (["branding"], "configuring")
    assert AuditEntry.objects.count() == audited


def test_branding_saved_earlier_counts(api, begun, move):
    api.patch(f"{S2S}/{begun}", {"branding": {"primary_color": "#2ecc71"}})
    assert move("advance", "branding")[0] == 200


@pytest.mark.parametrize(
    ("step", "data", "field"),
    [
        ("branding", {"primary_color": "red"}, "data.primary_color"),
        ("branding", {"colour": "#000000"}, "data.colour"),
        ("branding", "x", "data"),
        ("s2s_config", {"callback_url": "http://a.example"}, "data.callback_url"),
        ("embed_setup", {"embed_origins": ["https://*.a.example"]}, "data.embed_origins"),
        ("go_live", {"now": True}, "data.now"),
        ("dance", {}, "step"),
    ],
)
def test_data_is_validated(move, step, data, field):
    status, refused = move("advance", step, data)
    assert (status, list(refused["error"]["details"])) == (422, [field])
    assert stored() == ([], "pending")


def test_only_the_current_step_moves(move):
    for step in STEPS[1:]:
        for action in ("advance", "rollback", "skip"):
            assert move(action, step)[0] == 409
    assert move("rollback", "branding")[0] == 409
    assert move("skip", "branding")[0] == 409
    move("advance", "branding", {"display_name": "N"})
    assert move("advance", "branding", {"display_name": "N"})[0] == 409, "a repeated call moves nothing twice"
    assert stored() == (["branding"], "configuring")


def test_skipping_and_rolling_back(api, begun, move, connect):
    move("advance", "branding", {"display_name": "N"})
    connect()
    move("advance", "s2s_config")
    status, shown = move("skip", "embed_setup", notes="runs on their app")
    assert (shown["data"]["completed_steps"], shown["data"]["skipped_steps"]) == (STEPS[:3], ["embed_setup"])
    detail = api.get(f"{S2S}/{begun}")[1]
    assert detail["onboarding_checklist"]["whitelist_origins"] == {
        "complete": False,
        "completed_at": None,
        "skipped": True,
    }
    assert detail["onboarding_step"] == 7
    player = make_player(Operator.objects.get(), balance="10")
    status, shown = move("rollback", "test_trades")
    assert (shown["data"]["current_step"], shown["data"]["previous_step"]) == ("embed_setup", "test_trades")
    assert shown["data"]["status"] == "configuring"
    assert api.get(f"{S2S}/{begun}")[1]["onboarding_step"] == 6
    with pytest.raises(OperatorInactive):
        place(player, make_market(), 1)
    assert stored() == (["branding", "s2s_config"], "configuring")
    entry = AuditEntry.objects.filter(action="onboarding.skip").get()
    assert (entry.reason, entry.metadata["step"]) == ("runs on their app", "embed_setup")


def test_going_live_names_everything_that_lapsed(api, begun, move, connect):
    move("advance", "branding", {"display_name": "N"})
    connect()
    move("advance", "s2s_config")
    move("skip", "embed_setup")
    facts.establish(operator_id=begun, name="test_trades", now=now())
    move("advance", "test_trades")
    slug = Operator.objects.get().slug
    key_id = api.get(f"/api/internal/operators/{slug}/keys")[1]["data"][0]["key_id"]
    api.post(f"/api/internal/operators/{slug}/keys/{key_id}/revoke", {"reason": "leaked"})
    api.patch(
        f"/api/internal/operators/{slug}",
        {"s2s_enabled": False, "callback_url": "https://new.n.example/cb", "status": "suspended", "reason": "x"},
    )
    status, refused = move("advance", "go_live")
    assert status == 422
    assert refused["error"]["details"]["unmet_requirements"] == [
        "No active API key exists",
        "No PING to the saved callback URL has succeeded",
        "S2S callbacks are switched off for this operator (s2s_enabled)",
        "The operator is suspended",
    ]
    assert Operator.objects.get().stage == "testing"


def test_activation_through_s2s_completes_the_steps_and_skips_the_test_trade(api, begun, move, connect):
    connect()
    api.patch(f"{S2S}/{begun}", {"branding": {"primary_color": "#2ecc71"}})
    status, shown = api.patch(f"{S2S}/{begun}", {"status": "active", "allowed_origins": ["https://n.example"]})
    assert (status, shown["operator"]["status"]) == (200, "active")
    assert shown["changes"]["status"] == {"from": "onboarding", "to": "active"}
    onboarding = api.get(f"/api/internal/operators/{Operator.objects.get().slug}")[1]["data"]["onboarding"]
    assert onboarding["stage"] == "complete"
    assert (onboarding["completed_steps"], onboarding["skipped_steps"]) == (STEPS, ["test_trades"])
    entry = AuditEntry.objects.filter(action="operator.update").order_by("-created_at", "-id").first()
    assert entry.metadata == {"skipped_steps": ["test_trades"]}
    assert Operator.objects.get().onboarded_at is not None


def test_a_share_named_in_an_update_confirms_it_even_unchanged(api, begun):
    assert step_of(api, begun) == 1
    api.patch(f"{S2S}/{begun}", {"revenue_share_predictu": 30})
    assert step_of(api, begun) == 2


def test_unknown_operators(api):
    for operator_id in ("op_none", "usr_x"):
        body = {"action": "advance", "step": "branding"}
        assert api.post(f"/api/internal/onboarding/{operator_id}", body)[0] == 404
