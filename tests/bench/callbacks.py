"""Callbacks: deliveries a second beside a bare urllib3 pool, a stalled neighbour, a long queue's claims.

``python -m tests.bench.callbacks [throughput] [neighbour] [queue]``; without a name all three.
"""

import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import processor
from tests.bench.receiver import receiving
from tests.loopback import Authority
from tests.processes import platform

ROUNDS, POSTS = 15, 600
SINGLES_S = 6.0
WAITING, CLAIMS = (1_000, 100_000, 1_000_000), 50
SMALL = b'{"event":"TRADE_PLACED","payload":{}}'
BODY = b'{"event":"TRADE_PLACED","payload":{"filler":"' + b"x" * 950 + b'"}}'


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def spread(values: Sequence[float], digits: int = 0) -> str:
    return f"{statistics.median(values):,.{digits}f} [{min(values):,.{digits}f}..{max(values):,.{digits}f}]"


@dataclass(frozen=True)
class Pace:
    """How quickly posts went: so many a second, and the processor's milliseconds each took of us and the database."""

    per_s: float
    processor_ms: float


def paced(posts: Callable[[], None]) -> Pace:
    database = processor.of_database()
    begun, computed = time.perf_counter(), time.process_time() + processor.seconds(database)
    posts()
    took, computed = time.perf_counter() - begun, time.process_time() + processor.seconds(database) - computed
    return Pace(POSTS / took, computed / POSTS * 1000)


def floor(port: int, authority: Authority) -> Pace:
    """Signed posts over one kept-alive TLS connection of a bare urllib3 pool; nothing recorded."""
    import urllib3

    from operators import signing
    from tests.factories import now

    pool = urllib3.HTTPSConnectionPool(
        "localhost", port, ssl_context=ssl.create_default_context(cafile=authority.file), retries=False
    )

    def posts() -> None:
        for number in range(POSTS):
            headers = signing.headers_for(
                event="TRADE_PLACED", delivery_id=f"dlv_{number}", body=BODY, secret="sk_live_x", now=now()
            )
            assert pool.request("POST", "/", body=BODY, headers=headers).status == 200

    return paced(posts)


def fill(operator: Any, count: int, *, body: bytes = BODY) -> None:
    """``count`` numbered events of an operator, each of another user and due; ids grow with time as the platform's."""
    from django.db import connection

    from predictu import ids

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(sequence), 0) FROM operators_callbackevent WHERE operator_id = %s",
            [ids.decode("op", operator.id)],
        )
        last = cursor.fetchone()[0]
        cursor.execute(
            """WITH made AS (
                 INSERT INTO operators_callbackevent
                   (id, operator_id, event, user_id, subject_id, body, test, sequence, created_at)
                 SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
                     || '7' || substr(md5(n::text || %(last)s), 1, 3) || '8' || substr(md5(n::text), 1, 15))::uuid,
                   %(operator)s, 'TRADE_PLACED', 'usr_' || right(%(operator)s::text, 12) || '_' || (%(last)s + n), '',
                   %(body)s, false, %(last)s + n, now() FROM generate_series(1, %(count)s) AS n
                 RETURNING ordinal, user_id)
               INSERT INTO operators_delivery
                 (event_id, operator_id, user_id, state, due_at, tries, attempts, last_error)
               SELECT ordinal, %(operator)s, user_id, 'ready', now(), 0, 0, '' FROM made""",
            {"operator": ids.decode("op", operator.id), "body": body, "last": last, "count": count},
        )
        if count > POSTS:
            cursor.execute("ANALYZE operators_callbackevent, operators_delivery")


def ours(operator: Any) -> Pace:
    """The same posts claimed, signed, sent and recorded by one process."""
    from operators.models import Delivery
    from operators.services import sending

    fill(operator, POSTS)
    pace = paced(lambda: sending.drain(operator.id))
    assert not Delivery.objects.filter(operator=operator).exclude(state="confirmed").exists()
    return pace


def claim(operator: Any) -> tuple[float, int]:
    """Milliseconds a claim of 64 took and the pages it touched; what it took is confirmed as if it had been sent."""
    from django.db import connection

    from operators.services import deliveries, recording
    from predictu import clock

    now, before, begun = clock.now(), _pages(connection), time.perf_counter()
    _, claimed = deliveries.claim(operator.id, most=64, now=now)
    took, pages = (time.perf_counter() - begun) * 1000, _pages(connection) - before
    assert len(claimed) == 64
    done = [
        recording.Outcome(claimed=each, at=now, url="", latency_ms=1, phases_ms={}, request_headers={}, status=200)
        for each in claimed
    ]
    recording.record(operator.id, done, now=now)
    return took, pages


def _pages(connection: Any) -> int:
    """Pages of the queue's table and indexes that this server has touched so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            """SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)
               FROM pg_statio_user_tables WHERE relname IN ('operators_delivery', 'operators_claim')"""
        )
        return int(cursor.fetchone()[0])


def latencies_ms(operator: Any) -> list[float]:
    """From due to confirmed, in ms, of one event after the other for some seconds."""
    from operators.services import sending

    took = []
    end = time.perf_counter() + SINGLES_S
    while time.perf_counter() < end:
        fill(operator, 1)
        begun = time.perf_counter()
        sending.drain(operator.id)
        took.append((time.perf_counter() - begun) * 1000)
    return took


def main() -> None:
    """Print ours, the floor and their ratio; then claims at both queue lengths; then the neighbour's median."""
    with platform(), tempfile.TemporaryDirectory() as folder:
        from django.conf import settings

        from tests.factories import make_operator, make_pair

        authority = Authority(Path(folder))
        settings.PREDICTU_CALLBACK_ALLOW_LOOPBACK = True
        settings.PREDICTU_CALLBACK_CA_BUNDLE = authority.file
        with receiving(authority, Path(folder)) as port:

            def operator(path: str = "/") -> Any:
                made = make_operator(callback_url=f"https://localhost:{port}{path}")
                make_pair(made)
                return made

            parts: dict[str, Callable[[], None]] = {
                "throughput": lambda: throughput(operator(), port, authority),
                "neighbour": lambda: neighbour(operator(), operator("/stall")),
                "queue": lambda: queue(operator()),
            }
            for part in sys.argv[1:] or parts:
                parts[part]()


def throughput(operator: Any, port: int, authority: Authority) -> None:
    bare, delivered = [], []
    for _ in range(ROUNDS):
        bare.append(floor(port, authority))
        delivered.append(ours(operator))
    say(f"deliveries a second, claimed, signed, sent, recorded   {spread([each.per_s for each in delivered])}")
    say(f"bare urllib3 keep-alive TLS pool, nothing recorded     {spread([each.per_s for each in bare])}")
    ratios = [mine.per_s / theirs.per_s for mine, theirs in zip(delivered, bare, strict=True)]
    say(f"ratio (goal 0.5)                                       {spread(ratios, 2)}")
    say(
        f"processor's ms of a delivery, database included        {spread([each.processor_ms for each in delivered], 2)}"
    )
    say(f"processor's ms of a bare post                          {spread([each.processor_ms for each in bare], 2)}")


def neighbour(healthy: Any, stalled: Any) -> None:
    """Alone, then beside, then alone again when the stalled requests have timed out, so that drift cancels out."""
    from django.conf import settings

    from operators.models import Attempt
    from operators.services import sending

    settings.PREDICTU_CALLBACK_TIMEOUT_MS = 25_000
    latencies_ms(healthy)
    alone = latencies_ms(healthy)
    fill(stalled, 64)
    sending.wake(stalled.id)
    time.sleep(1)
    beside = latencies_ms(healthy)
    assert not Attempt.objects.filter(operator=stalled).exists(), "the neighbour has to stall all the while"
    while Attempt.objects.filter(operator=stalled).count() < 16:
        time.sleep(1)
    sending.stop(seconds=60)
    alone += latencies_ms(healthy)
    medians = statistics.median(alone), statistics.median(beside)
    say(f"median delivery alone                                  {medians[0]:.2f} ms")
    say(f"beside an operator that stalls 16 requests             {medians[1]:.2f} ms")
    say(f"ratio (goal 1.10)                                      {medians[1] / medians[0]:.2f}")


def queue(operator: Any) -> None:
    """Claims of 64 while ever more waits."""
    medians, filled = [], 0
    for waiting in WAITING:
        missing = waiting + 64 * CLAIMS - filled
        fill(operator, missing, body=SMALL)
        filled += missing - 64 * CLAIMS
        found = [claim(operator) for _ in range(CLAIMS)]
        times, pages = [each[0] for each in found], [float(each[1]) for each in found]
        medians.append(statistics.median(times))
        say(f"claim of 64, {waiting:>9,} rows waiting    {spread(times, 2)} ms, {spread(pages)} pages of the queue")
    say(f"ratio of the longest to the shortest (goal 1.2)        {medians[-1] / medians[0]:.2f}")


if __name__ == "__main__":
    main()
