"""Which keys are accepted, which ones sign, and where their secrets are."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from operators.models import KeyUse, OperatorKey
from operators.services import keys
from predictu.platform import crypt
from tests.factories import make_admin, make_operator

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 18, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rotate(operator, at, grace=24 * HOUR):
    return keys.issue(operator=operator, label="k", grace=grace, actor=make_admin(), now=at)


def used(pair, at):
    KeyUse.objects.update_or_create(key=pair.key, defaults={"last_used_at": at})


def signing(operator, at):
    found = keys.signing_secrets(operator, at)
    return (found.secret, found.next_secret) if found else None


class TestSigning:
    def test_one_key(self):
        operator = make_operator()
        assert signing(operator, START) is None
        pair = rotate(operator, START)
        assert signing(operator, START) == (pair.secret, None)

    def test_the_old_key_until_the_new_one_is_used_or_grace_ends(self):
        operator = make_operator()
        old, new = rotate(operator, START), rotate(operator, START + HOUR)
        assert signing(operator, START + HOUR) == (old.secret, new.secret)
        used(old, START + 2 * HOUR)
        assert signing(operator, START + 2 * HOUR) == (old.secret, new.secret)
        ends = START + 25 * HOUR
        assert signing(operator, ends - timedelta(seconds=1)) == (old.secret, new.secret)
        assert signing(operator, ends) == (new.secret, None)
        used(new, START + 3 * HOUR)
        assert signing(operator, START + 3 * HOUR) == (new.secret, None)

    def test_of_several_old_keys_the_one_last_used(self):
        operator = make_operator()
        first, second, newest = (rotate(operator, START + number * HOUR) for number in range(3))
        at = START + 3 * HOUR
        assert signing(operator, at) == (second.secret, newest.secret)
        used(first, at)
        assert signing(operator, at) == (first.secret, newest.secret)
        used(second, at + HOUR)
        assert signing(operator, at + HOUR) == (second.secret, newest.secret)

    def test_a_revoked_key_never_signs_again(self):
        operator, admin = make_operator(), make_admin()
        old, new = rotate(operator, START), rotate(operator, START + HOUR)
        at = START + 2 * HOUR
        used(old, at)
        keys.revoke(operator=operator, key_id=old.key_id, reason="leaked", actor=admin, now=at)
        assert signing(operator, at) == (new.secret, None)
        keys.revoke(operator=operator, key_id=new.key_id, reason="leaked", actor=admin, now=at)
        assert signing(operator, at) is None
        assert [key.accepts(at) for key in operator.keys.all()] == [False, False]


class TestGrace:
    def test_expiry_is_exact_and_never_moved_back(self):
        operator = make_operator()
        first = rotate(operator, START)
        rotate(operator, START, grace=HOUR)
        rotate(operator, START, grace=72 * HOUR)
        key = OperatorKey.objects.get(pk=first.key_id)
        assert key.expires_at == START + HOUR
        assert [key.status(START + HOUR - timedelta(microseconds=1)), key.status(START + HOUR)] == [
            "expiring",
            "expired",
        ]

    def test_an_expired_key_is_not_the_previous_one(self):
        operator = make_operator()
        rotate(operator, START)
        second = rotate(operator, START, grace=HOUR)
        third = rotate(operator, START + 2 * HOUR)
        assert third.previous == second.key
        assert OperatorKey.objects.filter(expires_at=START + HOUR).count() == 1


class TestSecretsAtRest:
    def test_shape_and_absence_of_the_plain_text(self):
        pair = rotate(make_operator(), START)
        assert len(pair.key.public_key) == len("pk_live_") + 32 and len(pair.secret) == len("sk_live_") + 43
        row = OperatorKey.objects.filter(pk=pair.key_id).values().get()
        assert pair.secret not in str(row) and pair.secret not in repr(pair)

    def test_a_secret_is_bound_to_its_row(self):
        first, second = rotate(make_operator(), START), rotate(make_operator(), START)
        OperatorKey.objects.filter(pk=first.key_id).update(secret_encrypted=second.key.secret_encrypted)
        with pytest.raises(ValueError, match="another row"):
            keys.secret_of(OperatorKey.objects.get(pk=first.key_id))

    def test_rotating_the_encryption_key(self, settings):
        pairs = [rotate(make_operator(), START) for _ in range(3)]
        old, new = settings.PREDICTU_ENCRYPTION_KEYS, [Fernet.generate_key().decode()]
        settings.PREDICTU_ENCRYPTION_KEYS = new + old
        late = rotate(make_operator(), START)
        for _ in range(2):
            out = StringIO()
            call_command("rotate_encryption_keys", stdout=out)
            assert out.getvalue() == "4 secrets are under the newest key\n"
        settings.PREDICTU_ENCRYPTION_KEYS = new
        for pair in [*pairs, late]:
            assert keys.secret_of(OperatorKey.objects.get(pk=pair.key_id)) == pair.secret

    def test_a_lost_encryption_key_is_said(self, settings):
        token = crypt.encrypt("x", row="key_1")
        settings.PREDICTU_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        with pytest.raises(ValueError, match="cannot be decrypted"):
            crypt.decrypt(token, row="key_1")
