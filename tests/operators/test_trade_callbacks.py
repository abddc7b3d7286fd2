"""A trade's callback, from the trade itself to the operator's server, by real workers."""

import json

import pytest
from django.db import transaction

from operators.models import CallbackEvent, Delivery, OnboardingFact
from predictu.local import processes
from tests.factories import make_market, make_player, place
from tests.operators.callbacks import Script, beating, is_genuine, make_receiver

pytestmark = pytest.mark.committed
SECONDS = 60


@pytest.fixture
def worker(celery_worker_process, authority):
    return celery_worker_process(PREDICTU_CALLBACK_ALLOW_LOOPBACK="1", PREDICTU_CALLBACK_CA_BUNDLE=authority.file)


def test_a_rolled_back_trade_sends_nothing_and_the_next_one_its_callback(worker, serve):
    server = serve(Script())
    operator, pair = make_receiver(server, stage="testing", onboarded_at=None)
    player, market = make_player(operator, balance="100", is_test=True), make_market()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        place(player, market, "3")
        raise ZeroDivisionError
    place(player, market, "5")
    told = CallbackEvent.objects.filter(event="TRADE_PLACED")
    confirmed = Delivery.objects.filter(event__event="TRADE_PLACED", state="confirmed")
    with beating():
        assert processes.wait_until(confirmed.exists, seconds=SECONDS)
    trades = [request for request in server.received if request.headers["x-predictu-event"] == "TRADE_PLACED"]
    assert [request.headers["x-predictu-delivery"] for request in trades] == [told.get().id]
    assert json.loads(trades[0].body)["payload"]["quantity"] == 5.0
    assert all(is_genuine(request, pair.secret) for request in server.received)
    fact = OnboardingFact.objects.get(operator=operator, name="test_trades")
    assert fact.evidence["delivery"] == told.get().id
