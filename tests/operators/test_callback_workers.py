"""Callbacks end to end: events committed here, numbered and sent by real worker processes."""

import threading

import pytest
from django.conf import settings
from django.db import transaction

from operators.models import CallbackEvent, Claim, Delivery, Operator
from operators.services import callbacks, sending
from operators.tasks import deliver, sweep_deliveries
from predictu.local import processes
from tests.factories import make_operator, make_pair, now
from tests.loopback import answer
from tests.operators.callbacks import Script, beating, bulk, make_receiver, states

pytestmark = pytest.mark.committed
SECONDS = 60


@pytest.fixture
def worker(celery_worker_process, authority):
    def start(**env):
        return celery_worker_process(
            PREDICTU_CALLBACK_ALLOW_LOOPBACK="1", PREDICTU_CALLBACK_CA_BUNDLE=authority.file, **env
        )

    return start


def queue(operator, **changes):
    values = {"event": "BALANCE_CHANGED", "payload": {}, "user_id": "usr_1", "now": now(), **changes}
    return callbacks.queue(operator_id=operator.id, **values)


def settled(count):
    return Delivery.objects.filter(state="confirmed").count() == count


def test_a_committed_event_reaches_the_operator_by_bells_alone(worker, serve):
    server = serve(Script())
    operator, _ = make_receiver(server)
    worker()
    event = queue(operator)
    assert processes.wait_until(lambda: settled(1), seconds=SECONDS)
    assert [request.headers["x-predictu-delivery"] for request in server.received] == [event.id]


def test_a_rolled_back_event_is_never_sent(worker, serve):
    server = serve(Script())
    operator, _ = make_receiver(server)
    worker()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue(operator)
        raise ZeroDivisionError
    kept = queue(operator)
    with beating():
        assert processes.wait_until(lambda: settled(1), seconds=SECONDS)
    assert [request.headers["x-predictu-delivery"] for request in server.received] == [kept.id]
    assert list(CallbackEvent.objects.values_list("id", "sequence")) == [(kept.id, 1)]


def test_a_stalled_operator_and_a_dead_one_hold_up_nobody_else(worker, serve):
    stop = threading.Event()

    def stall(request, sock):
        stop.wait(SECONDS)
        return answer()

    try:
        stalling = serve(stall)
        stalled, _ = make_receiver(stalling)
        dead = make_operator(callback_url="https://localhost:1/callbacks")
        make_pair(dead)
        healthy, _ = make_receiver(serve(Script()))
        for operator in (stalled, dead, healthy):
            bulk(operator, 300)
        worker(PREDICTU_CALLBACK_TIMEOUT_MS="30000")
        ring(stalled, dead, healthy)
        done = Delivery.objects.filter(operator=healthy, state="confirmed")
        assert processes.wait_until(lambda: done.count() == 300, seconds=SECONDS)
        assert not Delivery.objects.filter(operator=stalled, attempts__gt=0).exists()
        # What it holds is its own: the requests of its lane, and claims no further than they go.
        assert processes.wait_until(lambda: len(stalling.received) == sending.MOST_SENDERS, seconds=SECONDS)
        assert Claim.objects.filter(operator=stalled).count() == settings.PREDICTU_CALLBACK_CONCURRENCY
        assert not Claim.objects.filter(operator=healthy).exists()
    finally:
        stop.set()


def ring(*operators):
    from predictu.platform.tasks import relay

    for operator in operators:
        relay.delay(operator.id)


def test_a_worker_that_is_asked_to_end_records_what_it_has_sent(worker, serve):
    entered, stop = threading.Event(), threading.Event()

    def slow(request, sock):
        entered.set()
        stop.wait(SECONDS)
        return answer()

    operator, _ = make_receiver(serve(slow))
    process = worker()
    event = queue(operator)
    with beating():
        assert entered.wait(SECONDS)
    process.popen.terminate()
    stop.set()
    process.popen.wait(SECONDS)
    assert states(event) == ["confirmed"]


def test_the_sweep_finds_what_no_bell_was_rung_for(worker, serve):
    server = serve(Script())
    operator, _ = make_receiver(None)
    Operator.objects.update(callback_url=server.url())
    bulk(operator, 3)
    from predictu.platform import relay

    relay.run(operator.id)
    worker()
    assert server.received == []
    sweep_deliveries.delay()
    assert processes.wait_until(lambda: settled(3), seconds=SECONDS)


def test_a_job_that_comes_twice_sends_once(worker, serve):
    server = serve(Script())
    operator, _ = make_receiver(server)
    worker()
    queue(operator)
    for _ in range(5):
        deliver.delay(operator.id)
    with beating():
        assert processes.wait_until(lambda: settled(1), seconds=SECONDS)
    assert len(server.received) == 1
