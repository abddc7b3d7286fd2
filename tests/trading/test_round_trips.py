"""What a trade asks of PostgreSQL and Redis, counted in what travels: it needs no clock to hold it."""

import json
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager

import pytest
import redis
from django.db import connection
from django.test import Client

from tests.factories import make_market, make_operator, make_pair, make_player, place, signed
from trading.models import Trade

pytestmark = pytest.mark.committed
PATH = "/api/casino/trades"


@contextmanager
def messages():
    """How many messages of each kind this connection sends meanwhile, by libpq's own trace of it."""
    sent = Counter()
    with tempfile.TemporaryFile("w+") as traced:
        connection.connection.pgconn.trace(traced.fileno())
        try:
            yield sent
        finally:
            connection.connection.pgconn.untrace()
        traced.seek(0)
        for line in traced:
            _, direction, _, kind, *_ = line.rstrip().split("\t")
            if direction == "F":
                sent[kind] += 1


@pytest.fixture
def redis_commands(monkeypatch):
    """The commands this thread sends to Redis from here on: what rings the relay rings on a thread of its own."""
    sent, waiting = [], threading.current_thread()
    send = redis.connection.AbstractConnection.send_command

    def noted(self, *args, **kwargs):
        if threading.current_thread() is waiting:
            sent.append(args[0])
        return send(self, *args, **kwargs)

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_command", noted)
    return sent


@pytest.fixture
def settled_in(jobs_wait):
    """A user who has traded before, so that statements are prepared and counters known."""
    operator, market = make_operator(), make_market()
    player = make_player(operator, balance="100")
    place(player, market, 2)
    return player, market


def test_a_trade_is_two_round_trips_and_a_market_met_before_is_not_asked_for_again(settled_in):
    player, market = settled_in
    others = make_market(), make_player(player.operator, balance="100")
    with messages() as sent:
        place(player, market, 2)
    assert (sent["Sync"], sent["Execute"], sent["Parse"], sent["Query"]) == (2, 2, 0, 0)
    place(others[1], others[0], 2)
    with messages() as sent:
        place(player, others[0], 2)
    assert (sent["Sync"], sent["Parse"]) == (2, 0), "user and market never met, but each is known"


def test_a_signed_trade_asks_postgresql_three_times_and_redis_once(settled_in, redis_commands):
    player, market = settled_in
    pair = make_pair(player.operator)

    def send(number):
        body = {"user_id": player.id, "market_id": market.id, "outcome": "yes", "side": "buy", "quantity": 2}
        data = json.dumps(body).encode()
        headers = signed(pair, "POST", PATH, data, idempotency_key=f"k-{number}")
        return Client().post(PATH, data, content_type="application/json", headers=headers)

    assert [send(number).status_code for number in range(5)] == [201] * 5
    del redis_commands[:]
    with messages() as sent:
        answer = send(5)
    assert answer.status_code == 201
    assert (sent["Sync"], sent["Parse"], sent["Query"]) == (3, 0, 0)
    assert redis_commands == ["EVALSHA"]
    assert Trade.objects.count() == 7
