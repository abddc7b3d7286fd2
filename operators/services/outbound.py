"""The one transport of this process, as the settings open or close it."""

from functools import cache
from pathlib import Path

from django.conf import settings

from operators.http import Transport


def transport() -> Transport:
    """Where all callbacks and PINGs go through."""
    bundles = [settings.PREDICTU_CALLBACK_CA_BUNDLE] if settings.PREDICTU_CALLBACK_CA_BUNDLE else []
    if settings.PREDICTU_DEMO and demo_authority().exists():
        bundles.append(str(demo_authority()))
    return _transport(settings.PREDICTU_CALLBACK_ALLOW_LOOPBACK, tuple(bundles))


def demo_authority() -> Path:
    """The certificate of the demo operator's own authority."""
    return Path(settings.DATA_DIR) / "demo-operator-ca.pem"


@cache
def _transport(allow_loopback: bool, ca_files: tuple[str, ...]) -> Transport:
    return Transport(allow_loopback=allow_loopback, ca_files=ca_files)
