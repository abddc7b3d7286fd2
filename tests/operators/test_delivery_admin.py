"""The delivery log in Django admin: exact requests and answers, replay, and the chart."""

import pytest
from django.test import Client

from accounts import roles
from operators.models import Delivery, Endpoint
from predictu.platform.models import AuditEntry
from tests.factories import make_admin
from tests.operators.callbacks import Script, make_receiver, send, states, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("callbacks_open")]
LIST = "/admin/operators/delivery/"


def browser(role):
    client = Client()
    client.force_login(make_admin(role))
    return client


@pytest.fixture
def confirmed(serve):
    operator, _ = make_receiver(serve(Script()))
    (event,) = tell(operator)
    send(operator)
    return event


def test_request_and_answer_are_shown_exactly_to_who_may_see_personal_data(confirmed):
    page = f"{LIST}{confirmed.pk}/change/"
    shown = browser(roles.ADMIN).get(page).content.decode()
    assert "&quot;event&quot;:&quot;BALANCE_CHANGED&quot;" in shown
    assert "X-Predictu-Signature: sha256=" in shown
    assert "content-length: 2" in shown
    hidden = browser(roles.READ_ONLY).get(page)
    assert hidden.status_code == 200
    assert "X-Predictu-Signature" not in hidden.content.decode()


def replay(client, *events, **given):
    form = {"action": "replay", "_selected_action": [event.pk for event in events], "index": 0, **given}
    return client.post(LIST, form, follow=True)


def test_chosen_deliveries_are_counted_and_sent_again_only_with_a_reason(confirmed):
    client = browser(roles.ADMIN)
    asked = replay(client, confirmed).content.decode()
    assert "Send again: 1 delivery" in asked and f'name="_selected_action" value="{confirmed.pk}"' in asked
    assert replay(client, confirmed, _act="1", reason=" ").status_code == 400
    assert states(confirmed) == ["confirmed"]
    assert not AuditEntry.objects.filter(action="DELIVERIES_REPLAYED").exists()

    answer = replay(client, confirmed, _act="1", reason="They lost a day")
    assert "1 of 1 deliveries are being sent again." in answer.content.decode()
    assert states(confirmed) == ["ready"]
    row = AuditEntry.objects.get(action="DELIVERIES_REPLAYED")
    assert (row.reason, row.metadata) == ("They lost a day", {"deliveries": 1, "count": 1})


def test_others_are_not_offered_it(confirmed):
    replay(browser(roles.READ_ONLY), confirmed, _act="1", reason="Why not")
    assert states(confirmed) == ["confirmed"]
    assert not AuditEntry.objects.filter(action="DELIVERIES_REPLAYED").exists()


def test_the_log_filters_by_event(confirmed):
    client = browser(roles.ADMIN)
    assert confirmed.id in client.get(f"{LIST}?event__event=BALANCE_CHANGED").content.decode()
    assert confirmed.id not in client.get(f"{LIST}?event__event=MARKET_RESOLVED").content.decode()
    assert Delivery.objects.count() == 1


def test_an_endpoint_shows_its_week(confirmed):
    page = f"/admin/operators/endpoint/{Endpoint.objects.get().pk}/change/"
    assert "1 confirmed and 0 failed attempts since" in browser(roles.READ_ONLY).get(page).content.decode()
