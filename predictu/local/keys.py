"""The secrets of one development data directory: made once, kept where only this user reads them."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from predictu.local.place import Place

DEFAULT_ADMIN_EMAIL = "admin@predictu.test"


def environment(place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """Every secret the settings ask for. What the environment names wins; what is generated stays the same from run
    to run, because the database holds what was encrypted and chained with it."""
    kept = _read(place)
    values = _generated() | kept.get("secrets", {})
    if values != kept.get("secrets"):
        _write(place, kept | {"secrets": values})
    return {name: environ.get(name) or value for name, value in values.items()}


def first_admin(place: Place, environ: Mapping[str, str]) -> tuple[str, str]:
    """E-mail and password to make the first admin with, should there be none with that e-mail."""
    remembered = _read(place).get("admins", {})
    email = environ.get("PREDICTU_ADMIN_EMAIL") or next(iter(remembered), DEFAULT_ADMIN_EMAIL)
    return email, environ.get("PREDICTU_ADMIN_PASSWORD") or remembered.get(email) or secrets.token_urlsafe(12)


def remember_admin(place: Place, *, email: str, password: str) -> None:
    """Keep what an admin was made with, to show it again at the next start."""
    kept = _read(place)
    _write(place, kept | {"admins": kept.get("admins", {}) | {email: password}})


def remembered_password(place: Place, email: str) -> str | None:
    """What the admin was made with; None if it was made elsewhere."""
    return _read(place).get("admins", {}).get(email)


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, in one step as others see it."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
    unfinished.replace(path)


def _generated() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "PREDICTU_JWT_KEY": secrets.token_urlsafe(48),
        "PREDICTU_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "PREDICTU_LEDGER_ANCHOR_KEY": secrets.token_urlsafe(48),
    }


def _read(place: Place) -> dict[str, Any]:
    path = place.data / "secrets.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _write(place: Place, values: Mapping[str, Any]) -> None:
    write_private(place.data / "secrets.json", json.dumps(values, indent=2))
