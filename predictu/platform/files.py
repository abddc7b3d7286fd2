"""Uploaded files: checked, kept under an unguessable path, served from the configured base."""

import hashlib
import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from predictu import filetypes, ids
from predictu.errors import NotFound, ValidationFailed
from predictu.platform import audit
from predictu.platform.models import StoredFile

MOST_BYTES = 5_000_000

Category = StoredFile.Category
# Where a category's files lie, and what their last part is called.
_PLACES = {
    Category.OPERATOR_LOGO: ("operators/{slug}", "logo"),
    Category.OPERATOR_FAVICON: ("operators/{slug}", "favicon"),
    Category.MARKET_IMAGE: ("markets", "image"),
    Category.INVOICE_ATTACHMENT: ("invoices", "attachment"),
}
_TYPES = dict.fromkeys(Category, filetypes.IMAGES) | {Category.INVOICE_ATTACHMENT: filetypes.IMAGES | {filetypes.PDF}}
OPERATOR_ASSETS = (Category.OPERATOR_LOGO, Category.OPERATOR_FAVICON)


def base_url() -> str:
    """What every public file's URL begins with, without a slash at the end."""
    return str(settings.PREDICTU_CDN_URL).rstrip("/")


def url_at(path: str) -> str:
    """Where a browser finds the file kept at ``path``."""
    return f"{base_url()}/{path}"


def url_of(stored: StoredFile) -> str:
    """Where a browser finds the file."""
    return url_at(stored.path)


def of_category(file_id: str, category: str) -> StoredFile:
    """An uploaded file meant for this. Raises ValidationFailed on ``file_id``."""
    stored = StoredFile.objects.filter(pk=file_id).first()
    if stored is None:
        raise ValidationFailed(details={"file_id": ["is not an uploaded file"]})
    if stored.category != category:
        raise ValidationFailed(details={"file_id": [f"must have been uploaded as {category}"]})
    return stored


def is_ours(url: str) -> bool:
    """Whether ``url`` is that of a file kept here."""
    prefix = base_url() + "/"
    return url.startswith(prefix) and StoredFile.objects.filter(path=url.removeprefix(prefix)[:200]).exists()


@transaction.atomic
def store(*, content: bytes, category: str, operator_slug: str = "", actor: Any, now: datetime) -> StoredFile:
    """Check a file, keep it and say where it is. Raises ValidationFailed on ``file``."""
    try:
        checked = filetypes.check(content)
    except filetypes.Unacceptable as error:
        raise ValidationFailed(details={"file": [str(error)]}) from None
    if checked.content_type not in _TYPES[category]:
        raise ValidationFailed(details={"file": [f"must be an image for the category {category}"]})
    folder, name = _PLACES[category]
    secret = secrets.token_urlsafe(16)
    path = f"{folder.format(slug=operator_slug)}/{secret}/{name}.{checked.extension}"
    saved = default_storage.save(path, ContentFile(checked.content))
    assert saved == path, "the random part makes every path new"
    stored = StoredFile.objects.create(
        id=ids.new("file", now),
        category=category,
        operator_slug=operator_slug,
        path=path,
        content_type=checked.content_type,
        size_bytes=len(checked.content),
        width=checked.width,
        height=checked.height,
        sha256=hashlib.sha256(checked.content).hexdigest(),
        uploaded_by=actor,
        uploaded_at=now,
    )
    audit.record(
        actor=actor,
        action="file.upload",
        object_type="file",
        object_id=stored.id,
        metadata={"category": category, "operator_slug": operator_slug, "content_type": stored.content_type},
        now=now,
    )
    return stored


def read(path: str) -> tuple[StoredFile, bytes]:
    """A kept file and its bytes. Raises NotFound."""
    stored = StoredFile.objects.filter(path=path).first() if "\x00" not in path else None
    if stored is None or not default_storage.exists(stored.path):
        raise NotFound("No such file")
    with default_storage.open(stored.path) as opened:
        return stored, opened.read()
