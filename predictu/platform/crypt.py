"""Secrets at rest: encrypted under the environment's keys and bound to the row they belong to."""

from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key.encode()) for key in keys])


def _current() -> MultiFernet:
    return _fernet(tuple(settings.PREDICTU_ENCRYPTION_KEYS))


def encrypt(secret: str, *, row: str) -> str:
    """``secret`` under the newest key, bound to the id of its row."""
    return _current().encrypt(f"{row}:{secret}".encode()).decode()


def decrypt(token: str, *, row: str) -> str:
    """The secret. Raises ValueError when no key fits or it was bound to another row."""
    try:
        bound, _, secret = _current().decrypt(token.encode()).decode().partition(":")
    except InvalidToken:
        raise ValueError("the secret cannot be decrypted with the keys at hand") from None
    if bound != row:
        raise ValueError("the secret belongs to another row")
    return secret


def rotate(token: str) -> str:
    """The same secret under the newest key."""
    return _current().rotate(token.encode()).decode()
