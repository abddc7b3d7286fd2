"""Sending in one process: a lane for each operator that has something due.

A lane's own thread claims and records, both in one transaction; requests run on further threads of it, which touch
no database. Lanes share no threads, however many requests of one stall: no operator ever waits for another's.
"""

import logging
import os
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection, connections, transaction

from operators import signing
from operators.http import OutboundError, Transport
from operators.services import deliveries, endpoints, outbound, recording
from operators.services.deliveries import Claimed, Target
from operators.services.recording import Outcome
from predictu import clock, metrics

log = logging.getLogger("predictu.callbacks")

# Requests of one lane under way at once: many where the receiver takes its time, few where answers come at once, since
# threads would then only take turns.
MOST_SENDERS, FEW_SENDERS = 16, 2
_WORTH_A_SENDER_MS = 4.0
_STALLED_S = 0.1
# Outcomes are recorded so many at a time, or after so long, or when nothing is under way.
RECORD_AT, RECORD_EVERY_S = 32, 0.05
# A lane without work stays so long, with its database connection, before it ends.
LINGER_S = 5.0
# URL and keys are read anew at least so often while deliveries wait in a lane.
AIM_EVERY_S = 1.0
_DATABASE_AWAY_S = 1.0
# What a lease must hold beyond the longest request, to record it in.
_RECORDING_S = 2.0


class Lane:
    """The deliveries of one operator in this process, while there are any."""

    def __init__(self, operator_id: str, transport: Transport) -> None:
        self.operator_id = operator_id
        self._pool = ThreadPoolExecutor(MOST_SENDERS, thread_name_prefix=f"callback {operator_id}")
        self._transport = transport
        self._todo: deque[tuple[float, Claimed]] = deque()  # with the moment after which it is not begun any more
        self._late: deque[Claimed] = deque()
        self._done: deque[Outcome] = deque()
        self._unrecorded: list[Outcome] = []
        self._senders = 0
        self._lock = threading.Lock()
        self._progress = threading.Event()  # something was done, or is to be
        self._batch = threading.Event()  # enough was done to be recorded, or nothing more will be
        self._target: Target | None = None
        self._hungry = True
        self._stopping = False
        self._aimed_at = self._answered_at = time.monotonic()
        self._latency_ms = 0.0
        self._next_due: float | None = None

    def wake(self) -> None:
        """Something may be due."""
        self._hungry = True
        self._progress.set()

    def stop(self) -> None:
        """Claim nothing more; end when what is under way is recorded."""
        self._stopping = True
        self._progress.set()

    @property
    def is_woken(self) -> bool:
        return self._hungry and not self._stopping

    def close(self) -> None:
        """Let its threads go; ``run`` has ended."""
        self._pool.shutdown(wait=False)

    def run(self, *, linger_s: float) -> None:
        """Until nothing has been due for ``linger_s``."""
        busy_at = time.monotonic()
        while True:
            try:
                self._turn()
                self._give_back()
            except DatabaseError as error:
                log.warning("callbacks of %s wait for the database: %s", self.operator_id, type(error).__name__)
                connection.close_if_unusable_or_obsolete()
                time.sleep(_DATABASE_AWAY_S)
                self._hungry = True
            self._send()
            now = time.monotonic()
            if self._is_busy():
                busy_at = now
            elif self._stopping or (not self._hungry and now >= busy_at + linger_s):
                return
            self._wait(now, busy_at + linger_s)

    def _turn(self) -> None:
        """Record what was done and claim what there is room for, together."""
        self._unrecorded += [self._done.popleft() for _ in range(len(self._done))]
        outcomes, at = self._unrecorded, time.monotonic()
        if self._next_due is not None and at >= self._next_due:
            self._next_due, self._hungry = None, True
        most = settings.PREDICTU_CALLBACK_CONCURRENCY
        aim = bool(self._todo) and at - self._aimed_at >= AIM_EVERY_S
        hungry = (self._hungry or bool(outcomes)) and len(self._todo) <= most // 2
        claiming = (aim or hungry) and not self._stopping
        if not (outcomes or claiming):
            return
        if claiming:
            self._hungry = False  # before looking: whoever wakes the lane from now on is heard
        now, due_at, claimed = clock.now(), None, []
        room = most - len(self._todo) - self._senders
        with transaction.atomic():
            endpoint = endpoints.hold(self.operator_id)
            if outcomes:
                due_at = recording.write(endpoint, outcomes, now=now)
            if claiming:
                self._target, claimed = deliveries.take(endpoint, most=room, now=now)
        if outcomes and not claiming:
            self._hungry = True
        self._recorded(outcomes, due_at - now if due_at is not None else None)
        if claiming:
            spare_s = settings.PREDICTU_CALLBACK_TIMEOUT_MS / 1000 + _RECORDING_S
            begin_by = at + settings.PREDICTU_CALLBACK_LEASE_SECONDS - spare_s
            self._todo.extend((begin_by, each) for each in claimed)
            self._aimed_at = at
            if claimed and len(claimed) == room:
                self._hungry = True

    def _recorded(self, outcomes: list[Outcome], next_due: timedelta | None) -> None:
        for outcome in outcomes:
            self._latency_ms += 0.1 * (outcome.latency_ms - self._latency_ms)
            metrics.called_back(confirmed=outcome.is_confirmed, latency_ms=outcome.latency_ms)
        if outcomes:
            outcomes.clear()
            self._answered_at = time.monotonic()
        if next_due is not None:
            due = self._answered_at + next_due.total_seconds()
            self._next_due = due if self._next_due is None else min(self._next_due, due)

    def _give_back(self) -> None:
        """What will not be begun any more: the URL or the keys are gone, the process ends, or the lease does."""
        if self._target is None or self._stopping:
            while self._todo:
                self._late.append(self._todo.popleft()[1])
        if self._late:
            deliveries.release(list(self._late))
            self._late.clear()

    def _send(self) -> None:
        with self._lock:
            starting = max(0, min(len(self._todo), self._pace() - self._senders))
            self._senders += starting
        for _ in range(starting):
            self._pool.submit(self._sender)

    def _pace(self) -> int:
        """How many requests at once the endpoint's latency is worth; all of them once it stalls."""
        if self._senders and time.monotonic() - self._answered_at > _STALLED_S:
            return MOST_SENDERS
        return min(MOST_SENDERS, FEW_SENDERS + int(self._latency_ms / _WORTH_A_SENDER_MS))

    def _sender(self) -> None:
        """Send what is waiting, one request after the other, until nothing is."""
        try:
            while (target := self._target) is not None:
                begin_by, claimed = self._todo.popleft()
                if time.monotonic() > begin_by:
                    self._late.append(claimed)
                    continue
                self._done.append(attempt(self._transport, target, claimed))
                self._progress.set()
                if len(self._done) >= RECORD_AT:
                    self._batch.set()
        except IndexError:
            pass
        except Exception:
            log.exception("a callback of %s could not be tried", self.operator_id)
        finally:
            with self._lock:
                self._senders -= 1
            self._progress.set()
            self._batch.set()

    def _is_busy(self) -> bool:
        return bool(self._senders or self._todo or self._done or self._unrecorded or self._late)

    def _wait(self, now: float, end: float) -> None:
        """For outcomes while requests are under way, else for a bell or the next retry."""
        if self._senders:
            # A lane whose requests all stall sleeps, so as not to take turns from the others.
            growing = bool(self._todo) and self._senders < MOST_SENDERS
            if self._progress.wait(_STALLED_S if growing else AIM_EVERY_S):
                self._batch.wait(RECORD_EVERY_S)
            self._batch.clear()
        elif not (self._is_busy() or self._hungry):
            self._progress.wait(max(0.0, min(end, self._next_due or end) - now))
        self._progress.clear()


def attempt(transport: Transport, target: Target, claimed: Claimed) -> Outcome:
    """One signed request, and what came of it."""
    now = clock.now()
    headers = signing.headers_for(
        event=claimed.event,
        delivery_id=claimed.id,
        body=claimed.body,
        secret=target.secrets.secret,
        next_secret=target.secrets.next_secret,
        sequence=claimed.sequence,
        now=now,
    )
    try:
        answer = transport.post(target.url, claimed.body, headers, settings.PREDICTU_CALLBACK_TIMEOUT_MS)
    except OutboundError as error:
        return Outcome(
            claimed=claimed,
            at=now,
            url=target.url,
            latency_ms=error.latency_ms,
            phases_ms=error.phases_ms,
            request_headers=headers,
            error=error.code,
            cause=error.cause,
            ip=error.ip or "",
            tls_version=error.tls_version or "",
        )
    return Outcome(
        claimed=claimed,
        at=now,
        url=target.url,
        latency_ms=answer.latency_ms,
        phases_ms=answer.phases_ms,
        request_headers=headers,
        status=answer.status,
        ip=answer.ip or "",
        tls_version=answer.tls_version or "",
        response_headers=answer.headers,
        response_body=answer.body,
        response_truncated=answer.truncated,
    )


class _Process:
    """The lanes of this process; a forked child begins with none."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.lanes: dict[str, tuple[Lane, threading.Thread]] = {}


_process: _Process | None = None
_starting = threading.Lock()


def _here() -> _Process:
    global _process
    with _starting:
        if _process is None or _process.pid != os.getpid():
            _process = _Process()
        return _process


def wake(operator_id: str) -> None:
    """See to an operator's deliveries in this process; returns at once."""
    here = _here()
    with here.lock:
        known = here.lanes.get(operator_id)
        if known is not None:
            known[0].wake()
            return
        lane = Lane(operator_id, outbound.transport())
        thread = threading.Thread(target=_serve, args=(here, lane), name=f"lane {operator_id}", daemon=True)
        here.lanes[operator_id] = (lane, thread)
        thread.start()


def _serve(here: _Process, lane: Lane) -> None:
    try:
        while True:
            lane.run(linger_s=LINGER_S)
            with here.lock:
                if not lane.is_woken:
                    del here.lanes[lane.operator_id]
                    return
    except Exception:
        log.exception("the lane of %s broke; the sweep starts it again", lane.operator_id)
        with here.lock:
            here.lanes.pop(lane.operator_id, None)
    finally:
        lane.close()
        connections.close_all()


def drain(operator_id: str) -> None:
    """Send what is due for an operator and return when nothing is: for jobs that run where they are asked for."""
    lane = Lane(operator_id, outbound.transport())
    try:
        lane.run(linger_s=0)
    finally:
        lane.close()


def stop(*, seconds: float = 12.0) -> None:
    """The process ends: claim nothing more and give requests under way time to be recorded."""
    here = _here()
    with here.lock:
        known = list(here.lanes.values())
    for lane, _ in known:
        lane.stop()
    end = time.monotonic() + seconds
    for _, thread in known:
        thread.join(max(0.0, end - time.monotonic()))
