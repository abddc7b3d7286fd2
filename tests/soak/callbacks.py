"""Callbacks while worker processes get SIGKILL at random moments: nothing lost, nothing out of order, ids kept.

The evidence is what the receiver wrote down, not our tables. ``python -m tests.soak.callbacks`` runs the full size.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.loopback import Authority, Received, answer, serving
from tests.servers import Process

EVENTS, ROUNDS, USERS, WORKERS = 10_000, 20, 500, 2
FAILS, HANGS_UP = 0.02, 0.01
DEADLINE_S = 600
# Short, so that what a killed worker held is soon due again; the platform's own are 45 s and 10 s.
WORKER = {"PREDICTU_CALLBACK_LEASE_SECONDS": "6", "PREDICTU_CALLBACK_TIMEOUT_MS": "2000"}


@dataclass
class Receiver:
    """The operator's server. Its log has (delivery, user, number, confirmed) in order of arrival."""

    chance: random.Random
    log: list[tuple[str, int, int, bool]] = field(default_factory=list)
    confirmed: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Received, sock: object) -> bytes | None:
        payload = json.loads(request.body)["payload"]
        delivery = request.headers["x-predictu-delivery"]
        with self.lock:
            drawn = self.chance.random()
            fine = drawn >= FAILS + HANGS_UP
            self.log.append((delivery, payload["user"], payload["number"], fine))
            if fine:
                self.confirmed.add(delivery)
        if fine:
            return answer(200, b"{}")
        return answer(500, b"{}") if drawn < FAILS else None


@dataclass(frozen=True)
class Verdict:
    """What the receiver's log shows."""

    events: int
    confirmed: int
    requests: int
    duplicates: int
    out_of_order: list[str]
    lost: int
    ids_changed: int

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.out_of_order or self.ids_changed)


def judge(log: list[tuple[str, int, int, bool]], expected: dict[tuple[int, int], str]) -> Verdict:
    """Hold the log against what was committed: ``expected`` maps (user, number) to the delivery id."""
    done: set[tuple[int, int]] = set()
    seen: Counter[str] = Counter()
    wrong, changed = [], 0
    for delivery, user, number, fine in log:
        seen[delivery] += 1
        changed += expected.get((user, number)) != delivery
        if number and (user, number - 1) not in done:
            wrong.append(f"user {user}: {number} came before {number - 1} was confirmed")
        if fine:
            done.add((user, number))
    duplicates = sum(seen.values()) - len(seen)
    return Verdict(len(expected), len(done), len(log), duplicates, wrong, len(expected.keys() - done), changed)


def run(
    *,
    events: int,
    rounds: int,
    users: int,
    seed: int,
    authority: Authority,
    start_worker: Callable[..., Process],
    say: Callable[[str], None] = print,
) -> Verdict:
    """Commit ``events`` while killing a random worker ``rounds`` times; wait until the receiver has confirmed all."""
    from tests.factories import make_operator, make_pair

    chance = random.Random(seed)
    receiver = Receiver(random.Random(seed + 1))
    env = {**WORKER, "PREDICTU_CALLBACK_ALLOW_LOOPBACK": "1", "PREDICTU_CALLBACK_CA_BUNDLE": authority.file}
    ended = threading.Event()
    with serving(receiver, authority.context()) as server:
        operator = make_operator(callback_url=server.url())
        make_pair(operator)
        starting = ThreadPoolExecutor(1)  # one after the other, beside the killing
        workers = [starting.submit(start_worker, **env) for _ in range(WORKERS)]
        ticker = threading.Thread(target=_tick, args=(ended,), daemon=True)
        ticker.start()
        try:
            expected: dict[tuple[int, int], str] = {}
            for round_ in range(rounds):
                expected |= _commit(operator, events // rounds, len(expected), users)
                time.sleep(chance.uniform(0.05, 1.5))
                place = chance.randrange(WORKERS)
                workers[place].result().kill()
                say(f"round {round_ + 1}: killed worker {place}, {len(receiver.confirmed)}/{len(expected)} confirmed")
                workers[place] = starting.submit(start_worker, **env)
            _wait(lambda: len(receiver.confirmed) == len(expected))
        finally:
            ended.set()
            ticker.join()
            for worker in workers:
                worker.result().stop()
            starting.shutdown()
    return judge(receiver.log, expected)


def _commit(operator: object, count: int, first: int, users: int) -> dict[tuple[int, int], str]:
    """``count`` more events, in transactions of 50, each user's numbered from 0 in the order of their commits."""
    from django.db import transaction

    from operators.services import callbacks
    from tests.factories import now

    made = {}
    for start in range(first, first + count, 50):
        with transaction.atomic():
            for place in range(start, min(start + 50, first + count)):
                user, number = place % users, place // users
                event = callbacks.queue(
                    operator_id=operator.id,  # type: ignore[attr-defined]
                    event="BALANCE_CHANGED",
                    user_id=f"usr_{user}",
                    payload={"user": user, "number": number},
                    now=now(),
                )
                made[user, number] = event.id
    return made


def _tick(ended: threading.Event) -> None:
    """Beat's part: the two sweeps, every second."""
    from operators.tasks import sweep_deliveries
    from predictu.platform.tasks import sweep_relay

    while not ended.wait(1):
        sweep_relay.delay()
        sweep_deliveries.delay()


def _wait(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not reached() and time.monotonic() < end:
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    terms = parser.parse_args()
    from tests.processes import platform

    with platform() as place, tempfile.TemporaryDirectory() as folder:
        _say(f"seed {terms.seed}, {terms.events} events, {terms.rounds} kills")
        begun = time.monotonic()
        verdict = run(
            events=terms.events,
            rounds=terms.rounds,
            users=USERS,
            seed=terms.seed,
            authority=Authority(Path(folder)),
            start_worker=place.worker,
            say=_say,
        )
        _say(f"{verdict} in {time.monotonic() - begun:.0f} s")
        raise SystemExit(0 if verdict.is_clean else 1)


def _say(text: str) -> None:
    import sys

    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
