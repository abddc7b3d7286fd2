"""An operator registered and led through its onboarding from its page."""

import pytest
from django.test import Client

from accounts import roles
from operators.models import OnboardingFact, OnboardingStep, Operator
from predictu.admin_base import url_of
from predictu.platform.models import AuditEntry
from risk.models import CircuitBreaker
from tests.factories import make_admin, make_operator, make_pair, now

pytestmark = pytest.mark.django_db
NEW = "/admin/operators/new/"
RECORD = {
    "name": "Casino Blue",
    "slug": "casino-blue",
    "website_url": "https://www.casino-blue.example/play",
    "contact_email": "tech@casino-blue.example",
    "contact_name": "",
}


def enter(*groups):
    admin = make_admin(*groups)
    client = Client()
    client.force_login(admin)
    return admin, client


def establish(operator, *names):
    for name in names:
        OnboardingFact.objects.get_or_create(operator=operator, name=name, defaults={"completed_at": now()})


def test_it_is_registered_without_a_key_and_led_to_life():
    admin, client = enter()
    assert "New operator" in client.get("/admin/operators/operator/").content.decode()
    answer = client.post(NEW, RECORD)
    operator = Operator.objects.get()
    page = url_of(Operator, operator.pk)
    assert (answer.status_code, answer["Location"], operator.status) == (302, page, "pending")
    assert (operator.domain, operator.contact_email) == ("casino-blue.example", "tech@casino-blue.example")
    assert not operator.keys.exists() and CircuitBreaker.objects.filter(scope_id=operator.id).exists()

    def act(name, **values):
        shown = client.get(page).content.decode()
        assert f'data-act="{name}"' in shown
        answer = client.post(f"{page}act/{name}/", {"reason": f"To {name}", **values})
        operator.refresh_from_db()
        return answer.status_code

    assert act("advance-branding", display_name="Blue", primary_color="#0000ff") == 302
    assert (operator.stage, operator.branding["display_name"]) == ("configuring", "Blue")
    assert act("advance-s2s_config") == 400, "no key, no URL, no PING"
    refused = client.post(f"{page}act/advance-s2s_config/", {"reason": "x"}).content.decode()
    assert "unmet requirements: No active API key exists" in refused
    make_pair(operator)
    establish(operator, "generate_keys", "configure_revenue", "test_ping")
    asked = client.get(f"{page}act/advance-s2s_config/").content.decode()
    assert "No https callback URL is saved" in asked and "No active API key" not in asked
    Operator.objects.filter(pk=operator.pk).update(callback_url="https://cb.example/x")
    establish(operator, "set_callback")
    assert act("advance-s2s_config") == 302
    assert act("advance-embed_setup", embed_origins="https://Play.casino-blue.example") == 302
    assert (operator.stage, operator.embed_origins) == ("testing", ["https://play.casino-blue.example"])
    assert act("back") == 302 and operator.stage == "configuring"
    assert act("advance-embed_setup") == 302
    establish(operator, "test_trades")
    assert act("advance-test_trades") == 302
    assert act("advance-go_live") == 302
    assert operator.status == "live" and 'data-act="advance' not in client.get(page).content.decode()
    told = AuditEntry.objects.filter(object_id=operator.id).order_by("created_at", "id").values_list("action", "reason")
    assert list(told) == [
        ("operator.create", ""),
        ("onboarding.advance", "To advance-branding"),
        ("onboarding.advance", "To advance-s2s_config"),
        ("onboarding.advance", "To advance-embed_setup"),
        ("onboarding.rollback", "To back"),
        ("onboarding.advance", "To advance-embed_setup"),
        ("onboarding.advance", "To advance-test_trades"),
        ("onboarding.advance", "To advance-go_live"),
    ]
    assert set(AuditEntry.objects.filter(object_id=operator.id).values_list("actor_id", flat=True)) == {admin.id}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"slug": "Casino Blue"}, "valid value"),
        ({"website_url": "casino"}, "must be an http or https URL"),
        ({"contact_email": "nobody"}, "valid email"),
        ({"name": "X"}, "at least 3"),
        ({"slug": "taken"}, "taken"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_and_makes_nothing(changes, told):
    make_operator(slug="taken", name="Taken")
    _, client = enter()
    answer = client.post(NEW, {**RECORD, **changes})
    assert answer.status_code == 400 and told in answer.content.decode()
    assert Operator.objects.count() == 1


@pytest.mark.parametrize(
    ("step", "values", "told"),
    [
        ("branding", {"primary_color": "blue"}, "must be a colour"),
        ("s2s_config", {"callback_url": "http://10.0.0.1/"}, "callback_url"),
        ("embed_setup", {"embed_origins": "https://*.example.com"}, "wildcard"),
    ],
)
def test_a_value_that_does_not_fit_passes_no_step(step, values, told):
    operator = make_operator(stage="pending", onboarded_at=None)
    before = ["branding", "s2s_config", "embed_setup"]
    for done in before[: before.index(step)]:
        OnboardingStep.objects.create(operator=operator, step=done, actor=make_admin(), completed_at=now())
    _, client = enter()
    page = url_of(Operator, operator.pk)
    answer = client.post(f"{page}act/advance-{step}/", {"reason": "x", **values})
    assert answer.status_code == 400 and told in answer.content.decode()
    assert not OnboardingStep.objects.filter(operator=operator, step=step).exists()


def test_embedding_alone_may_be_skipped_and_others_may_not_act():
    operator = make_operator(stage="pending", onboarded_at=None)
    page = url_of(Operator, operator.pk)
    _, reader = enter(roles.READ_ONLY)
    assert reader.get(NEW).status_code == 403 and reader.post(NEW, RECORD).status_code == 403
    assert reader.post(f"{page}act/advance-branding/", {"reason": "x"}).status_code == 403
    assert "data-act" not in reader.get(page).content.decode()
    for step in ("branding", "s2s_config"):
        OnboardingStep.objects.create(operator=operator, step=step, actor=make_admin(), completed_at=now())
    _, client = enter()
    assert client.post(f"{page}act/skip-embed_setup/", {"reason": "No site yet"}).status_code == 302
    assert OnboardingStep.objects.get(step="embed_setup").skipped
    assert Operator.objects.count() == 1
