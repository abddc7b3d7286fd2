"""The configuration page: see what a change does, say why, save it, find it in the audit trail, and go back."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from accounts import roles
from predictu import errors
from predictu.platform import config
from predictu.platform.models import AuditEntry, ConfigRevision
from risk.services import breakers, limits
from tests.factories import make_admin, make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db
PAGE, CHANGE = "/admin/configuration/", "/admin/configuration/change/"


def enter(*groups):
    client = Client()
    client.admin = make_admin(*groups)
    client.force_login(client.admin)
    return client


@pytest.fixture
def client():
    return enter(roles.ADMIN)


def form(**changed):
    """What the browser sends: every key as in force, but for what was ``changed``; None leaves a switch unticked."""
    revision, current = config.newest()
    typed = {name: f"{current[name]:f}" for name, key in config.DECLARED.items() if not key.is_switch}
    typed |= {name: "on" for name, key in config.DECLARED.items() if key.is_switch and current[name]}
    typed |= {"revision": revision.number, **changed}
    return {name: value for name, value in typed.items() if value is not None}


def sent(client, **changed):
    """The address of the page that asks why."""
    answer = client.post(PAGE, form(**changed))
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, CHANGE), answer.content
    return answer["Location"]


def save(client, address, reason):
    return client.post(address, {"revision": config.newest()[0].number, "reason": reason})


def test_every_key_stands_there_with_help_bounds_value_and_default():
    text = enter(roles.READ_ONLY).get(PAGE).content.decode()
    for name, key in config.DECLARED.items():
        assert f'id="id-{name}"' in text and f'for="id-{name}"' in text and escape(key.help) in text, name
    assert "Wall 5: the platform&#x27;s exposure. 1 to 1,000,000,000." in text and "Default 500,000" in text


def test_a_change_is_shown_explained_saved_and_found_in_the_trail(client):
    player = make_player(make_operator(max_bet_usd=1000, new_tier_limit=1000), balance="500")
    market = make_market(yes_mid=Decimal("0.5"))
    for quantity in (10, 100, 120):
        place(player, market, quantity)
    address = sent(client, **{"risk.per_trade_max_usd": "50", "features.cohort_analytics": None})
    asked = client.get(address).content.decode()
    for told in (
        '<s class="desk-was">5,000</s> → <strong class="desk-is">50</strong>',
        '<s class="desk-was">on</s> → <strong class="desk-is">off</strong>',
        "Buys of the last 30 days looked at", "2 (2 per trade)", "knock-on effects are not included",
    ):  # fmt: skip
        assert told in asked, told
    assert ConfigRevision.objects.count() == 1, "looking changes nothing"
    assert save(client, address, " ").status_code == 400
    assert ConfigRevision.objects.count() == 1
    answer = save(client, address, "Large bets lose us money")
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    current = config.newest()[1]
    assert (current["risk.per_trade_max_usd"], current["features.cohort_analytics"]) == (50, False)
    with pytest.raises(errors.RiskRejected):
        place(player, market, 110)
    entry = AuditEntry.objects.get(action="config.update")
    assert (entry.actor_id, entry.reason, entry.address) == (client.admin.id, "Large bets lose us money", "127.0.0.1")
    assert entry.changes["risk.per_trade_max_usd"] == {"from": 5000, "to": 50}
    text = client.get(PAGE).content.decode()
    assert "Large bets lose us money" in text and "risk.per_trade_max_usd: 5,000 → 50" in text
    trail = client.get("/admin/platform/auditentry/", {"q": "config.update"}).content.decode()
    assert "Large bets lose us money" in trail


def test_it_says_which_breakers_it_would_have_tripped_and_what_the_spread_would_have_earned(client):
    operator = make_operator(name="Casino Blue", max_bet_usd=1000, new_tier_limit=1000, exposure_limit_usd=1000)
    breakers.seed_for_operator(operator.id, now=now())
    place(make_player(operator, balance="500"), make_market(yes_mid=Decimal("0.5")), 100)
    address = sent(client, **{"risk.circuit_breaker_threshold_pct": "10", "spread.base_spread_bps": "400"})
    asked = client.get(address).content.decode()
    assert "1 (Casino Blue)" in asked
    assert "$0.50 → $1.00 (+0.50)" in asked
    assert not AuditEntry.objects.filter(action="config.update").exists()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"spread.base_spread_bps": "many"}, "must be a number"),
        ({"spread.base_spread_bps": ""}, "must be a number"),
        ({"spread.base_spread_bps": "NaN"}, "must be a number"),
        ({"risk.global_exposure_limit_usd": "0"}, "must be from 1 to 1,000,000,000"),
        ({"risk.sharp_score_threshold": "60.5"}, "must be a whole number"),
        ({"spread.min_spread_bps": "500"}, "spread.min_spread_bps must be at most spread.base_spread_bps"),
        ({"risk.sharp_score_threshold": "80"}, "must be below risk.restricted_score_threshold"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_keeps_what_was_typed(client, changed, told):
    answer = client.post(PAGE, form(**changed, **{"fees.trading_fee_bps": "75"}))
    text = answer.content.decode()
    assert (answer.status_code, told in text) == (400, True)
    assert text.count('aria-invalid="true"') == 1 and 'value="75"' in text
    assert ConfigRevision.objects.count() == 1


def test_nothing_changed_is_said_and_numbers_may_be_grouped(client):
    assert "Nothing was changed" in client.post(PAGE, form()).content.decode()
    assert "Nothing was changed" in client.post(PAGE, form(**{"risk.per_trade_max_usd": "5,000.00"})).content.decode()
    assert sent(client, **{"risk.per_trade_max_usd": "4,000"}).endswith("?risk.per_trade_max_usd=4000")


def test_an_address_that_says_nothing_or_nonsense_leads_back_to_the_form(client):
    assert client.get(CHANGE)["Location"] == PAGE
    assert client.get(f"{CHANGE}?colour=red")["Location"] == PAGE
    answer = client.get(f"{CHANGE}?fees.trading_fee_bps=many", follow=True)
    assert 'value="many"' in answer.content.decode()
    assert client.post(f"{CHANGE}?fees.trading_fee_bps=-1", {"reason": "x", "revision": 1}).status_code == 302
    assert ConfigRevision.objects.count() == 1


def test_what_somebody_else_saved_meanwhile_stays_and_is_looked_at_again(client):
    filled = form(**{"fees.trading_fee_bps": "75"})
    other = make_admin()
    limits.change(changes={"spread.base_spread_bps": Decimal(300)}, actor=other, reason="other", now=now())
    address = client.post(PAGE, filled)["Location"]
    assert "base_spread_bps" not in address
    stale = {"revision": filled["revision"], "reason": "mine"}
    again = client.post(address, stale, follow=True).content.decode()
    assert "Somebody saved another revision meanwhile" in again
    assert ConfigRevision.objects.count() == 2
    assert save(client, address, "mine").status_code == 302
    current = config.newest()[1]
    assert (current["spread.base_spread_bps"], current["fees.trading_fee_bps"]) == (300, 75)


def test_staff_go_back_to_a_revision_with_a_reason(client):
    first = config.newest()[0].number
    save(client, sent(client, **{"fees.trading_fee_bps": "75"}), "dearer")
    path = reverse("admin:platform_configrevision_act", args=[first, "revert"])
    assert path in client.get(PAGE).content.decode()
    assert '<s class="desk-was">75</s>' in client.get(path).content.decode()
    assert client.post(path, {"reason": ""}).status_code == 400
    assert client.post(path, {"reason": "as it was"}).status_code == 302
    assert config.newest()[1]["fees.trading_fee_bps"] == 50
    entry = AuditEntry.objects.get(action="config.revert")
    assert (entry.actor_id, entry.reason) == (client.admin.id, "as it was")


@pytest.mark.parametrize("role", [roles.RISK, roles.FINANCE, roles.READ_ONLY])
def test_others_read_it_and_change_nothing(client, role):
    save(client, sent(client, **{"fees.trading_fee_bps": "75"}), "dearer")
    reader = enter(role)
    text = reader.get(PAGE).content.decode()
    assert "Show what it does" not in text and "Go back to it" not in text and "readonly" in text
    revert = reverse("admin:platform_configrevision_act", args=[ConfigRevision.objects.last().number, "revert"])
    assert reader.post(PAGE, form(**{"fees.trading_fee_bps": "60"})).status_code == 403
    for path in (f"{CHANGE}?fees.trading_fee_bps=60", revert):
        assert reader.get(path).status_code == 403
        assert reader.post(path, {"reason": "x", "revision": config.newest()[0].number}).status_code == 403
    assert config.newest()[1]["fees.trading_fee_bps"] == 75
    assert ConfigRevision.objects.count() == 2
