"""The files of reports and exports: in the default storage, apart from what is public, under names nobody can guess."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, BinaryIO, cast

from django.core.files import File
from django.core.files.storage import default_storage

FOLDER = "private"


def new_path(ending: str) -> str:
    """A place for a new file; nothing of it comes from a user."""
    return f"{FOLDER}/{secrets.token_urlsafe(24)}.{ending}"


@contextmanager
def scratch() -> Iterator[BinaryIO]:
    """A file to write into that leaves no trace, however the process ends."""
    with TemporaryFile() as file:
        yield cast(BinaryIO, file)


def keep(file: BinaryIO, path: str) -> tuple[int, str]:
    """Put what was written into the storage at ``path``; its size in bytes and its sha256."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = file.tell()
    file.seek(0)
    saved = default_storage.save(path, File(cast(IO[bytes], file)))
    assert saved == path, "no two names are alike"
    return size, digest


def open_file(path: str) -> BinaryIO:
    """Raises FileNotFoundError."""
    return cast(BinaryIO, default_storage.open(path, "rb"))


def remove(path: str) -> None:
    """Delete it; nothing happens when it is not there."""
    if path:
        default_storage.delete(path)
