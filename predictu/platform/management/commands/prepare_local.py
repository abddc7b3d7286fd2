"""`manage.py prepare_local`: what `make run` does to the database before it serves, in one start of Django."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from operators.models import Operator
from predictu.local import demo, keys
from predictu.local.place import Place


class Command(BaseCommand):
    """Migrations, the first admin, and demo data where there is none. May be run again at any time."""

    help = __doc__
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        place = Place.from_environment(os.environ)
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        call_command("migrate", interactive=False, verbosity=0)
        make_first_admin(
            place, email=os.environ["PREDICTU_ADMIN_EMAIL"], password=os.environ["PREDICTU_ADMIN_PASSWORD"]
        )
        if settings.PREDICTU_DEMO and not Operator.objects.exists():
            make_demo(place)


def make_first_admin(place: Place, *, email: str, password: str) -> None:
    """Make the admin unless somebody has the e-mail: an existing password is nobody's to overwrite from outside."""
    if get_user_model().objects.filter(email__iexact=email).exists():
        return
    call_command("admin", "create", f"--email={email}", f"--password={password}", "--group=Admin")
    keys.remember_admin(place, email=email, password=password)


def make_demo(place: Place) -> None:
    """Fill the empty database, leaving a mark behind if that is cut off."""
    demo.unfinished(place).touch()
    call_command("demo")
    demo.keys_file(place).chmod(0o600)
    demo.unfinished(place).unlink()
