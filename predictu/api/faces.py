"""The API faces: under which prefix each lives, how it words errors, who it admits.

Each face's ``admit`` is installed by the app that owns the callers (admins, operators), so the plumbing imports no app.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from predictu.api import bodies
from predictu.api.throttling import Limit, take


@dataclass(frozen=True)
class Face:
    """One API: its prefix, how it words errors and times, and who lets callers in.

    ``prints_code`` faces print an error's particular code, the others its kind (``NAME_EXISTS`` against ``CONFLICT``).
    """

    name: str
    prefix: str
    validation_status: int
    shows_success: bool
    prints_code: bool
    allows_browsers: bool
    milliseconds: bool
    gate: str

    def admit(self, request: HttpRequest) -> None:
        """Let the caller in or raise; sets ``request.limit_headers`` on the way. Bodies too large are refused here."""
        gate: Callable[[HttpRequest], None] = import_string(self.gate)
        gate(request)
        bodies.bound(request)


FACES = (
    Face("auth", "/api/auth", 422, False, True, True, False, "accounts.api.gates.admit_anyone"),
    Face("internal", "/api/internal", 422, False, False, True, False, "accounts.api.gates.admit_admin"),
    Face("s2s", "/api/s2s", 400, True, True, True, True, "accounts.api.gates.admit_s2s"),
    Face("casino", "/api/casino", 422, False, True, False, False, "accounts.api.gates.admit_operator"),
)
_OPEN = ("/api/docs/", "/api/schema/")


def face_of(path: str) -> Face | None:
    """The face a path belongs to, unknown paths under its prefix included; None outside the APIs."""
    for face in FACES:
        if path == face.prefix or path.startswith(face.prefix + "/"):
            return face
    if path in _OPEN:
        return None
    return OTHER if path == "/api" or path.startswith("/api/") else None


OTHER = Face("other", "/api", 422, False, True, False, False, "predictu.api.faces.admit_nobody_in_particular")


def admit_nobody_in_particular(request: HttpRequest) -> None:
    """Paths under /api that belong to no API end in a 404 envelope, so many times a minute from one address."""
    take(request, f"other:{request.client_address}", Limit(settings.PREDICTU_ADMIN_RATE_LIMIT))  # type: ignore[attr-defined]
