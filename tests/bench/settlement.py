"""Settling 10,000 and 100,000 positions beside bare SQL that makes the same writes under the same triggers.

``python -m tests.bench.settlement [positions …]``. How long the users' balances are held is printed for each size, by
the clock and in seconds of the processor. With the largest, trades go on in another market meanwhile; the longest
silence between two of them is printed. Last, ``verify_ledger`` over what was settled beside bare sums over the same
rows; the players and trades are copies that nobody paid for, so it finds much, which is not what is measured.
"""

import logging
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.bench import processor

SIZES = (10_000, 100_000)
ROUNDS = {10_000: 3}
LIMITS = {"crypto": 10**12}

# A row of a table many times over, each with columns of its own.
_COPIES = """
INSERT INTO {table} SELECT (copied.row).* FROM (
  SELECT jsonb_populate_record(NULL::{table}, to_jsonb(template) || {own}) AS row
  FROM {table} template, {source} WHERE template.id = %(template)s) AS copied
"""

# The same writes with nothing staged, nothing checked and bodies of the same size.
FLOOR = (
    """UPDATE trading_trade AS trade SET status = 'settled', pnl_usd = CASE position.outcome WHEN 'yes'
         THEN trunc(position.quantity, 2) ELSE 0 END - position.cost_basis_usd
       FROM trading_position position WHERE position.market_id = %(market)s AND trade.market_id = %(market)s
         AND trade.player_id = position.player_id AND trade.outcome = position.outcome""",
    """CREATE TEMP TABLE floor_held ON COMMIT DROP AS SELECT id FROM accounts_player WHERE id IN (
         SELECT player_id FROM trading_position WHERE market_id = %(market)s) ORDER BY id FOR NO KEY UPDATE""",
    """UPDATE trading_position SET status = 'settled', settled_at = now(), payout_price = (outcome = 'yes')::int,
         payout_usd = CASE outcome WHEN 'yes' THEN trunc(quantity, 2) ELSE 0 END,
         realized_pnl_usd = CASE outcome WHEN 'yes' THEN trunc(quantity, 2) ELSE 0 END - cost_basis_usd
       WHERE market_id = %(market)s""",
    """INSERT INTO accounts_ledgerentry (id, player_id, type, amount_usd, reference_type, reference_id, description,
                                         metadata, idempotency_key, actor, created_at)
       SELECT gen_random_uuid(), player_id, 'settlement', payout_usd, 'settlement', 'stl_00000000000000000000000000',
              repeat('x', 50), '{"market_id": "mkt_00000000000000000000000000", "outcome": "yes", "quantity": 10}',
              'predictu:settlement:stl_00000000000000000000000000:' || id::text, 'system', now()
       FROM trading_position WHERE market_id = %(market)s AND payout_usd > 0 ORDER BY player_id""",
    """UPDATE accounts_player AS player SET open_positions = open_positions - 1, exposure_usd = exposure_usd - quantity,
         realized_pnl_usd = player.realized_pnl_usd + position.realized_pnl_usd, resolved_count = resolved_count + 1,
         winning_count = winning_count + (position.payout_usd > 0)::int, updated_at = now()
       FROM trading_position position WHERE position.market_id = %(market)s AND position.player_id = player.id""",
    """INSERT INTO operators_callbackevent (id, operator_id, event, user_id, subject_id, body, test, created_at)
       SELECT gen_random_uuid(), operator_id, event, 'usr_00000000000000000000000000', 'stl_00000000000000000000000000',
              convert_to(repeat('x', 520), 'UTF8'), false, now()
       FROM trading_position, LATERAL (VALUES ('POSITION_RESOLVED', true), ('BALANCE_CHANGED', payout_usd > 0))
         AS told (event, wanted)
       WHERE market_id = %(market)s AND wanted ORDER BY player_id""",
    "UPDATE risk_exposurebucket SET yes_usd = yes_usd, position_count = position_count",
)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def prepare() -> str:
    """A database of our own on the test services; its name."""
    from tests import environment

    environment.prepare()
    os.environ |= {"DJANGO_SETTINGS_MODULE": "predictu.settings", "CELERY_TASK_ALWAYS_EAGER": "0"}
    os.environ["LOG_LEVEL"] = "ERROR"
    import django

    django.setup()
    from tests import databases

    name = f"bench_{environment.session_name()}"
    databases.renew(name)
    databases.use(name)
    return name


class Scene:
    """Players of three operators; markets in which each of them holds one position."""

    def __init__(self, size: int) -> None:
        from django.db import connection

        from tests.factories import make_market, make_operator, make_player, place

        self.connection, self.size = connection, size
        self.operators = [
            make_operator(new_tier_limit=10**6, max_bet_usd=10**6, exposure_limit_usd=10**12, category_limits=LIMITS)
            for _ in range(3)
        ]
        self.model = make_player(self.operators[0], balance="100000")
        first = make_market()
        self.trade = place(self.model, first, 10)
        self._players()

    def _run(self, statement: str, **given: Any) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, given)

    def _players(self) -> None:
        from predictu import ids

        keys = ", ".join(f"'{ids.decode('op', each.id)}'" for each in self.operators)
        own = (
            "jsonb_build_object('id', gen_random_uuid(), 'external_id', 'copy-' || n, 'balance_usd', 0,"
            f" 'ledger_seq', 0, 'ledger_hash', '\\x', 'operator_id', (ARRAY[{keys}])[1 + n %% 3],"
            " 'open_positions', 100, 'exposure_usd', 100000)"
        )
        self._run(
            _COPIES.format(table="accounts_player", own=own, source="generate_series(1, %(size)s) AS n"),
            template=ids.decode("usr", self.model.id), size=self.size,
        )  # fmt: skip
        self._run("CREATE TABLE bench_player AS SELECT id, operator_id, row_number() OVER () AS n FROM accounts_player"
                  " WHERE external_id LIKE 'copy-%%'")  # fmt: skip
        self._run("ANALYZE accounts_player; ANALYZE bench_player")

    def market(self) -> Any:
        """A market where every player holds ten shares, one in two of yes, bought in one trade."""
        from predictu import ids
        from risk.models import Scope
        from risk.services import buckets
        from tests.factories import make_market
        from trading.models import Position

        market = make_market()
        key = ids.decode("mkt", market.id)
        position = ids.decode("pos", Position.objects.filter(player=self.model).first().id)
        common = (
            "'player_id', bench_player.id, 'operator_id', bench_player.operator_id, 'market_id', %(market)s::uuid,"
            " 'id', gen_random_uuid(), 'outcome', CASE WHEN n %% 2 = 0 THEN 'yes' ELSE 'no' END"
        )
        for table, template in (("trading_position", position), ("trading_trade", ids.decode("trd", self.trade["id"]))):
            self._run(
                _COPIES.format(table=table, own=f"jsonb_build_object({common})", source="bench_player"),
                template=template, market=key,
            )  # fmt: skip
        buckets.ensure([(Scope.MARKET, market.id)])
        self._run("UPDATE risk_exposurebucket SET yes_usd = yes_usd + 10000000, no_usd = no_usd + 10000000,"
                  " position_count = position_count + 1000000")  # fmt: skip
        self._run("ANALYZE trading_position; ANALYZE trading_trade")
        return market


def room() -> None:
    """Nothing stops trades on other markets but what is measured: no wall and no breaker."""
    from risk.models import CircuitBreaker
    from risk.services import limits
    from tests.factories import make_admin, now

    CircuitBreaker.objects.update(is_enabled=False)
    walls = ("global_exposure_limit_usd", "category_limits.crypto", "per_market_max_usd")
    limits.change(
        changes={f"risk.{wall}": Decimal(10**12) for wall in walls}, actor=make_admin(), reason="bench", now=now()
    )


class Held(logging.Handler):
    """How long the last settlement held its users, in seconds, as it says in the log; and of the processor's time."""

    seconds, cpu, _begun = 0.0, 0.0, 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == 4:
            self.seconds = float(record.args[3]) / 1000  # type: ignore[arg-type]
            self.cpu = self._computed() - self._begun

    def watch(self) -> None:
        """Read the processor's clock when a settlement comes to its users."""
        from trading.services.settling import Work

        move = Work.move

        def timed(work: Any) -> None:
            self._begun = self._computed()
            move(work)

        Work.move = timed  # type: ignore[method-assign]

    def _computed(self) -> float:
        from django.db import connection

        return processor.seconds(connection.connection.info.backend_pid)


@dataclass(frozen=True)
class Took:
    """Seconds on the clock, and the database's seconds of the processor."""

    clock: float
    cpu: float


def took(act: Callable[[], object]) -> Took:
    database = processor.of_database()
    before, begun = processor.seconds(database), time.perf_counter()
    act()
    return Took(time.perf_counter() - begun, processor.seconds(database) - before)


def resolved(scene: Scene) -> Callable[[], None]:
    """Settles a market that is resolved by now."""
    from tests.factories import make_admin, now
    from trading.services import settlements, settling

    market = scene.market()
    done = settlements.resolve(market_id=market.id, outcome="yes", reason="bench", actor=make_admin(), now=now())

    def pay() -> None:
        assert settling.settle(done.settlement.id, now=now())

    return pay


def bare(scene: Scene) -> Took:
    """What the floor takes."""
    from django.db import transaction

    from predictu import ids

    market = ids.decode("mkt", scene.market().id)

    def write() -> None:
        with transaction.atomic():
            for statement in FLOOR:
                scene._run(statement, market=market)

    return took(write)


class Trading(threading.Thread):
    """Trades in another market, one after the other, by a user who holds nothing elsewhere."""

    def __init__(self, operator: Any) -> None:
        super().__init__(daemon=True)
        from tests.factories import make_market, make_player

        self.player, self.market = make_player(operator, balance="900000"), make_market()
        self.moments: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        from django.db import connection

        from tests.factories import now, place
        from trading.models import Market

        while not self.over.is_set():
            if len(self.moments) % 100 == 0:
                Market.objects.filter(pk=self.market.pk).update(priced_at=now())
            place(self.player, self.market, 2)
            self.moments.append(time.perf_counter())
        connection.close()

    def during(self, act: Callable[[], None]) -> tuple[int, float]:
        """How many trades were made while ``act`` ran, and the longest silence in seconds."""
        self.start()
        while len(self.moments) < 50 and self.is_alive():
            time.sleep(0.01)
        begun = time.perf_counter()
        act()
        ended = time.perf_counter()
        self.over.set()
        self.join()
        made = [moment for moment in self.moments if begun <= moment <= ended]
        points = [begun, *made, ended]
        return len(made), max(later - earlier for earlier, later in zip(points, points[1:], strict=False))


# The sums ``verify_ledger`` compares, over the same rows, compared with nothing.
SUMS = (
    """SELECT count(*), bool_and(hash = sha256(before || convert_to('1|' || id::text || '|' || player_id::text || '|' ||
         seq::text || '|' || type || '|' || amount_usd::text || '|' || balance_before_usd::text || '|' ||
         balance_after_usd::text || '|' || to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') ||
         '|' || reference_type || '|' || length(reference_id)::text || ':' || reference_id || '|' ||
         length(idempotency_key)::text || ':' || idempotency_key || '|' || actor, 'UTF8')))
       FROM (SELECT *, lag(hash, 1, ''::bytea) OVER (PARTITION BY player_id ORDER BY seq) AS before
             FROM accounts_ledgerentry) AS entry""",
    "SELECT DISTINCT ON (player_id) balance_after_usd, hash FROM accounts_ledgerentry ORDER BY player_id, seq DESC",
    """SELECT player_id, reference_id, sum(amount_usd) FROM accounts_ledgerentry WHERE reference_type = 'trade'
       GROUP BY player_id, reference_id""",
    "SELECT reference_id, sum(amount_usd) FROM accounts_ledgerentry WHERE reference_type = 'settlement' GROUP BY 1",
    """SELECT player_id, market_id, outcome, sum(quantity), sum(cost_usd), sum(pnl_usd) FROM trading_trade
       GROUP BY player_id, market_id, outcome""",
    "SELECT player_id, count(*), sum(cost_usd), count(pnl_usd) FROM trading_trade GROUP BY player_id",
    "SELECT operator_id, market_id, category, count(*), sum(cost_usd) FROM trading_trade GROUP BY 1, 2, 3",
    "SELECT player_id, count(*), sum(quantity), sum(realized_pnl_usd) FROM trading_position GROUP BY player_id",
    "SELECT market_id, operator_id, outcome, sum(quantity), sum(payout_usd) FROM trading_position GROUP BY 1, 2, 3",
    "SELECT trade_id, sum(spread_usd), sum(fee_usd), sum(volume_usd) FROM trading_revenuefact GROUP BY trade_id",
)


def verified() -> tuple[int, float, float]:
    """Rows of the ledger, and the seconds of bare sums and of ``verify_ledger``."""
    from django.db import connection

    from accounts.models import LedgerEntry
    from trading.services import verification

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE accounts_ledgerentry, accounts_player, trading_trade, trading_position")
        begun = time.perf_counter()
        for statement in SUMS:  # the whole row is counted, or no sum would be made
            cursor.execute(f"SELECT count(sums) FROM ({statement}) AS sums")  # noqa: S608 words of our own
        floor = time.perf_counter() - begun
    begun = time.perf_counter()
    verification.verify()
    return LedgerEntry.objects.count(), floor, time.perf_counter() - begun


def main() -> None:
    name, told = prepare(), Held()
    logging.getLogger("predictu.settlements").addHandler(told)
    logging.getLogger("predictu.settlements").setLevel(logging.INFO)
    logging.getLogger("predictu.settlements").propagate = False
    told.watch()
    from django.db import connections

    from tests import databases

    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    for size in sizes:
        databases.renew(name)
        connections.close_all()
        scene = Scene(size)
        room()
        ours, floors, held = [], [], []
        for _ in range(ROUNDS.get(size, 1)):
            floors.append(bare(scene))
            ours.append(took(resolved(scene)))
            held.append((told.seconds, told.cpu))
        clock, floor = (statistics.median(each.clock for each in all_) for all_ in (ours, floors))
        cpu, floor_cpu = (statistics.median(each.cpu for each in all_) for all_ in (ours, floors))
        waited, computed = (statistics.median(each) for each in zip(*held, strict=True))
        say(f"settle {size:,}: {size / clock:,.0f}/s in {clock:.2f} s, {floor / clock:.2f} of the floor's speed;"
            f" processor {cpu:.2f} s, {floor_cpu / cpu:.2f}; balances held {waited:.2f} s, processor {computed:.2f} s;"
            f" load {os.getloadavg()[0]:.1f}")  # fmt: skip
        if size == max(sizes):
            count, silence = Trading(scene.operators[0]).during(resolved(scene))
            say(f"  {count:,} trades meanwhile, longest silence {silence * 1000:.0f} ms; load {os.getloadavg()[0]:.1f}")
        rows, sums, checks = verified()
        say(f"  verify_ledger over {rows:,} rows: {checks:.2f} s, {checks / sums:.2f} x its bare sums' {sums:.2f} s")
    connections.close_all()
    databases.drop(name)


if __name__ == "__main__":
    main()
