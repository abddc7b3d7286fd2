"""Exports: a million trades against bare COPY of the same joins, and the memory of the process that makes them.

``python -m tests.bench.exports [rows …]`` (default 100,000 and 1,000,000). ADBC to Parquet is a second floor where
adbc-driver-postgresql is installed. Each file is made by a fresh process, whose peak
memory is read from /proc.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from tests.processes import platform

ROUNDS = 3
WAYS = (("csv", "none"), ("csv", "gzip"), ("csv", "zstd"), ("jsonl", "zstd"), ("parquet", "zstd"))

_FILL = """
WITH players AS (SELECT array_agg(id) AS ids, min(operator_id::text)::uuid AS operator FROM accounts_player),
     markets AS (SELECT array_agg(id) AS ids FROM trading_market)
INSERT INTO trading_trade (id, operator_id, player_id, market_id, category, outcome, side, mid, price, quantity,
  cost_usd, fee_usd, spread_usd, spread_bps, share_pct, status, device, transaction_id, idempotency_key, is_test,
  exposure_before, created_at)
SELECT gen_random_uuid(), players.operator, players.ids[1 + n %% 50], markets.ids[1 + n %% 20], 'crypto',
  CASE n %% 2 WHEN 0 THEN 'yes' ELSE 'no' END, 'buy', 0.62, 0.6262, 20 + n %% 50, 12.52 + n %% 50, 0.06, 0.12, 200, 30,
  'filled', 'mobile', 'txn_' || n, 'key-' || n, false, '{}', '2026-01-01'::timestamptz + n * interval '1 second'
FROM generate_series(1, %(count)s) AS n, players, markets
"""

# The same joins and columns, ids as they are stored: what PostgreSQL alone takes.
_FLOOR = """
COPY (SELECT t.id, t.player_id, o.slug, o.name, t.market_id, m.title, t.category, t.outcome, t.side, t.price,
  t.quantity, t.cost_usd, t.fee_usd, t.spread_usd, t.pnl_usd, t.status, t.transaction_id, t.idempotency_key,
  t.device, t.is_test, t.created_at
FROM trading_trade t JOIN operators_operator o ON o.id = t.operator_id JOIN accounts_player p ON p.id = t.player_id
JOIN trading_market m ON m.id = t.market_id) TO STDOUT (FORMAT csv, HEADER)
"""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def floor() -> float:
    """Seconds of a bare COPY, its bytes thrown away."""
    from reports.exports import copying

    begun = time.perf_counter()
    with copying.snapshot() as connection, connection.cursor() as cursor, cursor.copy(_FLOOR) as copy:
        for _ in copy:
            pass
    return time.perf_counter() - begun


def adbc() -> float | None:
    """Seconds of ADBC to Parquet, or None where it is not installed."""
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        return None
    import os
    from io import BytesIO

    from pyarrow import parquet

    begun = time.perf_counter()
    query = _FLOOR.strip().removeprefix("COPY (").rpartition(") TO STDOUT")[0]
    with dbapi.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        reader = cursor.fetch_record_batch()
        with parquet.ParquetWriter(BytesIO(), reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
    return time.perf_counter() - begun


_CHILD = """
import sys, time
import django
django.setup()
from predictu import clock
from reports.services import exports
begun = time.perf_counter()
exports.make(sys.argv[1], now=clock.now())
seconds = time.perf_counter() - begun
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.stdout.write(f"{seconds} {peak}")
"""


def export(actor: Any, format: str, compression: str, rows: int) -> tuple[float, int, int]:
    """Seconds, peak resident memory in kB and size of one export."""
    from django.conf import settings

    from predictu import clock
    from reports.models import Export
    from reports.services import exports, files

    settings.CELERY_TASK_ALWAYS_EAGER = False
    asked = Export.objects.create(
        type="trades",
        format=format,
        compression=compression,
        start=clock.parse("2026-01-01"),
        end=clock.parse("2027-01-01"),
        estimated_rows=rows,
        estimated_size_bytes=0,
        requested_by=actor,
        rung_at=clock.now(),
        created_at=clock.now(),
    )
    done = subprocess.run([sys.executable, "-c", _CHILD, asked.pk], capture_output=True, text=True, check=True)
    seconds, peak = done.stdout.split()
    asked.refresh_from_db()
    assert (asked.status, asked.row_count) == ("ready", rows), asked.error
    files.remove(asked.path)
    assert exports.by_id(asked.pk).file_size_bytes
    return float(seconds), int(peak), asked.file_size_bytes or 0


def measure(rows: int, before: int) -> None:
    from django.db import connection

    from tests.factories import make_admin

    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"count": rows - before})
        cursor.execute("VACUUM ANALYZE trading_trade")
    actor = make_admin()
    say(f"{rows:,} trades; seconds are the best of {ROUNDS}, floors in the same rounds")
    best: dict[str, float] = {}
    peaks: dict[str, tuple[int, int]] = {}
    for _ in range(ROUNDS):
        _least(best, "COPY", floor())
        seconds = adbc()
        if seconds is not None:
            _least(best, "ADBC", seconds)
        for format, compression in WAYS:
            name = f"{format} {compression}"
            seconds, peak, size = export(actor, format, compression, rows)
            _least(best, name, seconds)
            peaks[name] = (max(peak, peaks.get(name, (0, 0))[0]), size)
    say(f"  bare COPY, same joins      {best['COPY']:6.2f} s")
    say(f"  ADBC to Parquet            {best['ADBC']:6.2f} s" if "ADBC" in best else "  ADBC is not installed")
    for name, (peak, size) in peaks.items():
        ratio = best[name] / best["COPY"]
        say(f"  {name:16} {best[name]:8.2f} s  {ratio:5.2f} × COPY  {size / 1e6:7.1f} MB  peak {peak / 1024:.0f} MB")


def _least(best: dict[str, float], name: str, seconds: float) -> None:
    best[name] = min(seconds, best.get(name, seconds))


def main(sizes: Sequence[int]) -> int:
    with platform():
        from tests.factories import make_market, make_operator, make_player

        operator = make_operator()
        for _ in range(50):
            make_player(operator)
        for _ in range(20):
            make_market()
        before = 0
        for rows in sorted(sizes):
            measure(rows, before)
            before = rows
    return 0


if __name__ == "__main__":
    raise SystemExit(main([int(text) for text in sys.argv[1:]] or [100_000, 1_000_000]))
