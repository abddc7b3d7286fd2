"""API keys: made, rotated, found and used. A secret leaves this module to sign or verify, and once to its owner."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from operators import signing
from operators.models import Operator, OperatorKey
from predictu import ids
from predictu.platform import crypt


@dataclass(frozen=True)
class NewPair:
    """A pair just made: the only moment the secret can be shown."""

    key: OperatorKey
    secret: str
    previous: OperatorKey | None

    def __repr__(self) -> str:
        return f"NewPair({self.key_id})"

    @property
    def key_id(self) -> str:
        return self.key.id


@transaction.atomic
def generate(
    *, operator: Operator, label: str = "API Key", grace: timedelta = timedelta(hours=24), now: datetime
) -> NewPair:
    """A new active pair; every earlier active one expires after ``grace``, never later than it already would."""
    Operator.objects.select_for_update(no_key=True).get(pk=operator.pk)
    earlier = list(operator.keys.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now)))
    for key in earlier:
        if key.expires_at is None or key.expires_at > now + grace:
            key.expires_at = now + grace
            key.save(update_fields=["expires_at"])
    secret, key_id = signing.new_secret_key(), ids.new("key", now)
    key = OperatorKey.objects.create(
        id=key_id,
        operator=operator,
        public_key=signing.new_public_key(),
        secret_encrypted=crypt.encrypt(secret, row=key_id),
        label=label,
        created_at=now,
    )
    return NewPair(key, secret, earlier[0] if earlier else None)


def secret_of(key: OperatorKey) -> str:
    """The decrypted secret, to sign or verify with; it must never be shown, logged or stored."""
    return crypt.decrypt(key.secret_encrypted, row=key.id)


def newest_active(operator: Operator, now: datetime) -> OperatorKey | None:
    """The newest key that is neither revoked nor expired."""
    return (
        operator.keys.filter(revoked_at=None)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .order_by("-created_at", "-id")
        .first()
    )
