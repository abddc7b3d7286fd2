"""Failed logins and the lock-out: 5 for an e-mail from one address, 20 for an address, 50 for an e-mail in 15 minutes.

Kept in PostgreSQL, with the e-mail as a keyed hash. Attempts that share an address or an e-mail are made one after the
other, so that guesses sent all at once get no further than guesses sent in a row.
"""

import math
import zlib
from datetime import datetime, timedelta

from django.db import connection
from django.utils.crypto import salted_hmac

from accounts.models import LoginFailure
from predictu.errors import RateLimited

WINDOW = timedelta(minutes=15)
PER_PAIR, PER_ADDRESS, PER_EMAIL = 5, 20, 50
_LOCKS = 0x10C0  # the first half of the advisory locks' names
# An attempt takes as long as its Argon2 verification, and at most 50 can be ahead before the lock-out answers at once.
_PATIENCE = "30s"


def hash_of(email: str) -> str:
    """The keyed hash an e-mail is counted under."""
    return salted_hmac("accounts.lockout", email, algorithm="sha256").hexdigest()


def enter(*, email: str, address: str, now: datetime) -> None:
    """Wait for other attempts of this e-mail or address, then let this one through. To be called in a transaction.

    Raises RateLimited, with the seconds to wait, while one of the three counts is full.
    """
    email_hash = hash_of(email)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
        for lock in sorted({_number(f"address {address}"), _number(f"email {email_hash}")}):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, lock])
    failures = LoginFailure.objects.filter(at__gt=now - WINDOW).order_by("-at")
    counts = (
        (failures.filter(email_hash=email_hash, address=address), PER_PAIR),
        (failures.filter(address=address), PER_ADDRESS),
        (failures.filter(email_hash=email_hash), PER_EMAIL),
    )
    free_at = [
        moment + WINDOW for rows, most in counts for moment in rows.values_list("at", flat=True)[most - 1 : most]
    ]
    if free_at:
        seconds = math.ceil((max(free_at) - now).total_seconds())
        raise RateLimited("Too many failed logins; try again later", retry_after=max(1, seconds))


def count(*, email: str, address: str, now: datetime) -> None:
    """One more failure."""
    LoginFailure.objects.create(email_hash=hash_of(email), address=address, at=now)


def forget(*, now: datetime) -> int:
    """Delete failures that no longer count; how many."""
    return LoginFailure.objects.filter(at__lte=now - WINDOW).delete()[0]


def _number(text: str) -> int:
    return zlib.crc32(text.encode()) - 2**31
