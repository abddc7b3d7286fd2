"""Play the demo's operators until told to stop."""

import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from operators.demo import certificates
from operators.demo.server import MODES, DemoServer, Operator, secrets_in
from operators.services import outbound


class Command(BaseCommand):
    help = (
        "Receives callbacks over HTTPS on the loopback, verifies their signatures and prints them. GET / shows what "
        'came in; POST /control {"mode": "ok|fail|stall|slow", "seconds": 3} tells it how to behave.'
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8443, help="0 takes a free one; the first line says which")
        parser.add_argument("--mode", choices=MODES, default="ok")
        parser.add_argument("--seconds", type=float, default=3.0, help="how slow slow is")
        parser.add_argument("--keys", type=Path, help="a JSON list with secret_key in each; DEMO_KEYS_FILE by default")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = options["keys"] or Path(os.environ.get("DEMO_KEYS_FILE") or "demo-keys.json")
        operator = Operator(secrets_in(keys), self._say)
        try:
            operator.behave(options["mode"], options["seconds"])
            authority = outbound.demo_authority()
            authority.parent.mkdir(parents=True, exist_ok=True)
            server = DemoServer(operator, certificates.server_certificate(authority), port=options["port"])
        except (ValueError, OSError, OverflowError) as error:
            raise CommandError(f"The demo operator cannot start: {error}") from error
        signal.signal(signal.SIGTERM, _stop)
        with server:
            self._say(f"Demo operator on {server.url}, trusted through {authority}")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                operator.stopping.set()
                self._say("Demo operator stopped")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt
