"""Deliveries from event to confirmation, against real loopback HTTPS servers."""

from datetime import timedelta

import pytest
from django.db import connection

from operators.models import Attempt, CallbackEvent, Claim, Delivery, Endpoint, OnboardingFact, Operator
from operators.services import callbacks, deliveries, health, keys, outbound, recording, replays, retention, sending
from operators.tasks import prune_callbacks
from predictu.platform.models import ActivityEvent, AdminNotice
from tests.factories import make_operator, make_pair, now
from tests.loopback import answer
from tests.operators.callbacks import (
    USER,
    Script,
    delivery,
    is_genuine,
    make_receiver,
    send,
    states,
    tell,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("callbacks_open")]
OTHER = USER[:-1] + "5"


def due_now(*events):
    """Let the retries of ``events`` be due, as if the time had passed."""
    Delivery.objects.filter(event__in=[event.pk for event in events]).update(due_at=now())


def test_an_event_is_sent_signed_and_confirmed(serve):
    server = serve(Script())
    operator, pair = make_receiver(server)
    (event,) = tell(operator)
    send(operator)
    (request,) = server.received
    assert request.line == "POST /callbacks HTTP/1.1"
    assert request.body == bytes(event.body)
    assert request.headers["x-predictu-delivery"] == event.id
    assert request.headers["x-predictu-event"] == "BALANCE_CHANGED"
    assert request.headers["x-predictu-sequence"] == "1"
    assert is_genuine(request, pair.secret)
    row = delivery(event)
    assert (row.state, row.due_at, row.attempts, row.last_error) == ("confirmed", None, 1, "")
    assert not Claim.objects.exists()
    assert row.confirmed_at is not None
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.confirmed, attempt.http_status, attempt.url) == (1, True, 200, server.url())
    assert bytes(attempt.response_body) == b"{}"
    assert attempt.request_headers["X-Predictu-Signature"] == request.headers["x-predictu-signature"]
    assert set(attempt.phases_ms) == {"dns", "connect", "tls", "first_byte"}


def test_a_retry_carries_the_same_id_and_bytes(serve):
    server = serve(Script([500, 204]))
    operator, _ = make_receiver(server)
    (event,) = tell(operator)
    send(operator)
    row = delivery(event)
    assert (row.state, row.tries, row.attempts, row.last_error) == ("ready", 1, 1, "S2S callback answered HTTP 500")
    assert timedelta(seconds=0.8) <= row.due_at - row.last_attempt_at <= timedelta(seconds=1.7)
    due_now(event)
    send(operator)
    assert states(event) == ["confirmed"]
    first, second = server.received
    assert (first.headers["x-predictu-delivery"], first.body) == (second.headers["x-predictu-delivery"], second.body)


def test_a_user_s_later_event_waits_for_the_earlier_and_other_users_do_not(serve):
    script = Script([500])
    server = serve(script)
    operator, _ = make_receiver(server)
    mine = tell(operator, count=2)
    script.only = mine[0].id
    (theirs,) = tell(operator, user=OTHER)
    (nobody_s,) = tell(operator, user="")
    assert states(*mine, theirs, nobody_s) == ["ready", "behind", "ready", "ready"]
    send(operator)
    assert states(*mine, theirs, nobody_s) == ["ready", "behind", "confirmed", "confirmed"]
    due_now(mine[0])
    send(operator)
    assert states(*mine) == ["confirmed", "confirmed"]
    told = [request.headers["x-predictu-delivery"] for request in server.received]
    assert [id for id in told if id in (mine[0].id, mine[1].id)] == [mine[0].id, mine[0].id, mine[1].id]


def test_after_the_quick_phase_an_event_counts_as_failed_and_holds_nobody_back(serve):
    server = serve(Script([500] * 6))
    operator, _ = make_receiver(server)
    first, second = tell(operator, count=2)
    for _ in range(6):
        assert states(first, second) == ["ready", "behind"]
        due_now(first)
        send(operator)
    assert states(first, second) == ["slow", "confirmed"]
    row = delivery(first)
    assert (row.attempts, row.tries) == (6, 1)
    assert timedelta(minutes=4) <= row.due_at - row.last_attempt_at <= timedelta(minutes=6, seconds=1)


def test_the_slow_phase_ends_dead_after_eight_more(serve):
    server = serve(Script([500] * 14))
    operator, _ = make_receiver(server)
    (event,) = tell(operator)
    for _ in range(14):
        due_now(event)
        Endpoint.objects.update(failures=0)
        send(operator)
    row = delivery(event)
    assert (row.state, row.attempts, row.due_at) == ("dead", 14, None)
    assert len(server.received) == 14
    assert ActivityEvent.objects.get(title="Callbacks given up").severity == "critical"


def test_410_ends_a_delivery_at_once(serve):
    server = serve(Script([410]))
    operator, _ = make_receiver(server)
    first, second = tell(operator, count=2)
    send(operator)
    assert states(first, second) == ["dead", "confirmed"]


def test_retry_after_holds_the_whole_endpoint(serve):
    server = serve(Script([answer(503, b"", Retry_After="120")]))
    operator, _ = make_receiver(server)
    (first,) = tell(operator)
    send(operator)
    row = delivery(first)
    assert timedelta(seconds=119) <= row.due_at - row.last_attempt_at <= timedelta(seconds=121)
    (second,) = tell(operator, user=OTHER)
    send(operator)
    assert (states(second), len(server.received)) == (["ready"], 1)
    Endpoint.objects.update(paused_until=now())
    send(operator)
    assert states(second) == ["confirmed"]


def test_without_a_url_events_are_recorded_and_sending_begins_with_the_first_after_one(serve):
    server = serve(Script())
    operator, _ = make_receiver(None)
    (before,) = tell(operator)
    Operator.objects.update(callback_url=server.url())
    (after,) = tell(operator)
    send(operator)
    assert states(before, after) == ["recorded", "confirmed"]
    assert [request.headers["x-predictu-sequence"] for request in server.received] == ["2"]


def test_a_new_url_gets_what_waits(serve):
    old, new = serve(Script([500])), serve(Script())
    operator, _ = make_receiver(old)
    (event,) = tell(operator)
    send(operator)
    Delivery.objects.update(state="slow", due_at=now() + timedelta(hours=5))
    Operator.objects.update(callback_url=new.url())
    assert deliveries.due(now()) == []
    (later,) = tell(operator, user=OTHER)
    send(operator)
    assert states(event, later) == ["confirmed", "confirmed"]
    assert (len(old.received), len(new.received)) == (1, 2)


@pytest.mark.parametrize("where", ["operator", "feature"])
def test_switched_off_events_are_recorded_and_what_waits_stays(serve, where, monkeypatch):
    server = serve(Script())
    operator, _ = make_receiver(server)
    (waiting,) = tell(operator)
    if where == "operator":
        Operator.objects.update(s2s_enabled=False)
    else:
        from predictu.platform import config

        off = config.Configuration(1, {**config.current().values, "features.s2s_enabled": False})
        monkeypatch.setattr(config, "current", lambda: off)
    (recorded,) = tell(operator, user=OTHER)
    send(operator)
    assert (states(waiting, recorded), server.received) == (["ready", "recorded"], [])


def test_nothing_is_sent_without_a_key(serve):
    server = serve(Script())
    operator = make_operator(callback_url=server.url())
    (event,) = tell(operator)
    send(operator)
    assert (states(event), server.received) == (["ready"], [])
    make_pair(operator)
    send(operator)
    assert states(event) == ["confirmed"]


def test_a_rotation_is_signed_with_the_key_in_use_and_the_newest_and_never_a_revoked_one(serve):
    server = serve(Script())
    operator, old = make_receiver(server)
    new = make_pair(operator)
    tell(operator)
    send(operator)
    first = server.received[0]
    assert is_signed(first, old.secret, "x-predictu-signature")
    assert is_signed(first, new.secret, "x-predictu-signature-next")
    old.key.revoked_at = now()
    old.key.save()
    tell(operator)
    send(operator)
    second = server.received[1]
    assert is_genuine(second, new.secret)
    assert "x-predictu-signature-next" not in second.headers


def is_signed(request, secret, header):
    from operators import signing

    return request.headers[header] == signing.body_signature(secret, request.body)


def test_ten_failures_make_an_endpoint_failing_probed_one_at_a_time_and_healed_by_itself(serve):
    script = Script(otherwise=500)
    server = serve(script)
    operator, _ = make_receiver(server)
    events = tell(operator, user="", count=30)
    send(operator)
    endpoint = Endpoint.objects.get()
    assert (endpoint.failures, len(server.received)) == (30, 30)
    assert endpoint.probe_at > now()
    assert health.health_of([operator.id])[operator.id].status == "failing"
    due_now(*events)
    assert deliveries.due(now()) == []
    send(operator)
    assert len(server.received) == 30
    Endpoint.objects.update(probe_at=now())
    assert deliveries.due(now()) == [operator.id]
    send(operator)
    assert len(server.received) == 31
    script.otherwise = 200
    Delivery.objects.filter(pk=events[0].pk).update(state="slow", due_at=now() + timedelta(hours=3))
    Endpoint.objects.update(probe_at=now())
    due_now(*events[1:])
    send(operator)
    assert set(states(*events)) == {"confirmed"}
    assert len(server.received) == 61
    assert Endpoint.objects.get().failures == 0
    titles = list(ActivityEvent.objects.order_by("ordinal").values_list("severity", "title"))
    assert titles == [("warning", "Callback URL is failing"), ("info", "Callback URL answers again")]


def test_staff_are_told_louder_the_longer_an_endpoint_fails(serve):
    operator, _ = make_receiver(serve(Script(otherwise=500)))
    events = tell(operator, user="", count=10)
    send(operator)
    for hours in (0.5, 2, 3, 25, 50):
        Endpoint.objects.update(probe_at=now(), failing_since=now() - timedelta(hours=hours))
        due_now(*events)
        send(operator)
    found = ActivityEvent.objects.filter(title="Callback URL is failing").order_by("ordinal")
    assert list(found.values_list("severity", flat=True)) == ["warning", "critical", "critical"]
    assert (
        list(AdminNotice.objects.values_list("subject", flat=True))
        == [f"{operator.name}: the callback URL is failing"] * 2
    )


def test_a_dead_worker_s_claims_come_back_when_the_lease_ends_and_no_sooner(serve, settings):
    server = serve(Script())
    operator, _ = make_receiver(server)
    (event,) = tell(operator)
    begun = now()
    _, claimed = deliveries.claim(operator.id, most=10, now=begun)
    assert [each.id for each in claimed] == [event.id]
    lease = timedelta(seconds=settings.PREDICTU_CALLBACK_LEASE_SECONDS)
    assert lease <= timedelta(seconds=60)
    assert deliveries.claim(operator.id, most=10, now=begun + lease - timedelta(seconds=1))[1] == []
    _, again = deliveries.claim(operator.id, most=10, now=begun + lease)
    assert [each.id for each in again] == [event.id]


def test_a_failure_reported_after_the_lease_changes_nothing_and_a_confirmation_counts(serve):
    operator, _ = make_receiver(serve(Script()))
    (event,) = tell(operator)
    _, (lost,) = deliveries.claim(operator.id, most=1, now=now())
    _, (held,) = deliveries.claim(operator.id, most=1, now=now() + timedelta(minutes=2))
    recording.record(operator.id, [outcome(lost, 500)], now=now())
    row = delivery(event)
    assert (row.state, row.attempts, Claim.objects.get().number) == ("ready", 0, held.claim)
    recording.record(operator.id, [outcome(lost, 200)], now=now())
    recording.record(operator.id, [outcome(held, 500)], now=now())
    assert states(event) == ["confirmed"]


def outcome(claimed, status):
    return recording.Outcome(
        claimed=claimed, at=now(), url="https://x", latency_ms=1, phases_ms={}, request_headers={}, status=status
    )


def test_a_bell_heard_while_the_lane_looks_makes_it_look_again(serve):
    """The claim under way may have looked too early to see what the bell was rung for."""
    operator, _ = make_receiver(serve(Script()))
    Endpoint.objects.create(operator=operator)
    lane, looks = sending.Lane(operator.id, outbound.transport()), []

    def hear(execute, sql, *given):
        if "operators_endpoint" in sql and "FOR NO KEY UPDATE" in sql:
            looks.append(sql)
            if len(looks) == 1:
                lane.wake()
        return execute(sql, *given)

    with connection.execute_wrapper(hear):
        lane.run(linger_s=0)
    lane.close()
    assert len(looks) == 2


def test_claims_of_one_operator_are_bounded_for_the_whole_platform(serve, settings):
    settings.PREDICTU_CALLBACK_CONCURRENCY = 3
    operator, _ = make_receiver(serve(Script()))
    tell(operator, user="", count=5)
    assert len(deliveries.claim(operator.id, most=2, now=now())[1]) == 2
    assert len(deliveries.claim(operator.id, most=10, now=now())[1]) == 1
    assert deliveries.claim(operator.id, most=10, now=now())[1] == []


def test_a_test_user_s_confirmed_trade_while_testing_is_an_onboarding_fact(serve):
    server = serve(Script([500]))
    operator, _ = make_receiver(server, stage="testing", onboarded_at=None)
    (event,) = tell(operator, event="TRADE_PLACED", test=True, subject_id="trd_1")
    send(operator)
    assert not OnboardingFact.objects.exists()
    due_now(event)
    send(operator)
    fact = OnboardingFact.objects.get()
    assert (fact.name, fact.operator_id, fact.evidence) == (
        "test_trades",
        operator.id,
        {"trade": "trd_1", "delivery": event.id},
    )


@pytest.mark.parametrize("change", [{"event": "BALANCE_CHANGED"}, {"test": False}])
def test_other_confirmations_are_no_such_fact(serve, change):
    operator, _ = make_receiver(serve(Script()), stage="testing", onboarded_at=None)
    tell(operator, **{"event": "TRADE_PLACED", "test": True, **change})
    send(operator)
    assert not OnboardingFact.objects.exists()


def test_an_answer_is_kept_to_64_kib_without_what_is_private(serve):
    big = answer(200, b"x" * 70_000, Set_Cookie="session=1", X_Trace="abc")
    operator, _ = make_receiver(serve(Script([big])))
    tell(operator)
    send(operator)
    attempt = Attempt.objects.get()
    assert (len(attempt.response_body), attempt.response_truncated) == (65536, True)
    assert attempt.response_headers["set-cookie"] == "(not kept)"
    assert attempt.response_headers["x-trace"] == "abc"


def test_a_refused_connection_is_recorded_with_its_cause(serve):
    operator, _ = make_receiver(serve(Script()))
    Operator.objects.update(callback_url="https://localhost:1/callbacks")
    (event,) = tell(operator)
    send(operator)
    attempt = Attempt.objects.get()
    assert (attempt.http_status, attempt.error, attempt.cause) == (None, "CONNECTION_REFUSED", "refused")
    assert delivery(event).last_error == "S2S callback connection refused"


def test_numbers_are_gap_free_and_no_event_is_without_its_delivery(serve):
    operator, _ = make_receiver(None)
    tell(operator, count=5)
    assert list(CallbackEvent.objects.order_by("ordinal").values_list("sequence", flat=True)) == [1, 2, 3, 4, 5]
    assert Delivery.objects.filter(state="recorded").count() == 5
    assert keys.signing_secrets(operator, now()) is not None


def test_counts_and_failures_of_a_subject_come_from_its_deliveries(serve):
    script = Script()
    operator, _ = make_receiver(serve(script))
    confirmed, failed, behind = (tell(operator, user=user, subject_id="stl_1")[0] for user in (OTHER, USER, USER))
    tell(make_operator(), subject_id="stl_1")
    script.only, script.otherwise = failed.id, 503
    send(operator)
    assert callbacks.counts_by_subject(["stl_1", "stl_2"]) == {
        "stl_1": callbacks.Counts(sent=2, confirmed=1, failed=0, waiting=2),
        "stl_2": callbacks.Counts(),
    }
    for _ in range(5):
        due_now(failed)
        send(operator)
    assert states(confirmed, failed, behind) == ["confirmed", "slow", "confirmed"]
    assert callbacks.counts_by_subject(["stl_1"])["stl_1"] == callbacks.Counts(sent=3, confirmed=2, failed=1)
    assert callbacks.failing_for(["stl_1", "stl_2"]) == {
        "stl_1": [
            callbacks.Failing(
                user_id=USER,
                operator_slug=operator.slug,
                error="S2S callback answered HTTP 503 after 5 retries",
                last_attempt_at=delivery(failed).last_attempt_at,
                retry_count=5,
            )
        ],
        "stl_2": [],
    }
    replays.one(delivery(confirmed), now=now())
    assert callbacks.counts_by_subject(["stl_1"])["stl_1"] == callbacks.Counts(sent=3, confirmed=2, failed=1)


def test_events_not_numbered_yet_count_as_waiting():
    operator = make_operator()
    callbacks.queue(operator_id=operator.id, event="POSITION_RESOLVED", payload={}, subject_id="stl_1", now=now())
    assert callbacks.counts_by_subject(["stl_1"])["stl_1"] == callbacks.Counts(waiting=1)


def test_what_is_past_its_retention_is_removed_and_nothing_else(serve):
    operator, _ = make_receiver(serve(Script()))
    old, attempt_old, young = (tell(operator, user=user)[0] for user in (USER, OTHER, ""))
    send(operator)
    CallbackEvent.objects.filter(pk=old.pk).update(created_at=now() - timedelta(days=397))
    Attempt.objects.filter(delivery__in=[old.pk, attempt_old.pk]).update(at=now() - timedelta(days=91))
    assert retention.prune(now()) == (2, 1)
    assert set(CallbackEvent.objects.values_list("id", flat=True)) == {attempt_old.id, young.id}
    assert list(Attempt.objects.values_list("delivery_id", flat=True)) == [young.pk]
    assert states(attempt_old, young) == ["confirmed", "confirmed"]


def test_whoever_waited_for_an_event_that_is_no_more_is_freed(serve):
    operator, _ = make_receiver(serve(Script()))
    old, first, second = tell(operator, count=3)
    CallbackEvent.objects.filter(pk=old.pk).update(created_at=now() - timedelta(days=397))
    prune_callbacks()
    assert not CallbackEvent.objects.filter(pk=old.pk).exists()
    assert states(first, second) == ["ready", "behind"]
    send(operator)
    assert states(first, second) == ["confirmed", "confirmed"]
    assert recording.mend(operator.id, now=now()) == 0
