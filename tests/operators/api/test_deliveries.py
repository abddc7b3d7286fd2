"""Deliveries over HTTP: God Mode's list and replay, and what operators see of their own."""

import json

import pytest
from django.test import Client

from operators.models import CallbackEvent, Delivery, Operator
from predictu.platform.models import AuditEntry
from tests.factories import make_operator, now, signed
from tests.operators.callbacks import USER, Script, bulk, make_receiver, send, states, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("callbacks_open")]
LIST, REPLAY = "/api/internal/deliveries", "/api/internal/deliveries/replay"


class Casino:
    """An operator's signed requests."""

    def __init__(self, pair):
        self.pair, self.client = pair, Client()

    def get(self, path):
        answered = self.client.get(path, headers=signed(self.pair, "GET", path))
        return answered.status_code, answered.json()

    def post(self, path):
        answered = self.client.generic("POST", path, headers=signed(self.pair, "POST", path))
        return answered.status_code, answered.json()


def test_the_list_shows_each_delivery_with_its_attempts(api, serve):
    operator, _ = make_receiver(serve(Script([500])))
    (event,) = tell(operator, subject_id="stl_1")
    send(operator)
    (silent,) = tell(make_operator())
    status, shown = api.get(LIST)
    assert (status, shown["pagination"]["total"]) == (200, 2)
    recorded, waiting = shown["data"]
    assert (recorded["id"], recorded["status"], recorded["attempts"]) == (silent.id, "recorded", [])
    assert (waiting["id"], waiting["sequence"], waiting["event"]) == (event.id, 1, "BALANCE_CHANGED")
    assert (waiting["operator_slug"], waiting["user_id"], waiting["subject_id"]) == (operator.slug, USER, "stl_1")
    assert (waiting["status"], waiting["attempt_count"]) == ("waiting", 1)
    assert (waiting["error"], waiting["confirmed_at"]) == ("S2S callback answered HTTP 500", None)
    assert waiting["next_attempt_at"] is not None
    (attempt,) = waiting["attempts"]
    assert (attempt["number"], attempt["confirmed"], attempt["http_status"]) == (1, False, 500)


def test_every_filter_filters(api, serve):
    operator, _ = make_receiver(serve(Script()))
    (confirmed,) = tell(operator)
    send(operator)
    (other,) = tell(make_operator(), event="MARKET_RESOLVED", user="")
    both = {confirmed.id, other.id}
    cases = {
        f"operator={operator.slug}": {confirmed.id},
        f"user_id={USER}": {confirmed.id},
        "event=MARKET_RESOLVED": {other.id},
        "status=confirmed": {confirmed.id},
        "status=recorded": {other.id},
        "status=dead": set(),
        "since=2020-01-01": both,
        "until=2020-01-01": set(),
    }
    for query, wanted in cases.items():
        assert {row["id"] for row in api.get(f"{LIST}?{query}")[1]["data"]} == wanted, query


@pytest.mark.parametrize(
    "query", ["operator=nobody", "user_id=op_x", "event=PING", "status=lost", "since=soon", "page=0", "limit=201"]
)
def test_a_bad_parameter_is_named(api, query):
    status, refused = api.get(f"{LIST}?{query}")
    assert (status, list(refused["error"]["details"])) == (400, [query.partition("=")[0]])


def test_replay_counts_first_then_sends_again_under_the_same_ids_in_order(api, serve):
    server = serve(Script())
    operator, _ = make_receiver(server)
    events = tell(operator, count=3)
    send(operator)
    body = {"operator": operator.slug, "dry_run": True}
    assert api.post(REPLAY, body) == (200, {"data": {"count": 3, "dry_run": True}})
    assert states(*events) == ["confirmed"] * 3
    body = {"operator": operator.slug, "reason": "their database was lost"}
    assert api.post(REPLAY, body) == (202, {"data": {"count": 3, "dry_run": False}})
    assert states(*events) == ["ready", "behind", "behind"]
    send(operator)
    told = [request.headers["x-predictu-delivery"] for request in server.received]
    assert told == [event.id for event in events] * 2
    entry = AuditEntry.objects.get(action="DELIVERIES_REPLAYED")
    assert (entry.actor_id, entry.reason) == (api.admin.id, "their database was lost")
    assert entry.metadata == {"operator": operator.slug, "count": 3}


def test_replay_leaves_alone_what_waits_and_what_cannot_be_sent(api, serve):
    operator, _ = make_receiver(serve(Script()))
    (waiting,) = tell(operator)
    (silent,) = tell(make_operator())
    assert api.post(REPLAY, {"since": "2020-01-01"})[1]["data"]["count"] == 0
    assert states(waiting, silent) == ["ready", "recorded"]


def test_what_was_recorded_without_a_url_can_be_replayed_by_id(api, serve):
    server = serve(Script())
    operator, _ = make_receiver(None)
    (first, second) = tell(operator, count=2)
    Operator.objects.update(callback_url=server.url())
    assert api.post(REPLAY, {"id": second.id})[1]["data"]["count"] == 1
    send(operator)
    assert states(first, second) == ["recorded", "confirmed"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "filter"),
        ({"dry_run": True}, "filter"),
        ({"operator": "nobody"}, "operator"),
        ({"status": "lost"}, "status"),
        ({"since": "soon"}, "since"),
        ({"id": "op_1"}, "id"),
        ({"everything": True}, "everything"),
    ],
)
def test_a_replay_without_sense_is_refused(api, body, field):
    status, refused = api.post(REPLAY, body)
    assert status == 422
    assert field in refused["error"]["details"]
    assert not AuditEntry.objects.exists()


class TestCasino:
    def test_events_are_read_in_order_by_number(self):
        operator, pair = make_receiver(None)
        tell(operator, count=3)
        tell(operator, event="MARKET_RESOLVED", user="")
        tell(make_operator())
        casino = Casino(pair)
        status, first = casino.get("/api/casino/events?limit=2")
        assert (status, first["next_after_sequence"], first["has_more"]) == (200, 2, True)
        assert [row["sequence"] for row in first["data"]] == [1, 2]
        event = CallbackEvent.objects.get(operator=operator, sequence=1)
        assert first["data"][0] == {"sequence": 1, "id": event.id, **json.loads(bytes(event.body))}
        _, rest = casino.get("/api/casino/events?after_sequence=2")
        assert ([row["sequence"] for row in rest["data"]], rest["has_more"]) == ([3, 4], False)
        _, none = casino.get(f"/api/casino/events?after_sequence={rest['next_after_sequence']}")
        assert (none["data"], none["next_after_sequence"]) == ([], 4)
        _, some = casino.get("/api/casino/events?event=BALANCE_CHANGED&after_sequence=1")
        assert ([row["sequence"] for row in some["data"]], some["next_after_sequence"]) == ([2, 3], 4)

    def test_unnumbered_events_are_not_seen(self):
        operator, pair = make_receiver(None)
        bulk(operator, 2)
        assert Casino(pair).get("/api/casino/events")[1]["data"] == []

    def test_numbers_past_their_retention_are_gone(self):
        operator, pair = make_receiver(None)
        tell(operator, count=5)
        CallbackEvent.objects.filter(sequence__lt=4).delete()
        casino = Casino(pair)
        status, refused = casino.get("/api/casino/events?after_sequence=2")
        assert (status, refused["error"]["code"]) == (410, "GONE")
        assert refused["error"]["details"] == {"oldest_sequence": 4}
        assert [row["sequence"] for row in casino.get("/api/casino/events?after_sequence=3")[1]["data"]] == [4, 5]

    @pytest.mark.parametrize("query", ["after_sequence=-1", "after_sequence=x", "limit=0", "limit=201", "event=NONE"])
    def test_a_bad_parameter_is_named(self, query):
        _, pair = make_receiver(None)
        status, refused = Casino(pair).get(f"/api/casino/events?{query}")
        assert (status, list(refused["error"]["details"])) == (400, [query.partition("=")[0]])

    def test_an_operator_sees_and_replays_its_own_deliveries_only(self, serve):
        server = serve(Script())
        operator, pair = make_receiver(server)
        (mine,) = tell(operator)
        (theirs,) = tell(make_operator())
        send(operator)
        casino = Casino(pair)
        status, shown = casino.get("/api/casino/deliveries")
        assert (status, [row["id"] for row in shown["data"]]) == (200, [mine.id])
        assert casino.post(f"/api/casino/deliveries/{theirs.id}/replay")[0] == 404
        assert casino.post("/api/casino/deliveries/dlv_x/replay")[0] == 404
        status, replayed = casino.post(f"/api/casino/deliveries/{mine.id}/replay")
        assert (status, replayed["data"]["id"], replayed["data"]["status"]) == (202, mine.id, "waiting")
        send(operator)
        assert [request.headers["x-predictu-delivery"] for request in server.received] == [mine.id] * 2
        first, second = Casino(pair).get("/api/casino/deliveries")[1]["data"][0]["attempts"]
        assert (first["number"], second["number"]) == (1, 2)

    def test_nothing_can_be_replayed_without_a_url(self):
        operator, pair = make_receiver(None)
        (event,) = tell(operator)
        status, refused = Casino(pair).post(f"/api/casino/deliveries/{event.id}/replay")
        assert (status, refused["error"]["code"]) == (409, "CONFLICT")
        assert Delivery.objects.get(event=event.pk).state == "recorded"
        assert event.created_at <= now()
