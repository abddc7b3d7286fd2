"""Eight processes at once: counters are sums, no limit is passed, nobody meets a fault or a deadlock."""

import random
import threading
import time
from collections import Counter
from decimal import Decimal

import orjson
import pytest
import requests

from accounts.models import Player, system_admin
from operators.models import Operator
from risk.services import limits
from tests.factories import make_pair, now, signed
from tests.soak import race

pytestmark = [pytest.mark.committed, pytest.mark.slow]


def test_eight_processes_on_few_markets_pass_no_limit():
    world = race.build()
    met = race.run(world, processes=8, seconds=6)
    assert met.faults == []
    assert race.faults() == []
    assert race.room_is_real(world) == []
    assert race.faults() == []
    for kind in ("bought", "sold", "limit changed", "user changed"):
        assert met.counts[kind] > 0, met.counts


def test_over_http_nobody_meets_a_fault(platform_server):
    world = race.build()
    pairs = {operator.id: make_pair(operator) for operator in Operator.objects.filter(pk__in=world.operators)}
    of_player = dict(Player.objects.filter(pk__in=world.players).values_list("pk", "operator_id"))
    server = platform_server(workers=4, threads=2, PREDICTU_CASINO_RATE_LIMIT="1000000", LOG_LEVEL="WARNING")
    answers, until = Counter(), time.monotonic() + 5

    def trade(seed):
        chance = random.Random(seed)
        while time.monotonic() < until:
            player = chance.choice(world.players)
            body = orjson.dumps(
                {
                    "user_id": player, "market_id": chance.choice(world.markets[:2]),
                    "outcome": chance.choice(["yes", "no"]), "side": chance.choice(["buy", "buy", "sell"]),
                    "quantity": chance.randint(5, 300),
                }
            )  # fmt: skip
            key = f"{chance.getrandbits(96):x}"
            headers = signed(pairs[of_player[player]], "POST", "/api/casino/trades", body, idempotency_key=key)
            headers["Content-Type"] = "application/json"
            answer = requests.post(f"{server.url}/api/casino/trades", data=body, headers=headers, timeout=30)
            answers[answer.status_code] += 1

    clients = [threading.Thread(target=trade, args=(seed,)) for seed in range(8)]
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        limit = Decimal(random.Random(len(answers)).randint(800, 2500))
        limits.change(changes={"risk.per_market_max_usd": limit}, actor=system_admin(), reason="race", now=now())
        time.sleep(0.1)
    assert answers[201] > 0
    assert set(answers) <= {201, 422, 503}, answers
    assert race.faults() == []
