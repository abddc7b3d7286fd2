"""Exports and reports as a worker makes them, against bare COPY of the same joins, ADBC and django-import-export.

``python -m tests.bench.exports [rows …]`` (default 100,000 and 1,000,000). A real Celery worker, started as
``make run`` starts it, makes each file; seconds are from asking to the file being ready. Memory is the peak of all the
worker's processes together: "own" counts a page they share once (PSS), "sum" once for each (RSS).
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.processes import Platform, platform

ROUNDS = 3
PEER_ROWS, XLSX_ROWS = 20_000, 100_000
WAYS = (("csv", "none"), ("csv", "gzip"), ("csv", "zstd"), ("jsonl", "zstd"), ("parquet", "zstd"))

_FILL = """
WITH players AS (SELECT array_agg(id) AS ids, min(operator_id::text)::uuid AS operator FROM accounts_player),
     markets AS (SELECT array_agg(id) AS ids FROM trading_market)
INSERT INTO trading_trade (id, operator_id, player_id, market_id, category, outcome, side, mid, price, quantity,
  cost_usd, fee_usd, spread_usd, spread_bps, share_pct, status, device, transaction_id, idempotency_key, is_test,
  exposure_before, created_at)
SELECT predictu_uuid7('2026-01-01'::timestamptz + n * interval '1 second'), players.operator,
  players.ids[1 + n %% 50], markets.ids[1 + n %% 20], 'crypto',
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


def adbc() -> float:
    """Seconds of ADBC to Parquet, in memory."""
    from adbc_driver_postgresql import dbapi
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


# What a Django project writes first: a resource over the model with the same columns. It is slow, so it gets few rows.
_IMPORT_EXPORT = """
import sys, time
import django
django.setup()
from import_export import resources
from trading.models import Trade

class Trades(resources.ModelResource):
    class Meta:
        model = Trade
        fields = ("id", "player__id", "operator__slug", "operator__name", "market__id", "market__title", "category",
            "outcome", "side", "price", "quantity", "cost_usd", "fee_usd", "spread_usd", "pnl_usd", "status",
            "transaction_id", "idempotency_key", "device", "is_test", "created_at")

begun = time.perf_counter()
rows = Trade.objects.select_related("operator", "player", "market")[: int(sys.argv[1])]
text = Trades().export(rows).csv
seconds = time.perf_counter() - begun
assert text.count("\\n") == int(sys.argv[1]) + 1
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.stdout.write(f"{seconds} {peak}")
"""


def import_export(rows: int) -> tuple[float, int]:
    """Rows per second and peak kB of django-import-export to csv."""
    command = [sys.executable, "-c", _IMPORT_EXPORT, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = done.stdout.split()
    return rows / float(seconds), int(peak)


class Memory:
    """The peak memory of a process group, in kB."""

    def __init__(self, group: int) -> None:
        self.own = self.sum = 0
        self._group, self._ended = group, threading.Event()

    def _sample(self) -> None:
        own = sum_ = 0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                if int((folder / "stat").read_text().rpartition(")")[2].split()[2]) != self._group:
                    continue
                lines = (folder / "smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            found = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
            own, sum_ = own + found.get("Pss:", 0), sum_ + found.get("Rss:", 0)
        self.own, self.sum = max(self.own, own), max(self.sum, sum_)

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            self._sample()


def ready(job: Any) -> float:
    """Seconds until the worker has made the file of ``job``, a row that was just asked for."""
    begun = time.perf_counter()
    while job.status == "processing":
        time.sleep(0.02)
        job.refresh_from_db()
    assert job.status == "ready", job.error
    return time.perf_counter() - begun


def export(actor: Any, format: str, compression: str) -> tuple[float, int, int]:
    """Seconds, rows and bytes of one export."""
    from predictu import clock
    from reports.services import exports, files

    asked = exports.request(
        actor=actor,
        type="trades",
        format=format,
        compression=compression,
        start=clock.parse("2026-01-01"),
        end=clock.parse("2027-01-01"),
        operator=None,
        include_pii=False,
        now=clock.now(),
    )
    seconds = ready(asked)
    files.remove(asked.path)
    return seconds, asked.row_count or 0, asked.file_size_bytes or 0


def report(actor: Any) -> tuple[float, int, int]:
    """Seconds, rows and bytes of one xlsx report."""
    from predictu import clock
    from reports.services import files, runs

    now = clock.now()
    given = {"from": "2026-01-01", "to": "2026-12-31"}
    asked = runs.check(actor=actor, type="trades", format="xlsx", given=given, columns=None, addresses=None, now=now)
    made = runs.request(actor=actor, asked=asked, now=now)
    seconds = ready(made)
    files.remove(made.path)
    return seconds, made.row_count or 0, made.file_size_bytes or 0


def measure(place: Platform, rows: int, before: int) -> None:
    from django.db import connection

    from tests.factories import make_admin

    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"count": rows - before})
        cursor.execute("VACUUM ANALYZE trading_trade")
    actor = make_admin()
    say(f"{rows:,} trades; seconds are the best of {ROUNDS}, floors in the same rounds")
    copy, through_adbc = [], []
    for name, rounds, make in _ways(actor, rows):
        worker = place.worker(queue="slow", pool="prefork", concurrency=1)
        memory, times = Memory(worker.popen.pid), []
        with memory.watched():
            for _ in range(rounds):
                copy.append(floor())
                through_adbc.append(adbc())
                seconds, made, size = make()
                assert made == rows, made
                times.append(seconds)
        worker.stop()
        against = f"{min(times) / min(copy):5.2f} × COPY, {min(times) / min(through_adbc):5.2f} × ADBC"
        peaks = f"peak {memory.own / 1024:.0f} MB own, {memory.sum / 1024:.0f} MB sum"
        say(f"  {name:13} {min(times):7.2f} s  {against}  {size / 1e6:7.1f} MB  {peaks}")
        if name == "csv none":
            rate, peak = import_export(min(rows, PEER_ROWS))
            mine = rows / min(times)
            say(
                f"  {'peer':13} django-import-export {rate:,.0f} rows/s, {peak / 1024:.0f} MB; ours {mine / rate:.0f} ×"
            )
    say(f"  bare COPY, same joins {min(copy):.2f} s; ADBC to Parquet {min(through_adbc):.2f} s")


def _ways(actor: Any, rows: int) -> Iterator[tuple[str, int, Any]]:
    for format, compression in WAYS:
        yield f"{format} {compression}", ROUNDS, lambda f=format, c=compression: export(actor, f, c)
    if rows <= XLSX_ROWS:
        yield "xlsx report", 1, lambda: report(actor)


def main(sizes: Sequence[int]) -> int:
    with platform() as place:
        from tests.factories import make_market, make_operator, make_player

        operator = make_operator()
        for _ in range(50):
            make_player(operator)
        for _ in range(20):
            make_market()
        before = 0
        for rows in sorted(sizes):
            measure(place, rows, before)
            before = rows
    return 0


if __name__ == "__main__":
    raise SystemExit(main([int(text) for text in sys.argv[1:]] or [100_000, 1_000_000]))
