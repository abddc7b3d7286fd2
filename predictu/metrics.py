"""What the processes of this host count for Prometheus: requests, refusals, trades, callbacks.

Every process counts into memory-mapped files of its own under ``PREDICTU_METRICS_DIR``, which costs microseconds and
survives a kill; whoever is scraped adds up all of them. A process holds a lock on a file beside its counts while it
lives, so that the counts of ended ones can be told from those still written to, in other containers too, and folded
into one file.
"""

import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import values
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from predictu.errors import PredictuError

log = logging.getLogger("predictu.metrics")

FOLDER = Path(settings.PREDICTU_METRICS_DIR)
_FOLDED = "folded"
_ALIVE = ".alive"
_P = ParamSpec("_P")


class _Self:
    """This process among those that count: a name never used again, made with its first count."""

    def __init__(self) -> None:
        self.name = ""
        self.counts = False
        self._lock = threading.Lock()
        self._alive: Any = None

    def identity(self) -> str:
        if not self.name and self.counts:
            with self._lock:
                self._begin()
        return self.name

    def _begin(self) -> None:
        if self.name:
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        name = secrets.token_hex(8)
        self._alive = (FOLDER / f"{name}{_ALIVE}").open("w")
        fcntl.flock(self._alive, fcntl.LOCK_EX)  # the kernel lets go of it when the process ends, however it ends
        self.name = name

    def forked(self) -> None:
        """A child counts for itself, and does not hold its parent's lock beyond the parent's end."""
        if self._alive is not None:
            self._alive.close()
        self.name, self._alive, self._lock = "", None, threading.Lock()


_self = _Self()
os.register_at_fork(after_in_child=_self.forked)
# Chosen before the first metric is made: their module looks the class up here.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(FOLDER)
values.ValueClass = values.MultiProcessValue(_self.identity)
_self.counts = True

from prometheus_client import Counter, Histogram  # noqa: E402 - after the class of their values

REQUESTS = Counter(
    "predictu_requests", "Requests by route, method and class of status.", ["route", "method", "status"], registry=None
)
DURATION = Histogram(
    "predictu_request_seconds",
    "Time to answer a request.",
    ["route", "method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=None,
)
REFUSALS = Counter(
    "predictu_refusals",
    "Requests refused by an error's code; wall names the risk wall, if one refused.",
    ["route", "code", "wall"],
    registry=None,
)
TRADES = Counter("predictu_trades", "Trades executed for operators, repeats left out.", ["side"], registry=None)
CALLBACKS = Counter("predictu_callback_attempts", "Attempts at callbacks.", ["outcome"], registry=None)
CALLBACK_SECONDS = Histogram(
    "predictu_callback_seconds",
    "Time an operator took to answer a callback, or to fail to.",
    ["outcome"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=None,
)

_complained = False


def _harmless(count: Callable[_P, None]) -> Callable[_P, None]:
    """A folder that cannot be written to costs counts, not answers; the log says so once."""

    @wraps(count)
    def counted(*args: _P.args, **kwargs: _P.kwargs) -> None:
        global _complained
        try:
            count(*args, **kwargs)
        except OSError as error:
            if not _complained:
                _complained = True
                log.error("metrics are not counted: %s", error)

    return counted


_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


@_harmless
def answered(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    """A request was answered. Routes are named by their pattern, so that there are no more of them than in the code."""
    route = _route(request)
    method = request.method if request.method in _METHODS else "other"
    REQUESTS.labels(route, method, f"{response.status_code // 100}xx").inc()
    DURATION.labels(route, method).observe(seconds)
    refusal: PredictuError | None = getattr(request, "refusal", None)
    if refusal is not None:
        REFUSALS.labels(route, refusal.code, _wall(refusal)).inc()


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.route or "/" if match is not None else "(none)"


def _wall(refusal: PredictuError) -> str:
    """The wall that refused, ``circuit_breaker``, or nothing."""
    details = refusal.details if refusal.code == "RISK_REJECTED" else None
    if not isinstance(details, dict):
        return ""
    return "circuit_breaker" if "circuit_breaker" in details else str(details.get("wall_name", ""))


@_harmless
def traded(side: str) -> None:
    """An operator's trade was executed and has committed."""
    TRADES.labels(side).inc()


@_harmless
def called_back(*, confirmed: bool, latency_ms: int) -> None:
    """A callback was tried."""
    outcome = "confirmed" if confirmed else "failed"
    CALLBACKS.labels(outcome).inc()
    CALLBACK_SECONDS.labels(outcome).observe(latency_ms / 1000)


def collected() -> Iterable[Metric]:
    """What all processes that share the folder have counted, those that have ended included."""
    with _alone():
        _fold()
        return list(MultiProcessCollector(None, path=str(FOLDER)).collect())


@contextmanager
def _alone() -> Iterator[None]:
    """One scrape at a time: nobody reads counts while they are moved from one file into another."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fold() -> None:
    """Add the counts of ended processes to one file for each type of metric, and remove theirs."""
    for alive in FOLDER.glob(f"*{_ALIVE}"):
        name = alive.name.removesuffix(_ALIVE)
        if name == _self.name or not _ended(alive):
            continue
        for path in FOLDER.glob(f"*_{name}.db"):
            _add(path)
            path.unlink()
        alive.unlink()


def _ended(alive: Path) -> bool:
    with suppress(BlockingIOError), alive.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _add(path: Path) -> None:
    kind = path.name.partition("_")[0]
    folded = MmapedDict(str(FOLDER / f"{kind}_{_FOLDED}.db"))
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):
            before, _ = folded.read_value(key)
            folded.write_value(key, before + value, time.time())
    finally:
        folded.close()
