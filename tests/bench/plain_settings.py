"""The platform's settings with nothing between the server and the plain view."""

from predictu.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.plain"
MIDDLEWARE: list[str] = []
