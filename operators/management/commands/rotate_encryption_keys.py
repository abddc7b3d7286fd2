"""``manage.py rotate_encryption_keys``: put every stored secret under the newest encryption key."""

from typing import Any

from django.core.management.base import BaseCommand

from operators.services import keys


class Command(BaseCommand):
    help = "Encrypt all operators' secrets anew, under the first of PREDICTU_ENCRYPTION_KEYS. Repeating it is harmless."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{keys.encrypt_anew()} secrets are under the newest key")
