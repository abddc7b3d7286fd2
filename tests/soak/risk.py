"""A minute of everything at once: ``python -m tests.soak.risk [seconds] [processes]``. Exits 1 if anything broke."""

import sys

from tests import (
    conftest,  # noqa: F401 starts the services and Django
    databases,
)
from tests.soak import race


def main() -> None:
    seconds, processes = (float(sys.argv[1]) if len(sys.argv) > 1 else 60.0), int((sys.argv[2:] or ["8"])[0])
    databases.renew(databases.own_name())
    databases.use(databases.own_name())
    world = race.build()
    met = race.run(world, processes=processes, seconds=seconds)
    broken = [*met.faults, *race.faults(), *race.room_is_real(world), *race.faults()]
    for name, count in sorted(met.counts.items()):
        print(f"{count:8} {name}")  # noqa: T201
    for line in broken[:50]:
        print("BROKEN", line)  # noqa: T201
    databases.drop(databases.own_name())
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
