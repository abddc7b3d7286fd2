"""Gathering what all users are judged by, set-wise, beside the least that any such gathering has to read.

``python -m tests.bench.scoring [trades …]`` (default 100,000) does it on a simulated platform of that size, made once
(see ``simulated``). The floor is one pass over the trades, one look at the price history for each buy, and the
buys copied out: no dates, no moments, no pairs of accounts.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.bench import simulated

TRADES = 100_000

_FLOOR = {
    "one pass over trades": """
      SELECT count(*) FROM (
        SELECT player_id, count(*), sum(cost_usd), sum(cost_usd * cost_usd), count(*) FILTER (WHERE pnl_usd > 0)
        FROM trading_trade GROUP BY player_id) AS sums""",
    "one price for each buy": """
      SELECT count(point.yes_mid) FROM trading_trade trade
      LEFT JOIN LATERAL (
        SELECT point.yes_mid FROM trading_pricepoint point
        WHERE point.market_id = trade.market_id AND point.at <= trade.created_at + interval '24 hours'
        ORDER BY point.at DESC LIMIT 1) AS point ON true
      WHERE trade.side = 'buy'""",
}
_COPY = "COPY (SELECT player_id, market_id, outcome, created_at FROM trading_trade WHERE side = 'buy') TO STDOUT"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.monotonic()
    found = work()
    return time.monotonic() - began, found


def floor() -> float:
    """Seconds of the bare statements, each printed."""
    from django.db import connection

    total = 0.0
    with connection.cursor() as cursor:
        for name, statement in _FLOOR.items():
            seconds, _ = timed(lambda statement=statement: cursor.execute(statement))
            say(f"  floor: {name:26}{seconds:8.1f} s")
            total += seconds

        def copied() -> None:
            with cursor.copy(_COPY) as out:
                for _ in out:
                    pass

        seconds, _ = timed(copied)
        say(f"  floor: {'buys copied out':26}{seconds:8.1f} s")
    return total + seconds


def gathered() -> tuple[float, int]:
    """Seconds and users of the real thing, its two parts printed."""
    from accounts.models import Player
    from predictu import clock
    from trading.queries import features
    from trading.services import evaluations

    now = clock.now()
    players = list(Player.objects.filter(trade_count__gt=0).order_by("id").values_list("id", flat=True))
    seconds, found = timed(lambda: features.matches(now))
    say(f"  {'who bet together':33}{seconds:8.1f} s")
    began = time.monotonic()
    users = 0
    for start in range(0, len(players), evaluations.BATCH):
        users += len(features.gather(players[start : start + evaluations.BATCH], found, now))
    rest = time.monotonic() - began
    say(f"  {'everything else':33}{rest:8.1f} s")
    return seconds + rest, users


def measure(trades: int) -> None:
    import django

    django.setup()
    say(f"{trades:,} trades:")
    least = floor()
    seconds, users = gathered()
    say(
        f"  features of {users:,} users: {seconds:.1f} s, {users / seconds:,.0f} users/s; "
        f"floor {least:.1f} s, ratio {least / seconds:.2f}"
    )


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        measure(int(sys.argv[2]))
        return
    for trades in [int(size) for size in sys.argv[1:]] or [TRADES]:
        environment = {**simulated.database(trades), "DJANGO_SETTINGS_MODULE": "predictu.settings"}
        command = [sys.executable, "-m", "tests.bench.scoring", "--measure", str(trades)]
        subprocess.run(command, cwd=simulated.ROOT, env={**os.environ, **environment}, check=True)


if __name__ == "__main__":
    main()
