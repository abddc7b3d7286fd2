"""API keys: made, rotated, found and used. A secret leaves this module to sign or verify, and once to its owner."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from operators import signing
from operators.models import KeyUse, OnboardingFact, Operator, OperatorKey
from predictu import ids
from predictu.errors import NotFound
from predictu.platform import activity, audit, crypt

GRACE = timedelta(hours=24)


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
def generate(*, operator: Operator, label: str = "API Key", grace: timedelta = GRACE, now: datetime) -> NewPair:
    """A new active pair; every earlier active one expires after ``grace``, never later than it already would."""
    Operator.objects.select_for_update(no_key=True).get(pk=operator.pk)
    earlier = list(accepted(operator, now))
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


def accepted(operator: Operator, now: datetime) -> QuerySet[OperatorKey]:
    """The keys that are neither revoked nor expired, newest first."""
    valid = operator.keys.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))
    return valid.order_by("-created_at", "-id")


def newest_active(operator: Operator, now: datetime) -> OperatorKey | None:
    """The newest key that is neither revoked nor expired."""
    return accepted(operator, now).first()


@dataclass(frozen=True, slots=True)
class SigningSecrets:
    """What a callback is signed with: ``secret``, and during a rotation the newest key's as ``next_secret``."""

    secret: str = field(repr=False)
    next_secret: str | None = field(repr=False)


def signing_secrets(operator: Operator, now: datetime) -> SigningSecrets | None:
    """The secrets to sign for ``operator`` with at ``now``; None without a key.

    During grace the first is an older key's, the one last used, until a request signed with the newest has arrived.
    """
    known = list(accepted(operator, now).select_related("use"))
    if not known:
        return None
    newest, older = known[0], known[1:]
    if not older or _used_at(newest) is not None:
        return SigningSecrets(secret_of(newest), None)
    never = datetime.min.replace(tzinfo=now.tzinfo)
    current = max(older, key=lambda key: (_used_at(key) or never, key.created_at))
    return SigningSecrets(secret_of(current), secret_of(newest))


def _used_at(key: OperatorKey) -> datetime | None:
    use: KeyUse | None = getattr(key, "use", None)
    return use.last_used_at if use is not None else None


@transaction.atomic
def issue(*, operator: Operator, label: str, grace: timedelta, actor: Any, now: datetime) -> NewPair:
    """``generate`` by a member of staff: audited, and it confirms the operator's terms."""
    pair = generate(operator=operator, label=label, grace=grace, now=now)
    for name in (OnboardingFact.Name.CONFIGURE_REVENUE, OnboardingFact.Name.GENERATE_KEYS):
        OnboardingFact.objects.get_or_create(operator=operator, name=name, defaults={"completed_at": now})
    previous = pair.previous
    audit.record(
        actor=actor,
        action="KEY_GENERATED" if previous is None else "KEY_ROTATED",
        object_type="operator",
        object_id=operator.id,
        metadata={
            "key_id": pair.key_id,
            "label": label,
            "previous_key_id": previous.id if previous else None,
            "previous_expires_at": previous.expires_at if previous else None,
        },
        now=now,
    )
    return pair


@transaction.atomic
def revoke(*, operator: Operator, key_id: str, reason: str, actor: Any, now: datetime) -> OperatorKey:
    """Refuse a key from now on and never sign with it again. Revoking it twice changes nothing. Raises NotFound."""
    Operator.objects.select_for_update(no_key=True).get(pk=operator.pk)
    key = operator.keys.filter(pk=key_id).first() if ids.is_one("key", key_id) else None
    if key is None:
        raise NotFound("No such key")
    if key.revoked_at is not None:
        return key
    status, key.revoked_at = key.status(now), now
    key.save(update_fields=["revoked_at"])
    audit.record(
        actor=actor,
        action="KEY_REVOKED",
        object_type="operator",
        object_id=operator.id,
        changes={"status": {"from": status, "to": "revoked"}},
        reason=reason,
        metadata={"key_id": key.id},
        now=now,
    )
    activity.record(
        type="operator_event",
        title="API key revoked",
        description=f"A key of {{{operator.id}}} was revoked",
        severity="warning",
        operator_id=operator.id,
        metadata={"key_id": key.id, "actor": actor.pk},
        now=now,
    )
    return key


def encrypt_anew() -> int:
    """Put every key's secret under the newest encryption key; how many there are. Raises ValueError for a lost one.

    Row by row under its lock, so that it can run beside everything else and be run again after an end half-way.
    """
    numbers = list(OperatorKey.objects.order_by("id").values_list("id", flat=True))
    for number in numbers:
        with transaction.atomic():
            key = OperatorKey.objects.select_for_update(no_key=True).get(pk=number)
            secret_of(key)  # a secret that belongs to another row must not get a fresh coat
            key.secret_encrypted = crypt.rotate(key.secret_encrypted)
            key.save(update_fields=["secret_encrypted"])
    return len(numbers)
