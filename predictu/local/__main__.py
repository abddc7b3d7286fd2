"""`python -m predictu.local run|up|stop|wipe|exec`: the platform of this checkout, or its embedded services alone."""

import argparse
import os
import shlex
import sys

import environ

from predictu.local import keys, run
from predictu.local.place import CHECKOUT, LocalError, Place
from predictu.local.services import Services


def up(place: Place, _command: list[str]) -> int:
    """Start the services and print how to reach them, for `eval "$(python -m predictu.local up)"`."""
    services = Services.wanted(place, os.environ)
    services.start()
    for name, value in development_environment(place, services).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


def stop(place: Place, _command: list[str]) -> int:
    """Stop the services of this checkout, the tests' included, whoever uses them."""
    for path in (place.data, place.data / "test"):
        if path.exists():
            Services.wanted(Place(data=path), {}).stop()
    return 0


def wipe(place: Place, _command: list[str]) -> int:
    """Stop the services and delete the data directory with everything in it, the tests' included."""
    for path in (place.data / "test", place.data):
        if (path / "instance").exists():
            Services.wanted(Place(data=path), {}).wipe()
    return 0


def execute(place: Place, command: list[str]) -> int:
    """Start the services and run a command with them, in this process: `exec python manage.py shell`."""
    if not command:
        raise LocalError("exec needs a command")
    services = Services.wanted(place, os.environ)
    services.start()
    os.execvpe(command[0], command, {**os.environ, **development_environment(place, services)})  # noqa: S606 - a developer's own command


def serve(place: Place, _command: list[str]) -> int:
    """The platform in the foreground."""
    return run.run(place, os.environ)


def development_environment(place: Place, services: Services) -> dict[str, str]:
    """What a process needs besides the environment it was started in, to work on the same data as `make run`."""
    return {"PREDICTU_DATA_DIR": str(place.data), **keys.environment(place, os.environ), **services.environment}


COMMANDS = {"run": serve, "up": up, "stop": stop, "wipe": wipe, "exec": execute}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m predictu.local", description=__doc__)
    parser.add_argument("action", choices=COMMANDS)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="for exec: the command and its arguments")
    arguments = parser.parse_args()
    environ.Env.read_env(CHECKOUT / ".env")
    place = Place.from_environment(os.environ)
    try:
        place.prepare()
        return COMMANDS[arguments.action](place, arguments.command)
    except LocalError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
