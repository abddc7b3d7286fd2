"""The environment a test session runs in: services of its own, and a number that keeps sessions apart.

`prepare` is called while `tests/conftest.py` is imported, because Django reads its settings right after.
"""

import atexit
import fcntl
import os
import time
from contextlib import ExitStack
from urllib.parse import urlsplit, urlunsplit

from predictu.local.place import Place
from predictu.local.services import Services

SLOTS = 16
DATABASES_PER_SLOT = 16


def prepare() -> None:
    """Start the embedded services where no URL names others, claim a slot, and set the environment.

    The xdist controller does the starting; its workers inherit the result. The last session to end stops the services.
    """
    if "PREDICTU_TEST_SLOT" not in os.environ:
        held = ExitStack()
        atexit.register(held.close)
        _open_session(held)
    first = int(os.environ["PREDICTU_TEST_REDIS_FIRST"])
    os.environ["REDIS_URL"] = redis_url(os.environ["REDIS_URL"], number=first + worker_number() % DATABASES_PER_SLOT)
    # Counters of processes are added up by whoever is asked: sessions and workers keep theirs apart.
    os.environ["PREDICTU_METRICS_DIR"] = f"{os.environ['PREDICTU_DATA_DIR']}/metrics-{session_name()}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "predictu.settings"
    os.environ["TZ"] = "UTC"
    time.tzset()


def worker_number() -> int:
    """0 without xdist, 1, 2, … in its workers."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(worker.removeprefix("gw")) + 1 if worker else 0


def session_name() -> str:
    """Tells this process's databases from those of every other session and checkout on the same server."""
    return f"{os.environ['PREDICTU_TEST_PLACE']}_{os.environ['PREDICTU_TEST_SLOT']}_{worker_number()}"


def redis_url(base: str, *, number: int) -> str:
    """The URL `base` with another database of its server, 16 at most on a server that is not ours."""
    if base.startswith("unix:"):
        return f"{base.partition('?')[0]}?db={number}"
    return urlunsplit(urlsplit(base)._replace(path=f"/{number % 16}"))


def _open_session(held: ExitStack) -> None:
    place = Place(data=Place.from_environment(os.environ).data / "test")
    services = Services.wanted(place, os.environ, disposable=True)
    held.enter_context(services.borrowed())
    (place.data / "static").mkdir(exist_ok=True)  # whitenoise warns about a missing one
    slot = _claim_slot(place, held)
    os.environ.update(
        services.environment,
        PREDICTU_DATA_DIR=str(place.data),
        PREDICTU_TEST_PLACE=place.key,
        PREDICTU_TEST_SLOT=str(slot),
        PREDICTU_TEST_REDIS_FIRST=str(slot * DATABASES_PER_SLOT if services.redis else 0),
        PREDICTU_DEMO="0",
        CELERY_TASK_ALWAYS_EAGER="1",
    )


def _claim_slot(place: Place, held: ExitStack) -> int:
    for slot in range(SLOTS):
        handle = (place.data / f"slot-{slot}.lock").open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
        else:
            held.enter_context(handle)
            return slot
    raise RuntimeError(f"{SLOTS} test sessions are running in this checkout already")
