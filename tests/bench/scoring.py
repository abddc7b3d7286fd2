"""Gathering what all users are judged by, set-wise, beside the least that any such gathering has to read.

``python -m tests.bench.scoring [trades]`` (default 1,000,000) simulates a platform of that size first. The floor is one
pass over the trades, one look at the price history for each buy, and the buys copied out: no dates, no moments, no
pairs of accounts.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

TRADES = 1_000_000
_TRADES_A_USER = 20
_TRADES_A_MARKET = 800

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


def prepare(trades: int) -> str:
    """A database of our own with a simulated platform; its name."""
    from tests.bench.settlement import prepare as own_database

    name = own_database()
    from predictu import clock
    from reports.simulated import bulk
    from reports.simulation.parameters import DEFAULT
    from reports.simulation.world import simulate

    size = replace(
        DEFAULT,
        start=clock.day_start(clock.now()) - timedelta(days=DEFAULT.days),
        trades=trades,
        users=max(20, trades // _TRADES_A_USER),
        markets=min(DEFAULT.markets, max(40, trades // _TRADES_A_MARKET)),
    )
    seconds, world = timed(lambda: simulate(parameters=size, seed=1))
    say(f"{trades:,} trades of {size.users:,} users simulated in {seconds:.1f} s")
    seconds, _ = timed(lambda: bulk.load(world))
    say(f"written by COPY and verified in {seconds:.1f} s")
    return name


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
    from predictu import clock
    from trading.queries import features
    from trading.services import evaluations

    now = clock.now()
    players = features.players_with_news(now)
    seconds, found = timed(lambda: features.matches(now))
    say(f"  {'who bet together':33}{seconds:8.1f} s")
    began = time.monotonic()
    users = 0
    for start in range(0, len(players), evaluations.BATCH):
        users += len(features.gather(players[start : start + evaluations.BATCH], found, now))
    rest = time.monotonic() - began
    say(f"  {'everything else':33}{rest:8.1f} s")
    return seconds + rest, users


def main() -> None:
    trades = int(sys.argv[1]) if len(sys.argv) > 1 else TRADES
    name = prepare(trades)
    from tests import databases

    least = floor()
    seconds, users = gathered()
    say(
        f"features of {users:,} users from {trades:,} trades: {seconds:.1f} s, {users / seconds:,.0f} users/s; "
        f"floor {least:.1f} s, ratio {least / seconds:.2f}"
    )
    from django.db import connections

    connections.close_all()
    databases.drop(name)


if __name__ == "__main__":
    main()
