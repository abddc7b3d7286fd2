"""Uploaded files: checked, kept under an unguessable path, served from the configured base."""

from django.conf import settings

from predictu.platform.models import StoredFile


def base_url() -> str:
    """What every public file's URL begins with, without a slash at the end."""
    return str(settings.PREDICTU_CDN_URL).rstrip("/")


def url_of(stored: StoredFile) -> str:
    """Where a browser finds the file."""
    return f"{base_url()}/{stored.path}"


def is_ours(url: str) -> bool:
    """Whether ``url`` is that of a file kept here."""
    prefix = base_url() + "/"
    return url.startswith(prefix) and StoredFile.objects.filter(path=url.removeprefix(prefix)[:200]).exists()
