"""God Mode's reads on a simulated platform: each GET beside the bare SQL and JSON of the same answer.

``python -m tests.bench.reads [trades …]`` (default 1000000 and 100000; the databases are made once, see ``simulated``);
``PREDICTU_BENCH_SECONDS`` is how long each is asked (0.5). The last table holds every aim with what was measured.
In process: a Django test client with authentication and limits. Beside it the same statements by a bare cursor and
orjson of the same answer; for trade lists statements written by hand, a plain DRF ModelViewSet and, for the dashboard,
sums over the rollups and over all trades. Through gunicorn: 2 workers, 4 keep-alive clients on the same machine.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench import simulated

ROOT = Path(__file__).resolve().parents[2]
SIZES = (1_000_000, 100_000)
MOST_RUNS, FEWEST_RUNS = 60, 5
HOME = "home of Django admin"
# Counting is linear in what matches; whatever else grows with the trades is named where it is too slow.
COUNTED = "counted"
SECONDS = float(os.environ.get("PREDICTU_BENCH_SECONDS", "0.5"))
_COLUMNS = """
SELECT trade.id, trade.player_id, player.username, operator.slug, operator.name, trade.market_id, market.title,
       trade.category, trade.outcome, trade.side, trade.price, trade.quantity, trade.cost_usd, trade.fee_usd,
       trade.spread_usd, trade.pnl_usd, trade.status, trade.transaction_id, trade.idempotency_key, trade.created_at
"""
_JOINS = """
JOIN accounts_player player ON player.id = trade.player_id JOIN operators_operator operator
  ON operator.id = trade.operator_id JOIN trading_market market ON market.id = trade.market_id
"""
PAGE = f"{_COLUMNS} FROM trading_trade trade {_JOINS} WHERE NOT trade.is_test ORDER BY trade.id DESC LIMIT 50"
DEFERRED = f"""
{_COLUMNS} FROM (SELECT id FROM trading_trade WHERE NOT is_test ORDER BY id {{direction}} LIMIT 50 OFFSET {{offset}})
  AS wanted JOIN trading_trade trade ON trade.id = wanted.id {_JOINS} ORDER BY trade.id DESC
"""
DIRECT = """
SELECT count(*), sum(cost_usd), count(*) FILTER (WHERE created_at >= %(day)s),
       sum(cost_usd) FILTER (WHERE created_at >= %(day)s),
       sum(cost_usd) FILTER (WHERE created_at >= %(week)s),
       sum(cost_usd) FILTER (WHERE created_at >= %(before)s AND created_at < %(week)s),
       sum(spread_usd + fee_usd), sum(spread_usd) FILTER (WHERE created_at >= %(week)s),
       sum(fee_usd) FILTER (WHERE created_at >= %(week)s),
       sum(spread_usd + fee_usd) FILTER (WHERE created_at >= %(before)s AND created_at < %(week)s)
FROM trading_trade WHERE NOT is_test AND status <> 'cancelled'
"""
DIRECT_REST = (
    "SELECT count(DISTINCT player_id), count(DISTINCT player_id) FILTER (WHERE created_at >= %(day)s) "
    "FROM trading_trade WHERE NOT is_test AND created_at >= %(week)s",
    "SELECT date_trunc('day', created_at, 'UTC'), sum(spread_usd + fee_usd), count(*), count(DISTINCT player_id) "
    "FROM trading_trade WHERE NOT is_test AND status <> 'cancelled' AND created_at >= %(week)s GROUP BY 1",
    "SELECT count(*), count(*) FILTER (WHERE created_at >= %(week)s) FROM accounts_player WHERE NOT is_test",
    "SELECT sum(quantity), count(*) FROM trading_position WHERE status = 'open' AND NOT is_test",
)
ROLLED = (
    "SELECT sum(volume_usd), sum(trade_count), sum(spread_usd), sum(fee_usd + settlement_fee_usd) "
    "FROM trading_hourlyrevenue WHERE hour >= %(day)s",
    "SELECT sum(volume_usd), sum(trade_count), sum(spread_usd), sum(fee_usd + settlement_fee_usd) "
    "FROM trading_hourlyrevenue WHERE hour >= %(week)s",
    "SELECT sum(volume_usd), sum(spread_usd + fee_usd + settlement_fee_usd) FROM trading_hourlyrevenue "
    "WHERE hour >= %(before)s AND hour < %(week)s",
    "SELECT sum(spread_usd + fee_usd + settlement_fee_usd) FROM trading_monthlyrevenue",
    "SELECT sum(volume_usd), sum(trade_count), sum(spread_usd) FROM trading_revenuefact WHERE NOT rolled",
    "SELECT date_trunc('day', hour, 'UTC'), sum(spread_usd + fee_usd + settlement_fee_usd), sum(trade_count) "
    "FROM trading_hourlyrevenue WHERE hour >= %(week)s GROUP BY 1",
    "SELECT day, count(*) FROM trading_activeday WHERE day >= %(week)s GROUP BY 1",
    "SELECT count(DISTINCT player_id) FROM trading_activeday WHERE day >= %(week)s",
    "SELECT count(DISTINCT player_id) FROM trading_revenuefact WHERE kind = 'trade' AND at >= %(day)s",
    "SELECT sum(users) FROM accounts_signupday",
    "SELECT count(*) FROM accounts_player WHERE created_at >= %(week)s AND NOT is_test",
    "SELECT * FROM risk_exposurebucket WHERE scope = 'global'",
)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def timed(act: Callable[[], Any]) -> dict[str, float]:
    """p50 and p95 in milliseconds, after one run that is not counted."""
    act()
    taken: list[float] = []
    until = time.perf_counter() + SECONDS
    while len(taken) < FEWEST_RUNS or (len(taken) < MOST_RUNS and time.perf_counter() < until):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1000)
    taken.sort()
    return {"p50": statistics.median(taken), "p95": taken[int(len(taken) * 0.95) - 1 if len(taken) > 1 else 0]}


def paths(trades: int) -> dict[str, str]:
    """God Mode's GETs by name, with ids of things that have much to show."""
    from accounts.models import Player
    from billing.models import Invoice
    from operators.models import Operator
    from risk.models import ExposureBucket, Scope

    player = Player.objects.filter(is_test=False).order_by("-trade_count").values_list("pk", flat=True)[0]
    market = ExposureBucket.objects.filter(scope=Scope.MARKET).order_by("-trade_count")[0].scope_id
    biggest = ExposureBucket.objects.filter(scope=Scope.OPERATOR).order_by("-trade_count")[0].scope_id
    slug = Operator.objects.get(pk=biggest).slug
    invoice = Invoice.objects.values_list("pk", flat=True).first()
    last = -(-_total() // 50)
    week = datetime.now(UTC) - timedelta(days=60)
    days = f"from={week:%Y-%m-%d}&to={week + timedelta(days=7):%Y-%m-%d}"
    found = {
        "dashboard 7d": "dashboard", "dashboard 30d": "dashboard?period=30d", "dashboard all": "dashboard?period=all",
        "dashboard of an operator": f"dashboard?operator={slug}",
        "operators": "operators", "operator": f"operators/{slug}", "operator revenue": f"operators/{slug}/revenue",
        "operator trades": f"operators/{slug}/trades", "operator users": f"operators/{slug}/users",
        "operator exposure": f"operators/{slug}/exposure", "operator invoices": f"operators/{slug}/invoices",
        "users": "users", "users by balance": "users?sort=balance", "users searched": "users?search=an1",
        "user": f"users/{player}", "user ledger": f"users/{player}/ledger",
        "user positions": f"users/{player}/positions", "user trades": f"users/{player}/trades",
        "user score": f"users/{player}/score",
        "trades": "trades", "trades page 1,000": f"trades?page={min(1000, last)}",
        "trades middle page": f"trades?page={last // 2}", "trades last page": f"trades?page={last}",
        "trades of an operator": f"trades?operator={slug}", "trades of a market": f"trades?market_id={market}",
        "trades of a user": f"trades?user_id={player}", "trades settled": "trades?status=settled",
        "trades of a week": f"trades?{days}", "trades by amount": "trades?sort=amount",
        "trades counted (side, amount)": "trades?side=sell&min_amount=100",
        "trades counted (operator, status)": f"trades?operator={slug}&status=settled",
        "trades counted (operator, side)": f"trades?operator={slug}&side=sell",
        "trades counted (operator, amount)": f"trades?operator={slug}&min_amount=50",
        "trades counted (status, amount)": "trades?status=filled&max_amount=5",
        "trades counted (market, outcome, week)": f"trades?market_id={market}&outcome=no&{days}",
        "trades counted (user, status)": f"trades?user_id={player}&status=settled",
        "trades counted (cancelled, side)": "trades?status=cancelled&side=sell",
        "markets": "markets", "markets searched": "markets?search=will", "market": f"markets/{market}",
        "exposure": "exposure", "risk": "risk", "circuit breakers": "risk/circuit-breakers",
        "risk events": "risk/events", "sharp bettors": "risk/sharp-bettors", "settlements": "settlements",
        "pending settlements": "settlements/pending", "invoices": "invoices",
        "revenue": "revenue", "revenue by hour": "revenue?granularity=hour", "forecast": "revenue/forecast",
        "activity": "activity", "cohorts": "analytics/cohorts", "ltv": "analytics/ltv",
        "ltv by category": "analytics/ltv?segment=category", "behavior": "analytics/behavior", "config": "config",
    }  # fmt: skip
    if invoice:
        found["invoice"] = f"invoices/{invoice}"
    return {name: f"/api/internal/{path}" for name, path in found.items()}


def _total() -> int:
    from trading.queries import trade_totals

    return trade_totals.everywhere()


def measure(trades: int) -> dict[str, Any]:
    """All of one database, in this process."""
    import django

    django.setup()
    import orjson
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from tests.factories import as_admin, make_admin

    admin = make_admin(email=f"bench{time.time_ns()}@predictu.com")
    asking, staff = Client(headers=as_admin(admin)), Client()
    staff.force_login(admin, backend=settings.AUTHENTICATION_BACKENDS[0])
    found: dict[str, Any] = {}
    for name, path in {**paths(trades), HOME: reverse("admin:index")}.items():
        client = staff if name == HOME else asking
        answer = client.get(path)
        if answer.status_code != 200:
            say(f"{name}: {answer.status_code} {answer.content[:200]!r}")
            continue
        with CaptureQueriesContext(connection) as asked:
            client.get(path)
        statements = [each["sql"] for each in asked if each["sql"].lstrip().startswith(("SELECT", "WITH"))]
        queries = len(asked)
        data = answer.json() if name != HOME else answer.content.decode()

        def floor(statements: list[str] = statements, data: Any = data) -> None:
            raw = connection.connection.cursor()
            for statement in statements:
                raw.execute(statement)
                raw.fetchall()
            orjson.dumps(data)

        found[name] = {
            **timed(lambda path=path, client=client: client.get(path)), "floor": timed(floor)["p50"],
            "queries": queries, "bytes": len(answer.content),
        }  # fmt: skip
    found["floors"] = floors(trades)
    return found


def floors(trades: int) -> dict[str, float]:
    """Statements written by hand for what the aims are about, with rows as dicts and orjson; p50 in milliseconds."""
    import orjson
    from django.db import connection
    from rest_framework.test import APIRequestFactory

    from tests.bench import plain

    connection.ensure_connection()
    total = _total()
    now = datetime.now(UTC)
    moments = {"day": now - timedelta(days=1), "week": now - timedelta(days=7), "before": now - timedelta(days=14)}

    def run(*statements: str) -> Callable[[], None]:
        def act() -> None:
            raw, answers = connection.connection.cursor(), []
            for statement in statements:
                raw.execute(statement, moments if "%(" in statement else None)
                names = [column.name for column in raw.description]
                answers.append([dict(zip(names, row, strict=True)) for row in raw.fetchall()])
            orjson.dumps(answers, default=float)

        return act

    middle, thousand = total // 2, min(999 * 50, total - 50)
    plainly = plain.Trades.as_view({"get": "list"})
    request = APIRequestFactory().get

    def plain_page(number: int) -> Callable[[], Any]:
        return lambda: plainly(request("/trades", {"page": number})).render()

    wanted = {
        "page 1": run(PAGE),
        "page 1,000 deferred": run(DEFERRED.format(direction="DESC", offset=thousand)),
        "middle page deferred": run(DEFERRED.format(direction="DESC", offset=middle)),
        "last page deferred": run(DEFERRED.format(direction="DESC", offset=total - 50)),
        "last page deferred, near end": run(DEFERRED.format(direction="ASC", offset=0)),
        "dashboard from rollups": run(*ROLLED),
        "dashboard from trades": run(DIRECT, *DIRECT_REST),
        "plain DRF page 1": plain_page(1),
    }
    found = {name: timed(act)["p50"] for name, act in wanted.items()}
    begun = time.perf_counter()  # once is enough: it takes seconds
    plain_page(-(-total // 50))()
    return {**found, "plain DRF last page": (time.perf_counter() - begun) * 1000}


def served(surroundings: dict[str, str], *, seconds: float = 5.0) -> dict[str, Any]:
    """Requests a second and p50/p95 through gunicorn: ours with login and limits, the plain list without."""
    token = subprocess.run(
        [sys.executable, "-c", _TOKEN], cwd=ROOT, env={**os.environ, **surroundings}, check=True, capture_output=True,
        text=True,
    ).stdout.strip()  # fmt: skip
    found = {}
    wanted = (
        ("predictu.wsgi", "trades", "/api/internal/trades"),
        ("predictu.wsgi", "dashboard", "/api/internal/dashboard"),
        ("predictu.wsgi", "config", "/api/internal/config"),
        ("tests.bench.plain:application", "plain DRF trades", "/trades"),
    )
    for application, name, path in wanted:
        with _gunicorn(application, surroundings) as port:
            found[name] = _hammer(port, path, token, seconds)
    return found


_TOKEN = """
import os; os.environ["DJANGO_SETTINGS_MODULE"] = "predictu.settings"
import django; django.setup()
import time
from tests.factories import make_admin, token_for
print(token_for(make_admin(email=f"bench{time.time_ns()}@predictu.com")))
"""


class _gunicorn:
    """Two workers of four threads on a free port."""

    def __init__(self, application: str, surroundings: dict[str, str]) -> None:
        self.application, self.surroundings = application, surroundings

    def __enter__(self) -> int:
        import socket

        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port: int = listener.getsockname()[1]
        options = ["--workers=2", "--threads=4", "--worker-class=gthread", "--keep-alive=65", "--no-control-socket"]
        command = [sys.executable, "-m", "gunicorn", *options, f"--bind=fd://{listener.fileno()}", self.application]
        environment = {**os.environ, **self.surroundings}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL
        )
        time.sleep(4)
        return port

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)


def _hammer(port: int, path: str, token: str, seconds: float, clients: int = 4) -> dict[str, float]:
    """Clients in processes of their own, each on one connection."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    done = context.Queue()
    workers = [context.Process(target=_client, args=(port, path, token, seconds, done)) for _ in range(clients)]
    for worker in workers:
        worker.start()
    taken = sorted(one for _ in workers for one in done.get(timeout=seconds + 120))
    for worker in workers:
        worker.join()
    return {
        "rps": len(taken) / seconds, "p50": statistics.median(taken), "p95": taken[int(len(taken) * 0.95)],
    }  # fmt: skip


def _client(port: int, path: str, token: str, seconds: float, done: Any) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(3):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200, (path, answer.status, answer.read())
        answer.read()
    taken, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        begun = time.perf_counter()
        connection.request("GET", path, headers=headers)
        connection.getresponse().read()
        taken.append((time.perf_counter() - begun) * 1000)
    done.put(taken)


def table(results: dict[int, dict[str, Any]]) -> None:
    """The tables of docs/performance.md."""
    largest, smallest = max(results), min(results)
    say(f"load {os.getloadavg()[0]:.1f}\n")
    say(f"GET, {largest:,} trades | p50 ms | p95 ms | bare SQL + orjson | ratio | queries | KB | ÷ {smallest:,} trades")
    say("--- | --- | --- | --- | --- | --- | --- | ---")
    for name, row in results[largest].items():
        if name == "floors":
            continue
        small = results[smallest].get(name)
        grown = f"{row['p50'] / small['p50']:.2f}" if small else "–"
        say(
            f"{name} | {row['p50']:.1f} | {row['p95']:.1f} | {row['floor']:.1f} | {row['p50'] / row['floor']:.2f} | "
            f"{row['queries']} | {row['bytes'] / 1000:.0f} | {grown}"
        )
    say("")
    for size, found in results.items():
        say(f"floors at {size:,}: " + ", ".join(f"{name} {value:.1f} ms" for name, value in found["floors"].items()))


def aims(results: dict[int, dict[str, Any]], through: dict[str, Any]) -> None:
    """Every aim, what was measured in this run, and whether it is met."""
    largest, smallest = max(results), min(results)
    rows, floors_ = results[largest], results[largest]["floors"]

    def took(name: str) -> float:
        value: float = rows[name]["p50"]
        return value

    listed = took("trades")
    found: list[tuple[str, float, str, bool]] = []

    def judge(aim: str, value: float, unit: str, *, most: float = 0, least: float = 0) -> None:
        found.append((aim, value, unit, value <= most if most else value >= least))

    judge("page 1 in process ≤ 2.5 × its SQL + orjson", listed / rows["trades"]["floor"], "×", most=2.5)
    judge("page 1 in process ≤ 2.5 × SQL by hand + dicts + orjson", listed / floors_["page 1"], "×", most=2.5)
    if through:
        faster = through["trades"]["rps"] / through["plain DRF trades"]["rps"]
        judge("page 1 through gunicorn ≥ 12 × plain DRF", faster, "×", least=12)
    for page, floor in (("page 1,000", "page 1,000 deferred"), ("middle page", "middle page deferred")):
        judge(f"{page} ≤ 1.5 × the deferred join", took(f"trades {page}") / floors_[floor], "×", most=1.5)
    last = took("trades last page") / floors_["last page deferred"]
    judge("last page ≤ 1.5 × the deferred join", last, "×", most=1.5)
    rolled, direct = floors_["dashboard from rollups"], floors_["dashboard from trades"]
    judge("dashboard ≤ 1.5 × the rollup floor", took("dashboard 7d") / rolled, "×", most=1.5)
    judge("dashboard ≥ 8 × faster than direct sums", direct / took("dashboard 7d"), "×", least=8)
    for name in ("cohorts", "ltv", "ltv by category", "behavior"):
        judge(f"{name} ≤ 500 ms", took(name), "ms", most=500)
    for name in rows:
        if COUNTED in name:
            judge(f"{name} ≤ 300 ms", took(name), "ms", most=300)
    if HOME in rows:
        judge(f"{HOME} ≤ 300 ms", took(HOME), "ms", most=300)
    grown = {
        name: took(name) / small["p50"] for name, small in results[smallest].items() if name in rows and "p50" in small
    }
    if largest != smallest:
        for name, ratio in sorted(grown.items(), key=lambda item: -item[1]):
            if COUNTED not in name and ratio > 1.3:
                judge(f"{name}: {largest:,} ≤ 1.3 × {smallest:,} trades", ratio, "×", most=1.3)
        flat = sum(ratio <= 1.3 for name, ratio in grown.items() if COUNTED not in name)
        say(f"\n{flat} of {sum(COUNTED not in name for name in grown)} reads cost ≤ 1.3 × those of {smallest:,} trades")
    say("\naim | measured | \n--- | --- | ---")
    for aim, value, unit, met in found:
        say(f"{aim} | {value:.{0 if unit == 'ms' else 2}f} {unit} | {'met' if met else 'missed'}")


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        sys.stdout.write(json.dumps(measure(int(sys.argv[2]))))
        return
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    results, through = {}, {}
    for size in sizes:
        surroundings = simulated.database(size)
        environment = {**os.environ, **surroundings, "DJANGO_SETTINGS_MODULE": "predictu.settings"}
        command = [sys.executable, "-m", "tests.bench.reads", "--measure", str(size)]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        results[size] = json.loads(done.stdout[done.stdout.index("{") :])
        if size == max(sizes):
            through = served(surroundings)
    table(results)
    say("\nThrough gunicorn, 2 workers, 4 clients")
    for name, row in through.items():
        say(f"{name} | {row['rps']:.0f} requests/s | p50 {row['p50']:.1f} ms | p95 {row['p95']:.1f} ms")
    aims(results, through)


if __name__ == "__main__":
    main()
