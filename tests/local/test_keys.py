import json

import pytest
from cryptography.fernet import Fernet

from predictu.local import keys
from predictu.local.place import Place


@pytest.fixture
def place(tmp_path):
    return Place(data=tmp_path)


def test_secrets_are_made_once_and_only_this_user_reads_them(place):
    first = keys.environment(place, {})
    assert keys.environment(place, {}) == first
    assert set(first) == {"SECRET_KEY", "PREDICTU_JWT_KEY", "PREDICTU_ENCRYPTION_KEYS", "PREDICTU_LEDGER_ANCHOR_KEY"}
    assert len(set(first.values())) == 4
    assert (place.data / "secrets.json").stat().st_mode & 0o777 == 0o600
    Fernet(first["PREDICTU_ENCRYPTION_KEYS"])


def test_two_places_have_different_secrets(place, tmp_path):
    (tmp_path / "other").mkdir()
    other = keys.environment(Place(data=tmp_path / "other"), {})
    assert not set(other.values()) & set(keys.environment(place, {}).values())


def test_the_environment_wins_without_replacing_what_is_kept(place):
    before = keys.environment(place, {})
    given = keys.environment(place, {"SECRET_KEY": "given"})
    assert given == before | {"SECRET_KEY": "given"}
    assert keys.environment(place, {}) == before


def test_the_first_admin_is_remembered_with_the_password_he_was_made_with(place):
    email, password = keys.first_admin(place, {})
    assert email == "admin@predictu.test"
    assert len(password) == 16
    assert keys.remembered_password(place, email) is None

    keys.remember_admin(place, email=email, password=password)
    assert keys.first_admin(place, {}) == (email, password)
    assert keys.remembered_password(place, email) == password
    assert set(json.loads((place.data / "secrets.json").read_text())) == {"admins"}


def test_the_environment_names_the_first_admin(place):
    keys.remember_admin(place, email="admin@predictu.test", password="first")
    wanted = {"PREDICTU_ADMIN_EMAIL": "ops@example.com", "PREDICTU_ADMIN_PASSWORD": "given"}
    assert keys.first_admin(place, wanted) == ("ops@example.com", "given")
    assert keys.remembered_password(place, "ops@example.com") is None
