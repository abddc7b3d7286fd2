"""How events get their numbers: after commit, without gaps, and never behind who has read on."""

import threading
import time

import pytest
from django.db import connection, transaction

from operators.models import CallbackEvent, Delivery
from operators.services import callbacks
from predictu.platform import relay
from tests.factories import make_operator, now

pytestmark = pytest.mark.committed


@pytest.fixture(autouse=True)
def _unrung(monkeypatch):
    """Only the relays of a test number."""
    monkeypatch.setattr("predictu.jobs.ring", lambda *args: None)


def queue(operator, user=""):
    return callbacks.queue(operator_id=operator.id, event="BALANCE_CHANGED", payload={}, user_id=user, now=now())


def numbers(operator):
    """Event id to number, of what is readable."""
    told = CallbackEvent.objects.filter(operator=operator, sequence__isnull=False)
    return dict(told.order_by("sequence").values_list("id", "sequence"))


def in_thread(act):
    """A running thread with a connection of its own."""

    def run():
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_late_commit_is_numbered_after_what_was_read_and_holds_nobody_up():
    operator = make_operator()
    written, read, late = threading.Event(), threading.Event(), []

    def write():
        with transaction.atomic():
            late.append(queue(operator).id)
            written.set()
            assert read.wait(30)

    writer = in_thread(write)
    assert written.wait(30)
    early = queue(operator).id  # neither this nor the relay waits for the open transaction
    relay.run(operator.id)
    assert numbers(operator) == {early: 1}
    read.set()
    writer.join()
    assert numbers(operator) == {early: 1}, "unnumbered rows are not readable"
    relay.run(operator.id)
    assert numbers(operator) == {early: 1, late[0]: 2}
    assert CallbackEvent.objects.get(id=late[0]).ordinal < CallbackEvent.objects.get(id=early).ordinal


def test_writers_whose_commits_overlap_are_read_in_order_without_a_gap_while_two_relays_number():
    operator, other = make_operator(), make_operator()
    stop, faults, known = threading.Event(), [], []

    def guarded(act):
        def run():
            try:
                act()
            except Exception as fault:  # noqa: BLE001 whatever a thread meets is shown at the end
                faults.append(fault)

        return run

    def writer(place):
        def write():
            for number in range(15):
                with transaction.atomic():
                    queue(operator, user=f"usr_{place}")
                    queue(other)
                    time.sleep(0.001 * ((place * 7 + number * 3) % 11))

        return write

    def number():
        while not stop.is_set():
            relay.run(operator.id)
            relay.run(other.id)

    def catch_up():
        newer = CallbackEvent.objects.filter(operator=operator, sequence__gt=len(known)).order_by("sequence")
        known.extend(newer.values_list("sequence", flat=True)[:20])

    numberers = [in_thread(guarded(number)) for _ in range(2)]
    writers = [in_thread(guarded(writer(place))) for place in range(6)]
    while any(thread.is_alive() for thread in writers):
        catch_up()
    stop.set()
    for thread in [*writers, *numberers]:
        thread.join()
    for stream in (operator, other):
        relay.run(stream.id)
        assert list(numbers(stream).values()) == list(range(1, 91))
    while len(known) < 90:
        catch_up()
    assert faults == []
    assert known == list(range(1, 91)), "a reader that polls sees every number once, in order"
    for place in range(6):
        mine = CallbackEvent.objects.filter(operator=operator, user_id=f"usr_{place}").order_by("ordinal")
        assert list(mine.values_list("sequence", flat=True)) == sorted(mine.values_list("sequence", flat=True))
    assert Delivery.objects.count() == 180
