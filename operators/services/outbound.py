"""The one transport of this process, as the settings open or close it."""

from functools import cache

from django.conf import settings

from operators.http import Transport


def transport() -> Transport:
    """Where all callbacks and PINGs go through."""
    return _transport(settings.PREDICTU_CALLBACK_ALLOW_LOOPBACK, settings.PREDICTU_CALLBACK_CA_BUNDLE)


@cache
def _transport(allow_loopback: bool, ca_bundle: str) -> Transport:
    return Transport(allow_loopback=allow_loopback, ca_files=[ca_bundle] if ca_bundle else [])
